import type {Seal, ServerName, UserId} from '../../crypto/index.ts';
import {type RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, type Storage} from '../../storage/index.ts';
import {Secret, TOTP} from 'otpauth';
import {SecondFactorError, tooManyTries, wrongCode} from './errors.ts';

/** What RFC 4226 recommends, and what every code generator takes. */
const SECRET_BYTES = 20;
/** One step either side: half a minute of a clock that is wrong, or of slow fingers. */
const WINDOW_STEPS = 1;

/**
 * Tries at the codes of an account by whoever knows its password, from wherever: with one in half a minute, a code in three
 * steps of a million is found in about four months, and the person has been told long before.
 */
const PACING = {freeTries: 5, firstWaitMs: 1000, waitMsMax: 30_000};

/** A secret that a person carries to their code generator. */
export interface TotpSetUp {
	/** As base32, for those who type it. */
	readonly secret: string;
	/** `otpauth://…`, for those who scan it. */
	readonly uri: string;
}

/** What code generators are built from. */
export interface TotpDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly serverName: ServerName;
	readonly seal: Seal;
	/** Told of a secret that the server's key does not open. */
	readonly onProblem: (problem: Error) => void;
}

/**
 * Begins to set a code generator up; it counts once it is confirmed.
 * @throws SecondFactorError 'totp-exists'
 */
export async function beginTotp(dependencies: TotpDependencies, userId: UserId): Promise<TotpSetUp> {
	const {storage, clock, random, seal} = dependencies;
	const secret = random(SECRET_BYTES);
	const batch = storage.batch();
	const createdDay = Math.floor(clock.now() / 86_400_000);
	storage.factors.setTotpSecret(batch, {userId, sealedSecret: seal.seal(secret, ownerOf(userId)), createdDay});
	await storage.commit(batch).catch((cause: unknown) => {
		throw cause instanceof ConflictError
			? new SecondFactorError('totp-exists', 'There is a code generator: remove it first', {cause})
			: cause;
	});
	const totp = generatorOf(dependencies, userId, secret);
	return {secret: totp.secret.base32, uri: totp.toString()};
}

/** Gives the set-up that waits to be confirmed, to show it again after a wrong code. */
export async function findTotpSetUp(dependencies: TotpDependencies, userId: UserId): Promise<TotpSetUp | undefined> {
	const row = await dependencies.storage.factors.findTotpSecret(userId);
	if (row === undefined || row.isConfirmed) return undefined;
	const totp = open(dependencies, userId, row.sealedSecret);
	return totp && {secret: totp.secret.base32, uri: totp.toString()};
}

/**
 * Adds to a batch that the code generator counts from now on; the code is used up.
 * @throws SecondFactorError 'no-set-up', 'wrong-code'
 */
export async function confirmTotp(
	dependencies: TotpDependencies,
	batch: Batch,
	userId: UserId,
	code: string,
): Promise<void> {
	const row = await dependencies.storage.factors.findTotpSecret(userId);
	const totp = row === undefined || row.isConfirmed ? undefined : open(dependencies, userId, row.sealedSecret);
	if (row === undefined || totp === undefined) throw noSetUp();
	const step = findStep(dependencies, totp, code);
	if (step === undefined) throw wrongCode();
	dependencies.storage.factors.confirmTotpSecret(batch, userId, row.sealedSecret, step);
}

/** The error for a set-up that is not there, or no more. */
export function noSetUp(options?: ErrorOptions): SecondFactorError {
	return new SecondFactorError('no-set-up', 'The set-up was begun anew, or never: begin again', options);
}

/**
 * Takes a code of the account's generator, once.
 * @param isKnown whether the account has proven itself in this session before: then nobody else's tries count
 * @throws SecondFactorError 'wrong-code', 'too-many-tries'
 */
export async function proveTotp(
	dependencies: TotpDependencies,
	{userId, code, isKnown}: {readonly userId: UserId; readonly code: string; readonly isKnown: boolean},
): Promise<void> {
	const {storage, clock} = dependencies;
	const row = await storage.factors.findTotpSecret(userId);
	if (row === undefined || !row.isConfirmed) throw wrongCode();
	if (!isKnown) {
		const trying = storage.batch();
		storage.factors.takeTotpTry(trying, userId, {...PACING, nowMs: clock.now()});
		await storage.commit(trying).catch((cause: unknown) => {
			if (!(cause instanceof ConflictError)) throw cause;
			throw tooManyTries(Math.min(PACING.waitMsMax, Math.max(1000, row.nextTryTs - clock.now())), {cause});
		});
	}
	const totp = open(dependencies, userId, row.sealedSecret);
	const step = totp && findStep(dependencies, totp, code);
	if (step === undefined) throw wrongCode();
	const batch = storage.batch();
	storage.factors.useTotpStep(batch, userId, row.sealedSecret, step);
	await storage.commit(batch).catch((cause: unknown) => {
		throw cause instanceof ConflictError ? wrongCode({cause}) : cause;
	});
}

function generatorOf({serverName}: TotpDependencies, userId: UserId, secret: Uint8Array): TOTP {
	const {buffer} = Uint8Array.from(secret);
	return new TOTP({
		issuer: serverName,
		label: userId,
		algorithm: 'SHA1',
		digits: 6,
		period: 30,
		secret: new Secret({buffer}),
	});
}

function open(dependencies: TotpDependencies, userId: UserId, sealedSecret: string): TOTP | undefined {
	const secret = dependencies.seal.open(sealedSecret, ownerOf(userId));
	if (secret === undefined) {
		dependencies.onProblem(new Error('the secret of a code generator does not open: factors.key is another one'));
		return undefined;
	}
	return generatorOf(dependencies, userId, secret);
}

/** The time step that a code is of. */
function findStep({clock}: TotpDependencies, totp: TOTP, code: string): number | undefined {
	const timestamp = clock.now();
	const delta = totp.validate({token: code, timestamp, window: WINDOW_STEPS});
	return delta === null ? undefined : totp.counter({timestamp}) + delta;
}

/** A secret that is put into another's row does not open there. */
function ownerOf(userId: UserId): string {
	return `totp ${userId}`;
}
