import type {RandomBytes, UserId} from '../../crypto/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {SecondFactorError} from './errors.ts';
import {addRecoveryCode, RECOVERY_CODES} from './recovery-codes.ts';

interface VouchingDependencies {
	readonly storage: Storage;
	readonly random: RandomBytes;
	readonly notices: NoticeQueue;
}

/**
 * Says that somebody is who they say they are when they set up a first factor that they must have: whoever stole their
 * password would set up one, too. A code does it, once, as a recovery code stands in for a factor.
 */
export interface Vouching {
	/**
	 * Asks a person's sessions whether it is they who want to set up their first factor: they are told of it with a code.
	 */
	askSessions(userId: UserId): Promise<void>;
	/** Gives a code for a person's sessions; `undefined` where there is a factor already, or as many codes as may be. */
	createCodeForSessions(userId: UserId): Promise<string | undefined>;
	/**
	 * Gives a code by which an administrator vouches for somebody who sets up their first factor; earlier ones are over.
	 * @throws SecondFactorError 'factor-exists'
	 */
	createCodeByAdministrator(userId: UserId, alsoWrite: (batch: Batch) => void): Promise<string>;
}

/** Makes what vouches for people. */
export function createVouching(parts: VouchingDependencies): Vouching {
	const {storage, notices} = parts;
	async function findFactors(userId: UserId) {
		const counts = await storage.factors.count(userId);
		return {...counts, hasAny: counts.hasTotp || counts.passkeys > 0};
	}
	return {
		async askSessions(userId) {
			const batch = storage.batch();
			notices.add(batch, userId, {kind: 'factor-wanted'});
			if (!batch.isEmpty) await storage.commit(batch);
		},
		async createCodeForSessions(userId) {
			const {hasAny, recoveryCodes} = await findFactors(userId);
			if (hasAny || recoveryCodes >= RECOVERY_CODES) return undefined;
			const batch = storage.batch();
			const code = addRecoveryCode(parts, batch, userId, {replaces: false});
			await storage.commit(batch);
			return code;
		},
		async createCodeByAdministrator(userId, alsoWrite) {
			if ((await findFactors(userId)).hasAny) {
				throw new SecondFactorError('factor-exists', 'The account has a second factor: it signs in with that');
			}
			const batch = storage.batch();
			const code = addRecoveryCode(parts, batch, userId, {replaces: true});
			alsoWrite(batch);
			await storage.commit(batch);
			return code;
		},
	};
}

/** Whether there is anything in an account that its password alone must not open: a session, or a room. */
export async function isUsed(storage: Storage, userId: UserId): Promise<boolean> {
	if ((await storage.devices.listOfUser(userId)).length > 0) return true;
	return (await storage.memberships.listOfUser(userId, ['join'])).length > 0;
}
