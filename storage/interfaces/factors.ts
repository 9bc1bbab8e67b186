import type {UserId} from '../../crypto/index.ts';
import type {Batch, Outcome} from '../batch.ts';

/** What counts tries at the codes of one account, wherever they come from. */
export interface TryPacing {
	readonly nowMs: number;
	/** Tries in a row that wait for nothing. */
	readonly freeTries: number;
	/** The wait after the first try that is not free; each further one doubles it. */
	readonly firstWaitMs: number;
	readonly waitMsMax: number;
}

/** A person's code generator. */
export interface TotpSecretRow {
	readonly userId: UserId;
	/** Encrypted by the caller. */
	readonly sealedSecret: string;
	/** Whether its person has shown that they have it. */
	readonly isConfirmed: boolean;
	/** The newest time step of which a code was used; -1: none. */
	readonly lastStep: number;
	/** Tries since the last right code. */
	readonly failures: number;
	readonly waitMs: number;
	/** When the next try is taken, in milliseconds. */
	readonly nextTryTs: number;
	readonly createdDay: number;
}

/** The public part of a passkey. */
export interface PasskeyRow {
	/** Unpadded URL-safe base64. */
	readonly credentialId: string;
	readonly userId: UserId;
	/** What authenticators know the person by: random, unpadded URL-safe base64. */
	readonly userHandle: string;
	/** As COSE_Key. */
	readonly publicKey: Uint8Array;
	/** As the authenticator counted at its last use; 0: it does not count. */
	readonly signCount: number;
	/** How browsers reach the authenticator, as they say it. */
	readonly transports: readonly string[];
	/** As its person calls it. */
	readonly name: string;
	readonly createdDay: number;
	readonly lastUsedDay: number | null;
}

/** What is asked of a passkey. */
export interface PasskeyChallengeRow {
	/** The browser's session that it was made for. */
	readonly session: string;
	readonly purpose: 'register' | 'authenticate';
	readonly challenge: string;
	/** Milliseconds. */
	readonly expiresTs: number;
}

/** How many factors an account has. */
export interface FactorCounts {
	readonly hasTotp: boolean;
	readonly recoveryCodes: number;
	readonly passkeys: number;
}

/** Second factors, and what is asked for them. */
export interface FactorsRepository {
	/** Counts what an account has; nothing where there is no such account. */
	count(userId: UserId): Promise<FactorCounts>;

	/** Sets a secret that is to be confirmed; ConflictError('totp_secret') where there is a confirmed one. */
	setTotpSecret(batch: Batch, row: Pick<TotpSecretRow, 'userId' | 'sealedSecret' | 'createdDay'>): void;
	/** Confirms a secret by a code of this time step; ConflictError('totp_secret') where it is another or confirmed. */
	confirmTotpSecret(batch: Batch, userId: UserId, sealedSecret: string, step: number): void;
	/** Takes a try; ConflictError('totp_try') before its time. */
	takeTotpTry(batch: Batch, userId: UserId, pacing: TryPacing): void;
	/** Uses a time step up; ConflictError('totp_step') where it, or a later one, was used, or the secret is another. */
	useTotpStep(batch: Batch, userId: UserId, sealedSecret: string, step: number): void;
	findTotpSecret(userId: UserId): Promise<TotpSecretRow | undefined>;
	removeTotpSecret(batch: Batch, userId: UserId): void;

	/** Adds the hash of a recovery code to those of an account. */
	addRecoveryCode(batch: Batch, userId: UserId, codeHash: string): void;
	/** Sets the hashes of an account's recovery codes; those from before are good no more. */
	setRecoveryCodes(batch: Batch, userId: UserId, codeHashes: readonly string[]): void;
	/** Uses a code up; ConflictError('recovery_code') where there is no such code. */
	useRecoveryCode(batch: Batch, userId: UserId, codeHash: string): void;

	/**
	 * Adds a passkey to those of an account. DuplicateError('passkeys') where somebody has it; ConflictError('passkey_count')
	 * where the account would have more than so many, and ('account') where there is no such account.
	 */
	addPasskey(batch: Batch, row: PasskeyRow, countMax: number): void;
	findPasskey(credentialId: string): Promise<PasskeyRow | undefined>;
	/** Lists an account's passkeys, at most 1,000, in the order of their ids. */
	listPasskeys(userId: UserId): Promise<PasskeyRow[]>;
	/** ConflictError('passkey') where the account has none of this id. */
	renamePasskey(batch: Batch, userId: UserId, credentialId: string, name: string): void;
	/** ConflictError('passkey') where the account has none of this id. */
	removePasskey(batch: Batch, userId: UserId, credentialId: string): void;
	/** Notes a use; ConflictError('passkey') where the counter stood at another number, or the passkey is gone. */
	usePasskey(
		batch: Batch,
		use: {
			readonly credentialId: string;
			readonly signCountBefore: number;
			readonly signCount: number;
			readonly lastUsedDay: number;
		},
	): void;

	/** Sets what a session's passkey is to sign, in the place of what it was before. */
	setPasskeyChallenge(batch: Batch, row: PasskeyChallengeRow): void;
	findPasskeyChallenge(
		session: string,
		purpose: PasskeyChallengeRow['purpose'],
	): Promise<PasskeyChallengeRow | undefined>;
	/** Uses a challenge up; ConflictError('passkey_challenge') where it was used, or is another. */
	usePasskeyChallenge(batch: Batch, row: Pick<PasskeyChallengeRow, 'session' | 'purpose' | 'challenge'>): void;
	/** Removes challenges that ended before a time, some hundreds at once; how many it were. */
	sweepPasskeyChallenges(batch: Batch, beforeTs: number): Outcome<number>;
}
