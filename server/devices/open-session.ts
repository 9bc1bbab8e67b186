import {
	type DeviceId,
	hashToken,
	isDeviceId,
	newDeviceId,
	newRefreshFamily,
	newRefreshToken,
	newToken,
	type UserId,
	type RandomBytes,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Batch, DeviceRow, Storage, UpstreamSession} from '../../storage/index.ts';
import {DevicesError} from './errors.ts';

/** How long an access token lives that comes with a refresh token. */
export const ACCESS_TOKEN_LIFETIME_MS = 5 * 60 * 1000;

/** A person has a few, a forgotten script many; every one of them costs whoever writes to all. */
const DEVICES_MAX = 1_000;

/** The device that a login or registration asks for. */
export interface DeviceRequest {
	/** Absent: a new one. */
	readonly deviceId?: string | undefined;
	/** For a new device only. */
	readonly displayName?: string | undefined;
	/** Whether the client can refresh its token; the access token then ends soon. */
	readonly wantsRefresh: boolean;
	/** The hash of the browser's session that let the client in, where one did. */
	readonly webSessionHash?: string | null | undefined;
	/** The other service that vouched for the person, where it is known without the browser's session. */
	readonly upstream?: UpstreamSession | undefined;
}

/** Tokens as a client is given them, this once: only their hashes are kept. */
export interface IssuedTokens {
	readonly accessToken: string;
	readonly refreshToken?: string;
	/** Milliseconds; absent: the access token does not end by itself. */
	readonly expiresInMs?: number;
}

/** A session that a batch opens. */
export interface IssuedSession extends IssuedTokens {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
}

/** A session that is being opened, for those who have something to do with every one of them. */
export interface OpenedSession {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** As it is shown to its owner from now on. */
	readonly displayName: string | null;
	/** The devices that the account had before; among them this one, where it signs in anew. */
	readonly devices: readonly DeviceRow[];
	/** The hash of the browser's session that let the client in, where one did. */
	readonly webSessionHash: string | undefined;
	readonly upstream: UpstreamSession | undefined;
}

/** Adds to the batch by which a session is opened what goes with it, whoever signs in however. */
export type SessionHook = (batch: Batch, session: OpenedSession) => Promise<void> | void;

/** Their person signs them out; the account has another password; or anything else ends them. */
export type RemovalReason = 'signed-out' | 'new-password' | 'ended';

/** Devices that are about to be removed; there may be none. */
export interface Removal {
	readonly userId: UserId;
	readonly removed: readonly DeviceRow[];
	/** The devices that the account has beside them. */
	readonly left: readonly DeviceRow[];
	readonly reason: RemovalReason;
}

/** Adds to the batch by which devices are removed what goes with them; gives those of the other devices that go as well. */
export type RemovalHook = (batch: Batch, removal: Removal) => Promise<readonly DeviceRow[]>;

/** What issuing tokens needs. */
export interface TokenDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
}

/** The refresh token that an access token comes with, or what is to be exchanged for it. */
export interface RefreshPair {
	readonly token: string;
	readonly hash: string;
}

/** Makes a refresh token of a session's family. */
export function createRefreshPair(family: string, random: RandomBytes): RefreshPair {
	const token = newRefreshToken(family, random);
	return {token, hash: hashToken(token)};
}

/** Adds an access token to a batch, tied to the refresh token where there is one. */
export function addAccessToken(
	{storage, clock, random}: TokenDependencies,
	batch: Batch,
	session: {userId: UserId; deviceId: DeviceId; refresh: RefreshPair | undefined},
): IssuedTokens {
	const accessToken = newToken('access', random);
	const {userId, deviceId, refresh} = session;
	storage.devices.addAccessToken(batch, {
		tokenHash: hashToken(accessToken),
		userId,
		deviceId,
		expiresTs: refresh === undefined ? null : clock.now() + ACCESS_TOKEN_LIFETIME_MS,
		refreshHash: refresh?.hash ?? null,
	});
	return refresh === undefined
		? {accessToken}
		: {accessToken, refreshToken: refresh.token, expiresInMs: ACCESS_TOKEN_LIFETIME_MS};
}

/**
 * Adds a session to a batch: the device, where it is new, and its tokens; the tokens it had before end.
 * @throws DevicesError 'invalid-device-id', 'device-id-is-a-key', 'device-is-dehydrated', 'too-many-devices'
 */
export async function openSession(
	dependencies: TokenDependencies & {readonly onOpen: SessionHook},
	batch: Batch,
	userId: UserId,
	request: DeviceRequest,
): Promise<IssuedSession> {
	const {storage, clock, random} = dependencies;
	const deviceId = request.deviceId ?? newDeviceId(random);
	if (!isDeviceId(deviceId)) {
		throw new DevicesError('invalid-device-id', 'Expected a device id of 1 to 255 bytes without control characters');
	}
	if (request.deviceId !== undefined) {
		await checkIsNoKey(storage, userId, deviceId);
		await checkIsNotDehydrated(storage, userId, deviceId);
	}
	const devices = await storage.devices.listOfUser(userId);
	if (devices.some((device) => device.deviceId === deviceId)) {
		storage.devices.removeTokens(batch, userId, deviceId);
		batch.announce({kind: 'device', subject: userId, extra: {device_ids: [deviceId]}});
	} else if (devices.length >= DEVICES_MAX) {
		throw new DevicesError('too-many-devices', `Expected fewer than ${DEVICES_MAX} devices: sign one out first`);
	}
	storage.devices.add(batch, {
		userId,
		deviceId,
		displayName: request.displayName ?? null,
		lastSeenDay: Math.floor(clock.now() / 86_400_000),
	});
	const {displayName} = devices.find((device) => device.deviceId === deviceId) ?? {
		displayName: request.displayName ?? null,
	};
	await dependencies.onOpen(batch, {
		userId,
		deviceId,
		displayName,
		devices,
		webSessionHash: request.webSessionHash ?? undefined,
		upstream: request.upstream,
	});
	const family = newRefreshFamily(random);
	const refresh = request.wantsRefresh ? createRefreshPair(family, random) : undefined;
	if (refresh !== undefined) {
		storage.devices.addRefreshFamily(batch, {familyHash: hashToken(family), userId, deviceId});
		storage.devices.addRefreshToken(batch, {
			tokenHash: refresh.hash,
			userId,
			deviceId,
			expiresTs: null,
			nextHash: null,
		});
	}
	return {userId, deviceId, ...addAccessToken(dependencies, batch, {userId, deviceId, refresh})};
}

// Its keys belong to nobody who is signed in, and it must keep receiving.
async function checkIsNotDehydrated(storage: Storage, userId: UserId, deviceId: DeviceId): Promise<void> {
	if ((await storage.dehydratedDevices.find(userId))?.deviceId === deviceId) {
		throw new DevicesError('device-is-dehydrated', 'This device id is the id of the dehydrated device');
	}
}

// A signature is stored by the id of what it signs: a device named like a key would be signed in its place.
async function checkIsNoKey(storage: Storage, userId: UserId, deviceId: DeviceId): Promise<void> {
	for (const {json} of await storage.keys.listCrossSigningKeys([userId])) {
		const {keys} = json;
		if (typeof keys === 'object' && keys !== null && Object.values(keys).includes(deviceId)) {
			throw new DevicesError('device-id-is-a-key', 'This device id is the id of a cross-signing key');
		}
	}
}
