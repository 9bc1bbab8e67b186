import {type DeviceId, hashToken, isToken, newToken, type RandomBytes, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {ConflictError, type LoginTokenRow, type Storage} from '../../storage/index.ts';
import type {DeviceRequest, Devices, IssuedSession} from '../devices/index.ts';
import {AccountsError} from './errors.ts';
import {checkMay} from './gate.ts';

/** Long enough to carry it to the other device, and not to be found there later. */
const LIFETIME_MS = 2 * 60 * 1000;

/** A token that signs in once, given this once: only its hash is kept. */
export interface LoginToken {
	readonly token: string;
	readonly expiresInMs: number;
}

/** Who asks for a token: a device, or a browser that is signed in, known by the hash of its session. */
export type LoginTokenOwner =
	| {readonly userId: UserId; readonly deviceId: DeviceId}
	| {readonly userId: UserId; readonly webSessionHash: string};

/**
 * Tokens by which somebody who is signed in signs another of their devices in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#token-based-login
 */
export interface LoginTokens {
	/** Makes a token; the one that the device asked for before is good no more. */
	issue(owner: LoginTokenOwner): Promise<LoginToken>;
	/**
	 * Opens a session, and uses the token up in the same commit.
	 * @throws AccountsError 'wrong-login-token', 'locked', 'deactivated'
	 */
	signIn(token: string, device: DeviceRequest): Promise<IssuedSession>;
}

/** Makes tokens that sign in once. */
export function createLoginTokens({
	storage,
	devices,
	clock,
	random,
}: {
	readonly storage: Storage;
	readonly devices: Pick<Devices, 'open' | 'remove'>;
	readonly clock: Clock;
	readonly random: RandomBytes;
}): LoginTokens {
	return {
		async issue(owner) {
			const token = newToken('login', random);
			const batch = storage.batch();
			storage.loginTokens.sweep(batch, clock.now());
			const expiresTs = clock.now() + LIFETIME_MS;
			storage.loginTokens.add(batch, {
				tokenHash: hashToken(token),
				userId: owner.userId,
				deviceId: 'deviceId' in owner ? owner.deviceId : null,
				webSessionHash: 'deviceId' in owner ? null : owner.webSessionHash,
				expiresTs,
			});
			await storage.commit(batch);
			return {token, expiresInMs: LIFETIME_MS};
		},
		async signIn(token, device) {
			const row = isToken(token, 'login') ? await storage.loginTokens.find(hashToken(token)) : undefined;
			if (row === undefined || row.expiresTs <= clock.now()) throw wrongToken();
			// The token goes with the session that asked for it: who was signed out there lets nobody in any more.
			const account = (await hasGiver(storage, row, clock.now())) ? await storage.accounts.find(row.userId) : undefined;
			if (account === undefined) throw wrongToken();
			checkMay('use', account);
			const batch = storage.batch();
			storage.loginTokens.redeem(batch, row.tokenHash, clock.now());
			const session = await devices.open(batch, row.userId, {...device, webSessionHash: row.webSessionHash});
			try {
				await storage.commit(batch);
			} catch (cause) {
				if (cause instanceof ConflictError && cause.condition === 'login_token') throw wrongToken({cause});
				throw cause;
			}
			// Who gave it may have been signed out meanwhile; what that ended must not begin after it.
			if (!(await hasGiver(storage, row, clock.now()))) {
				await devices.remove(row.userId, [session.deviceId]);
				throw wrongToken();
			}
			return session;
		},
	};
}

async function hasGiver(
	storage: Storage,
	{userId, deviceId, webSessionHash}: LoginTokenRow,
	nowMs: number,
): Promise<boolean> {
	if (deviceId !== null) return (await storage.devices.find(userId, deviceId)) !== undefined;
	const session = webSessionHash === null ? undefined : await storage.webSessions.find(webSessionHash);
	return session !== undefined && session.expiresTs > nowMs;
}

function wrongToken(options?: ErrorOptions): AccountsError {
	return new AccountsError('wrong-login-token', 'The login token is unknown, was used, or has ended', options);
}
