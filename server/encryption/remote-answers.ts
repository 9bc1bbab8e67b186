import {
	type DeviceId,
	isDeviceId,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type UserId,
	verifySignedJson,
} from '../../crypto/index.ts';
import type {RemoteDevices, RemoteKeys} from '../../federation/outbound/index.ts';
import type {CrossSigningKeyRow, DeviceKeysRow} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';
import {
	checkCrossSigningKey,
	type CheckedCrossSigningKey,
	checkDeviceKeys,
	memberOf,
	normalise,
} from './key-objects.ts';

/** Devices that are kept of one remote user; a person has fewer, and more would be a way to fill our disk. */
export const REMOTE_DEVICES_MAX = 1000;

/** A signed one-time key takes about 200 bytes. */
const CLAIMED_KEY_BYTES_MAX = 4096;

/** What another server says of one of its users. */
export interface RemoteUserKeys {
	readonly devices: readonly DeviceKeysRow[];
	readonly crossSigning: readonly CrossSigningKeyRow[];
	/** The version of the list; `undefined` where the answer does not say. */
	readonly streamId: number | undefined;
}

/** Reads a user's part of the answer to `/user/keys/query`. Keys that are not as they should be are left out. */
export function readQueriedUser(answer: RemoteKeys, userId: UserId): RemoteUserKeys {
	return {
		devices: readDevices(userId, Object.entries(answer.deviceKeys[userId] ?? {})),
		crossSigning: readCrossSigning(userId, answer.masterKeys[userId], answer.selfSigningKeys[userId]),
		streamId: undefined,
	};
}

/** Reads the answer to `/user/devices/{userId}`, likewise. */
export function readListedDevices({userId, streamId, devices, ...keys}: RemoteDevices): RemoteUserKeys {
	const entries = devices.map((device) => [memberOf(device, 'device_id'), memberOf(device, 'keys')] as const);
	return {
		devices: readDevices(userId, entries),
		crossSigning: readCrossSigning(userId, keys.masterKey, keys.selfSigningKey),
		streamId: Number.isSafeInteger(streamId) ? streamId : undefined,
	};
}

/** Reads a remote device's keys; `undefined` where they are not as they should be. */
export function readRemoteDevice(
	userId: UserId,
	deviceId: DeviceId,
	keys: JsonValue | undefined,
): DeviceKeysRow | undefined {
	const checked = orUndefined(() => checkDeviceKeys(keys, {userId, deviceId}));
	return checked && {userId, deviceId, json: checked.json, displayName: null};
}

/**
 * Reads a one-time key that another server gave; `undefined` for what has not the form that clients rely on. Whether the
 * device signed it they find out themselves.
 */
export function readClaimedKey(userId: UserId, value: JsonValue): JsonObject | string | undefined {
	if (typeof value === 'string') return value.length <= CLAIMED_KEY_BYTES_MAX ? value : undefined;
	if (!isJsonObject(value) || typeof memberOf(value, 'key') !== 'string') return undefined;
	if (!isJsonObject(memberOf(value, 'signatures'))) return undefined;
	return orUndefined(() => normalise(value, userId, CLAIMED_KEY_BYTES_MAX));
}

/** Reads a remote user's cross-signing keys; a self-signing key without its master's signature is none. */
export function readCrossSigning(
	userId: UserId,
	masterKey: JsonValue | undefined,
	selfSigningKey: JsonValue | undefined,
): CrossSigningKeyRow[] {
	const master = orUndefined(() => checkCrossSigningKey(masterKey, userId, 'master'));
	if (master === undefined) return [];
	const rows: CrossSigningKeyRow[] = [{userId, usage: 'master', json: master.json}];
	const selfSigning = orUndefined(() => checkCrossSigningKey(selfSigningKey, userId, 'self_signing'));
	if (selfSigning !== undefined && isSignedBy(selfSigning, userId, master)) {
		rows.push({userId, usage: 'self_signing', json: selfSigning.json});
	}
	return rows;
}

/** Whether a cross-signing key carries its master key's signature. */
export function isSignedBy({json}: CheckedCrossSigningKey, userId: UserId, master: CheckedCrossSigningKey): boolean {
	return verifySignedJson(json, userId, `ed25519:${master.id}`, master.publicKey);
}

function readDevices(
	userId: UserId,
	entries: readonly (readonly [JsonValue | undefined, JsonValue | undefined])[],
): DeviceKeysRow[] {
	return entries
		.slice(0, REMOTE_DEVICES_MAX)
		.map(([deviceId, keys]) => (isDeviceId(deviceId) ? readRemoteDevice(userId, deviceId, keys) : undefined))
		.filter((row) => row !== undefined);
}

/** Another server's faulty key costs that key and nothing else. */
function orUndefined<T>(check: () => T): T | undefined {
	try {
		return check();
	} catch (error) {
		if (error instanceof EncryptionError) return undefined;
		throw error;
	}
}
