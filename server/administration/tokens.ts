import {hashToken} from '../../crypto/index.ts';
import {ConflictError, DuplicateError, type RegistrationTokenRow} from '../../storage/index.ts';
import {SET_UP_NAME} from '../accounts/index.ts';
import type {AuditActor} from '../audit/index.ts';
import type {AdministrationDependencies} from './context.ts';
import {AdministrationError} from './errors.ts';

/** A token that people choose is guessed sooner than one that is made; shorter ones are no tokens. */
const CHOSEN_MIN = 16;
const CHOSEN_MAX = 64;
/** What stands in the log for a token that has no name: the beginning of its hash. */
const MARK_LENGTH = 10;

/** How often and how long a registration token is good. */
export interface TokenBounds {
	/** `null`: without limit. */
	readonly usesAllowed: number | null;
	/** Milliseconds since the Unix epoch; `null`: never. */
	readonly expiresTs: number | null;
}

/**
 * The tokens that let people register. Tokens are not kept: each is known by the hash of it, which is shown in its place
 * and by which it is found, as by the token itself.
 */
export interface RegistrationTokens {
	/** Lists those that are good, those that are not, or all. The link that sets up the server is not among them. */
	list(isGood: boolean | undefined): Promise<RegistrationTokenRow[]>;
	/** @throws AdministrationError 'unknown-token' */
	get(tokenOrHash: string): Promise<RegistrationTokenRow>;
	/**
	 * Makes a token; it is given this once.
	 * @param text the token, where somebody wants to choose it
	 * @throws AdministrationError 'invalid', 'token-exists'
	 */
	create(by: AuditActor, token: TokenBounds & {readonly text?: string | undefined}): Promise<string>;
	/** @throws AdministrationError 'unknown-token', 'protected' for a token that makes administrators */
	change(by: AuditActor, tokenOrHash: string, bounds: Partial<TokenBounds>): Promise<RegistrationTokenRow>;
	/** @throws AdministrationError 'unknown-token' */
	remove(by: AuditActor, tokenOrHash: string): Promise<void>;
}

/** Makes the administration of registration tokens. */
export function createRegistrationTokens({
	storage,
	accounts,
	audit,
	clock,
}: AdministrationDependencies): RegistrationTokens {
	const isSetUp = ({makesAdmin, name}: RegistrationTokenRow): boolean => makesAdmin && name === SET_UP_NAME;

	async function get(tokenOrHash: string): Promise<RegistrationTokenRow> {
		const row =
			(await storage.accounts.findRegistrationToken(hashToken(tokenOrHash))) ??
			(await storage.accounts.findRegistrationToken(tokenOrHash));
		if (row === undefined || isSetUp(row)) throw unknownToken();
		return row;
	}

	return {
		async list(isGood) {
			const nowMs = clock.now();
			const rows = (await storage.accounts.listRegistrationTokens()).filter((row) => !isSetUp(row));
			return isGood === undefined ? rows : rows.filter((row) => isGoodAt(row, nowMs) === isGood);
		},
		get,
		async create(by, {text, usesAllowed, expiresTs}) {
			if (text !== undefined) checkChosen(text);
			try {
				return await accounts.createRegistrationToken({
					name: '',
					usesAllowed,
					expiresTs,
					makesAdmin: false,
					text,
					alsoWrite: (batch) =>
						audit.note(batch, {
							who: by,
							act: 'create-token',
							...(text !== undefined && {whom: markOf(hashToken(text))}),
							details: {uses_allowed: usesAllowed, expiry_time: expiresTs},
						}),
				});
			} catch (cause) {
				if (!(cause instanceof DuplicateError) || cause.table !== 'registration_tokens') throw cause;
				throw new AdministrationError('token-exists', 'There is such a token already', {cause});
			}
		},
		async change(by, tokenOrHash, bounds) {
			const row = await get(tokenOrHash);
			if (row.makesAdmin) {
				throw new AdministrationError('protected', 'A token that makes administrators is changed by nobody');
			}
			const {usesAllowed = row.usesAllowed, expiresTs = row.expiresTs} = bounds;
			const batch = storage.batch();
			storage.accounts.updateRegistrationToken(batch, row.tokenHash, {usesAllowed, expiresTs});
			const details = {uses_allowed: usesAllowed, expiry_time: expiresTs};
			audit.note(batch, {who: by, act: 'change-token', whom: nameOf(row), details});
			await storage.commit(batch).catch((cause: unknown) => {
				throw cause instanceof ConflictError && cause.condition === 'registration_token'
					? unknownToken({cause})
					: cause;
			});
			return {...row, usesAllowed, expiresTs};
		},
		async remove(by, tokenOrHash) {
			const row = await get(tokenOrHash);
			const batch = storage.batch();
			storage.accounts.removeRegistrationToken(batch, row.tokenHash);
			audit.note(batch, {who: by, act: 'remove-token', whom: nameOf(row)});
			await storage.commit(batch);
		},
	};
}

function isGoodAt({usesAllowed, usesDone, expiresTs}: RegistrationTokenRow, nowMs: number): boolean {
	return (usesAllowed === null || usesDone < usesAllowed) && (expiresTs === null || expiresTs > nowMs);
}

const markOf = (tokenHash: string): string => tokenHash.slice(0, MARK_LENGTH);
const nameOf = ({name, tokenHash}: RegistrationTokenRow): string => (name === '' ? markOf(tokenHash) : name);

function checkChosen(text: string): void {
	if (text.length >= CHOSEN_MIN && text.length <= CHOSEN_MAX && /^[A-Za-z0-9._~-]+$/.test(text)) return;
	throw new AdministrationError(
		'invalid',
		`token: expected ${CHOSEN_MIN} to ${CHOSEN_MAX} letters, digits and any of ._~-; leave it out to have one made`,
	);
}

function unknownToken(options?: ErrorOptions): AdministrationError {
	return new AdministrationError('unknown-token', 'There is no such registration token', options);
}
