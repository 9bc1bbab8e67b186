import {Seal, type UserId} from '../../crypto/index.ts';
import {type Batch, ConflictError, type FactorCounts} from '../../storage/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import type {GivenProof, ProofPolicy} from '../web-sessions/index.ts';
import {
	orUnknownPasskey,
	createPasskeys,
	type PasskeyDependencies,
	type PasskeyRegistration,
	type Passkeys,
} from './passkeys.ts';
import {wrongCode} from './errors.ts';
import {
	type Factors,
	hasSecondProof,
	isPasswordAlone,
	judgeProofs,
	listMissing,
	listRenewing,
	type ProofVerdict,
	type SecondFactorPolicy,
} from './policy.ts';
import {proveRecoveryCode, readRecoveryCode, renewRecoveryCodes} from './recovery-codes.ts';
import {type Approvers, createApprovers} from './approvers.ts';
import {createVouching, isUsed, type Vouching} from './vouching.ts';
import {createHalfProofs, type HalfProofs} from './half-proofs.ts';
import {createTries, type Tries} from './tries.ts';
import {
	beginTotp,
	confirmTotp,
	findTotpSetUp,
	noSetUp,
	proveTotp,
	type TotpDependencies,
	type TotpSetUp,
} from './totp.ts';

/** What the domain of second factors is built from. */
export interface SecondFactorDependencies extends Omit<TotpDependencies & PasskeyDependencies, 'seal'> {
	readonly policy: SecondFactorPolicy;
	/** Of whom the policy asks nothing: the account of a source has one password, and no page to set up more. */
	readonly isExempt: (userId: UserId) => boolean;
	/** Whether new sessions wait until a session of the same person approves them. */
	readonly areSessionsHeld: boolean;
	/** Of the services whose word, or whose passwords, sign people in. */
	readonly identityProviderIds: readonly string[];
	/** Where it is said to the account's owner. */
	readonly notices: NoticeQueue;
}

/** Whose factors they are. */
export interface FactorOwner {
	readonly userId: UserId;
	readonly isAdmin: boolean;
}

/** A code that somebody typed. */
export interface CodeAttempt {
	readonly userId: UserId;
	/** Six digits of a code generator, or a recovery code. */
	readonly code: string;
	/** Where the try comes from: a network, or the browser's session of who is signed in. */
	readonly source: string;
	/** Whether the account has proven itself in this session before: then no stranger's tries make it wait. */
	readonly isKnown: boolean;
}

/** What proves people beside their password, and whether it is enough. */
export interface SecondFactor extends ProofPolicy, Vouching, Approvers, HalfProofs {
	/** What an account has; the same work where there is no such account. */
	find(owner: FactorOwner): Promise<Factors>;
	/** Gives what a passkey or code generator of an account is told from others by; recovery codes are not among them. */
	describe(userId: UserId): Promise<readonly string[]>;
	/** Whether a password alone signs this account in; the same work where there is no such account. */
	isPasswordEnough(owner: FactorOwner): Promise<boolean>;
	/** Whether proofs are enough for an account, and what is missing. */
	judge(owner: FactorOwner, given: readonly GivenProof[]): Promise<ProofVerdict>;
	/**
	 * Takes a code, once, and says of which kind it was.
	 * @throws SecondFactorError 'wrong-code', 'too-many-tries'
	 */
	proveCode(attempt: CodeAttempt): Promise<'totp' | 'recovery-code'>;
	readonly passkeys: Passkeys;
	/** Adds the passkey that a browser made. @throws SecondFactorError, as {@link Passkeys.register}; 'passkey-exists' */
	addPasskey(registration: PasskeyRegistration): Promise<void>;
	/**
	 * Removes a passkey; with the last factor the recovery codes go too. Other browsers are signed out: whoever has what is
	 * removed may have signed in there.
	 * @param keepsWebSession the hash of the browser's session that stays
	 * @throws SecondFactorError 'unknown-passkey', 'last-way-in'
	 */
	removePasskey(userId: UserId, credentialId: string, keepsWebSession?: string): Promise<void>;
	/** Begins to set up a code generator. @throws SecondFactorError 'totp-exists' */
	beginTotp(userId: UserId): Promise<TotpSetUp>;
	/** Gives the set-up that waits to be confirmed. */
	findTotpSetUp(userId: UserId): Promise<TotpSetUp | undefined>;
	/**
	 * Confirms the code generator by its first code.
	 * @throws SecondFactorError 'no-set-up', 'wrong-code', 'too-many-tries'
	 */
	confirmTotp(userId: UserId, code: string, source: string): Promise<void>;
	/** Removes the code generator, as {@link SecondFactor.removePasskey} removes a passkey. */
	removeTotp(userId: UserId, keepsWebSession?: string): Promise<void>;
	/**
	 * Removes all that an account has, for somebody who has lost it, and signs all browsers out.
	 * @param alsoWrite adds to the same commit
	 */
	removeAll(userId: UserId, alsoWrite: (batch: Batch) => void): Promise<void>;
	/** Makes ten recovery codes in the place of those from before, gives them this once, and signs other browsers out. */
	renewRecoveryCodes(userId: UserId, keepsWebSession?: string): Promise<readonly string[]>;
}

/** Makes the domain of second factors. */
export function createSecondFactor(dependencies: SecondFactorDependencies): SecondFactor {
	const {storage, clock, policy, isExempt, areSessionsHeld, secret, random} = dependencies;
	const parts = {...dependencies, seal: new Seal(secret, random)};
	const tries = createTries(() => clock.monotonic());
	const passkeys = createPasskeys(dependencies);

	async function find({userId, isAdmin}: FactorOwner): Promise<Factors> {
		const counts = await storage.factors.count(userId);
		const isAsked = policy === 'everybody' || (policy === 'administrators' && isAdmin);
		const isRequired = isAsked && !isExempt(userId);
		return {...counts, hasAny: counts.hasTotp || counts.passkeys > 0, isRequired};
	}

	async function ownerOf(userId: UserId): Promise<FactorOwner> {
		return {userId, isAdmin: (await storage.accounts.find(userId))?.isAdmin ?? false};
	}
	const approvers = createApprovers(dependencies, async (userId) => find(await ownerOf(userId)));

	async function judge(owner: FactorOwner, given: readonly GivenProof[]): Promise<ProofVerdict> {
		const found = judgeProofs(await find(owner), given);
		if (found.verdict !== 'set-up-missing' || hasSecondProof(given)) return found;
		return (await isUsed(storage, owner.userId)) ? {verdict: 'vouching-missing'} : found;
	}

	return {
		find,
		passkeys,
		async describe(userId) {
			const totp = await storage.factors.findTotpSecret(userId);
			const ids = (await storage.factors.listPasskeys(userId)).map(({credentialId}) => credentialId);
			return totp?.isConfirmed === true ? [totp.sealedSecret, ...ids] : ids;
		},
		async isPasswordEnough(owner) {
			const {hasAny, isRequired} = await find(owner);
			return !hasAny && !isRequired;
		},
		judge,
		async listMissing(userId, given) {
			const owner = await ownerOf(userId);
			return listMissing(await find(owner), await judge(owner, given));
		},
		mustSetUp: async (userId, given) => (await judge(await ownerOf(userId), given)).verdict === 'set-up-missing',
		async wantsVouching(userId, given) {
			if (!areSessionsHeld || isExempt(userId) || !isPasswordAlone(given)) return false;
			const {hasAny} = await find({userId, isAdmin: false});
			return !hasAny && approvers.couldApprove(userId);
		},
		listRenewing: async (userId) => listRenewing(await find(await ownerOf(userId))),
		async proveCode({userId, code, source, isKnown}) {
			tries.take(codesOf(userId), source);
			const kind = await takeCode(parts, {userId, code, isKnown});
			tries.clear(codesOf(userId), source);
			return kind;
		},
		...createSetUps(parts, passkeys, tries),
		...createVouching(parts),
		...approvers,
		...createHalfProofs(dependencies),
	};
}

type Parts = SecondFactorDependencies & TotpDependencies;
type SetUps = Pick<
	SecondFactor,
	| 'removeAll'
	| 'addPasskey'
	| 'removePasskey'
	| 'beginTotp'
	| 'findTotpSetUp'
	| 'confirmTotp'
	| 'removeTotp'
	| 'renewRecoveryCodes'
>;

function createSetUps(parts: Parts, passkeys: Passkeys, tries: Tries): SetUps {
	const {storage, notices, identityProviderIds} = parts;

	/** Recovery codes stand in for a factor; where there is none, there is nothing they could be asked for. */
	async function removeCodesWithLast(
		batch: Batch,
		userId: UserId,
		isLeft: (left: FactorCounts) => boolean,
	): Promise<void> {
		if (!isLeft(await storage.factors.count(userId))) storage.factors.setRecoveryCodes(batch, userId, []);
	}

	return {
		async addPasskey(registration) {
			const batch = storage.batch();
			await passkeys.register(batch, registration);
			notices.add(batch, registration.userId, {kind: 'passkey-added'});
			await storage.commit(batch).catch(orUnknownPasskey);
		},
		async removePasskey(userId, credentialId, keepsWebSession) {
			const batch = storage.batch();
			storage.webSessions.removeOfUser(batch, userId, keepsWebSession);
			storage.factors.removePasskey(batch, userId, credentialId);
			storage.accounts.checkWayIn(batch, userId, identityProviderIds);
			await removeCodesWithLast(batch, userId, ({hasTotp, passkeys: count}) => hasTotp || count > 1);
			notices.add(batch, userId, {kind: 'passkey-removed'});
			await storage.commit(batch).catch(orUnknownPasskey);
		},
		beginTotp: (userId) => beginTotp(parts, userId),
		findTotpSetUp: (userId) => findTotpSetUp(parts, userId),
		async confirmTotp(userId, code, source) {
			tries.take(codesOf(userId), source);
			const batch = storage.batch();
			await confirmTotp(parts, batch, userId, code);
			notices.add(batch, userId, {kind: 'totp-added'});
			await storage.commit(batch).catch((cause: unknown) => {
				throw cause instanceof ConflictError ? noSetUp({cause}) : cause;
			});
			tries.clear(codesOf(userId), source);
		},
		async removeTotp(userId, keepsWebSession) {
			const batch = storage.batch();
			storage.webSessions.removeOfUser(batch, userId, keepsWebSession);
			storage.factors.removeTotpSecret(batch, userId);
			await removeCodesWithLast(batch, userId, ({passkeys: count}) => count > 0);
			notices.add(batch, userId, {kind: 'totp-removed'});
			await storage.commit(batch);
		},
		async removeAll(userId, alsoWrite) {
			const batch = storage.batch();
			if ((await storage.factors.count(userId)).hasTotp) notices.add(batch, userId, {kind: 'totp-removed'});
			storage.factors.removeTotpSecret(batch, userId);
			for (const {credentialId} of await storage.factors.listPasskeys(userId)) {
				storage.factors.removePasskey(batch, userId, credentialId);
				notices.add(batch, userId, {kind: 'passkey-removed'});
			}
			storage.factors.setRecoveryCodes(batch, userId, []);
			storage.webSessions.removeOfUser(batch, userId);
			alsoWrite(batch);
			await storage.commit(batch).catch(orUnknownPasskey);
		},
		async renewRecoveryCodes(userId, keepsWebSession) {
			const batch = storage.batch();
			storage.webSessions.removeOfUser(batch, userId, keepsWebSession);
			const codes = renewRecoveryCodes(parts, batch, userId);
			notices.add(batch, userId, {kind: 'recovery-codes-renewed'});
			await storage.commit(batch);
			return codes;
		},
	};
}

async function takeCode(
	parts: Parts,
	{userId, code, isKnown}: Omit<CodeAttempt, 'source'>,
): Promise<'totp' | 'recovery-code'> {
	const digits = code.replaceAll(/\s/gu, '');
	if (/^\d{6}$/u.test(digits)) {
		await proveTotp(parts, {userId, code: digits, isKnown});
		return 'totp';
	}
	const recoveryCode = readRecoveryCode(code);
	if (recoveryCode === undefined) throw wrongCode();
	await proveRecoveryCode(parts, userId, recoveryCode);
	return 'recovery-code';
}

/** Under which name tries at an account's codes are counted. */
function codesOf(userId: UserId): string {
	return `code ${userId}`;
}
