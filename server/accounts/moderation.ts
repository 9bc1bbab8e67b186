import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import {type AccountRow, type AccountStates, ConflictError, type Storage} from '../../storage/index.ts';
import type {Audit, AuditActName, AuditActor} from '../audit/index.ts';
import {AccountsError} from './errors.ts';

/** What an administrator may take from an account, and give back. */
export type Restriction = 'isLocked' | 'isSuspended';

/**
 * Locks and suspends accounts. Only for administrators: the answers tell which names exist.
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-moderation
 */
export interface Moderation {
	/**
	 * Tells an administrator whether an account is restricted; of another administrator nobody is told.
	 * @throws AccountsError 'not-local', 'unknown-account', 'protected'
	 */
	get(administrator: UserId, userId: UserId, restriction: Restriction): Promise<boolean>;
	/**
	 * Sets it. Nobody does it to themselves or to an administrator: whoever took over one account would shut out all others.
	 * @throws AccountsError 'not-local', 'unknown-account', 'protected'
	 */
	set(administrator: AuditActor, userId: UserId, restriction: Restriction, value: boolean): Promise<void>;
}

/** How setting and ending each is called in the audit log. */
const acts: Readonly<Record<Restriction, readonly [set: AuditActName, end: AuditActName]>> = {
	isLocked: ['lock-account', 'unlock-account'],
	isSuspended: ['suspend-account', 'unsuspend-account'],
};

/** Makes what locks and suspends accounts. */
export function createModeration({
	storage,
	serverName,
	audit,
}: {
	readonly storage: Storage;
	readonly audit: Pick<Audit, 'note'>;
	readonly serverName: ServerName;
}): Moderation {
	async function getAccount(userId: UserId): Promise<AccountRow> {
		if (domainOf(userId) !== serverName) {
			throw new AccountsError('not-local', 'Expected a user of this server');
		}
		const account = await storage.accounts.find(userId);
		if (account === undefined || account.isDeactivated) {
			throw new AccountsError('unknown-account', 'No such account');
		}
		return account;
	}

	return {
		async get(administrator, userId, restriction) {
			const account = await getAccount(userId);
			if (account.isAdmin && userId !== administrator) throw isProtected();
			return account[restriction];
		},
		async set(administrator, userId, restriction, value) {
			const account = await getAccount(userId);
			if (userId === administrator || account.isAdmin) throw isProtected();
			const states: AccountStates = {[restriction]: value};
			const batch = storage.batch();
			storage.accounts.setStates(batch, userId, states);
			batch.announce({kind: 'account', subject: userId});
			const [setting, ending] = acts[restriction];
			audit.note(batch, {who: administrator, act: value ? setting : ending, whom: userId});
			try {
				await storage.commit(batch);
			} catch (cause) {
				if (cause instanceof ConflictError && cause.condition === 'account') {
					throw new AccountsError('unknown-account', 'No such account', {cause});
				}
				throw cause;
			}
		},
	};
}

function isProtected(): AccountsError {
	return new AccountsError('protected', 'Administrators are neither locked nor suspended');
}
