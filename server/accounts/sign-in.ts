import type {UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {DeviceRequest, IssuedSession} from '../devices/index.ts';
import type {AccountsDependencies} from './accounts.ts';
import {AccountsError} from './errors.ts';
import {checkMay} from './gate.ts';
import {checkPasswordLength} from './password-rules.ts';

/**
 * Refusals are answered at the next multiple of this time after the attempt began: hashes of other cost, and a row that
 * is there or not, then show in no clock.
 */
const GRID_MS = 100;

/** A name and a password that want a session. */
export interface SignInAttempt {
	/** `undefined` for a name that nobody here could have. */
	readonly userId: UserId | undefined;
	readonly password: string;
	readonly device: DeviceRequest;
}

/** Who has shown an account's password. */
export interface PasswordProof {
	readonly userId: UserId;
	/**
	 * Whether it is the password even now. It may have been changed while it was checked, and what the change ended must
	 * not begin after it: whoever opens something by a proof asks this afterwards.
	 */
	stillHolds(): Promise<boolean>;
}

/** Opens a session by password; see `Accounts.signIn`. */
export async function signIn(
	dependencies: AccountsDependencies,
	{device, ...claim}: SignInAttempt,
): Promise<IssuedSession> {
	const {storage, devices} = dependencies;
	const proof = await provePassword(dependencies, claim);
	const batch = storage.batch();
	const session = await devices.open(batch, proof.userId, device);
	await storage.commit(batch);
	if (!(await proof.stillHolds())) {
		await devices.remove(proof.userId, [session.deviceId]);
		throw wrongPassword();
	}
	return session;
}

/** Checks a name and a password; see `Accounts.provePassword`. */
export async function provePassword(
	{storage, passwords, clock}: AccountsDependencies,
	{userId, password}: Omit<SignInAttempt, 'device'>,
): Promise<PasswordProof> {
	checkPasswordLength(password);
	const begunMs = clock.monotonic();
	const account = userId === undefined ? undefined : await storage.accounts.find(userId);
	const isRight = await passwords.verify(password, account?.passwordHash ?? undefined);
	if (!isRight || account === undefined) {
		await waitForGrid(clock, begunMs);
		throw wrongPassword();
	}
	checkMay('use', account);
	return {
		userId: account.userId,
		stillHolds: async () => (await storage.accounts.find(account.userId))?.passwordHash === account.passwordHash,
	};
}

/** The error for a name or a password that is wrong, whichever of the two. */
export function wrongPassword(): AccountsError {
	return new AccountsError('wrong-password', 'The name or the password is wrong');
}

function waitForGrid(clock: Clock, begunMs: number): Promise<void> {
	const elapsedMs = clock.monotonic() - begunMs;
	return new Promise((resolve) => {
		clock.setTimer(GRID_MS - (elapsedMs % GRID_MS), resolve);
	});
}
