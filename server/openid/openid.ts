import {type DeviceId, hashToken, isToken, newToken, type RandomBytes, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';

/** A token for a third party, given this once: only its hash is kept. */
export interface OpenIdToken {
	readonly token: string;
	readonly expiresInMs: number;
}

/**
 * Tokens by which people prove to third parties who they are. A token tells a user id and opens nothing.
 * @see https://spec.matrix.org/v1.19/client-server-api/#openid
 */
export interface OpenId {
	/** Makes a token. It goes with the device; of one device's tokens the latest fifty are good. */
	issue(owner: {readonly userId: UserId; readonly deviceId: DeviceId}): Promise<OpenIdToken>;
	/** Finds whose a token is; `undefined` where it is none, has ended, or its owner's account may not go on. */
	findOwner(token: string): Promise<UserId | undefined>;
}

/** The time that the specification's examples give. */
const LIFETIME_MS = 60 * 60 * 1000;
/** A call asks for one each time that it is joined. */
const TOKENS_OF_DEVICE_MAX = 50;

/** Makes OpenID tokens. */
export function createOpenId({
	storage,
	clock,
	random,
}: {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
}): OpenId {
	return {
		async issue({userId, deviceId}) {
			const token = newToken('openid', random);
			const batch = storage.batch();
			// Whoever makes new ones clears away the old, so that no more are kept than are good.
			storage.openIdTokens.sweep(batch, clock.now());
			const row = {tokenHash: hashToken(token), userId, deviceId, expiresTs: clock.now() + LIFETIME_MS};
			storage.openIdTokens.add(batch, row, TOKENS_OF_DEVICE_MAX - 1);
			await storage.commit(batch);
			return {token, expiresInMs: LIFETIME_MS};
		},
		async findOwner(token) {
			// What has not the form of a token costs no look into the database.
			const row = isToken(token, 'openid') ? await storage.openIdTokens.find(hashToken(token)) : undefined;
			if (row === undefined || row.expiresTs <= clock.now()) return undefined;
			const account = await storage.accounts.find(row.userId);
			return account === undefined || account.isDeactivated || account.isLocked ? undefined : row.userId;
		},
	};
}
