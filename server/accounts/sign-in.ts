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

/** Opens a session by password; see `Accounts.signIn`. */
export async function signIn(
	{storage, devices, passwords, clock}: AccountsDependencies,
	{userId, password, device}: SignInAttempt,
): Promise<IssuedSession> {
	checkPasswordLength(password);
	const begunMs = clock.monotonic();
	const account = userId === undefined ? undefined : await storage.accounts.find(userId);
	const isRight = await passwords.verify(password, account?.passwordHash ?? undefined);
	if (!isRight || account === undefined) {
		await waitForGrid(clock, begunMs);
		throw wrongPassword();
	}
	checkMay('use', account);
	const batch = storage.batch();
	const session = await devices.open(batch, account.userId, device);
	await storage.commit(batch);
	// The password may have been changed while it was checked: then this session is one that the change should have ended.
	const after = await storage.accounts.find(account.userId);
	if (after?.passwordHash !== account.passwordHash) {
		await devices.remove(account.userId, [session.deviceId]);
		throw wrongPassword();
	}
	return session;
}

function wrongPassword(): AccountsError {
	return new AccountsError('wrong-password', 'The name or the password is wrong');
}

function waitForGrid(clock: Clock, begunMs: number): Promise<void> {
	const elapsedMs = clock.monotonic() - begunMs;
	return new Promise((resolve) => {
		clock.setTimer(GRID_MS - (elapsedMs % GRID_MS), resolve);
	});
}
