import {
	type DeviceId,
	isDeviceId,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type UserId,
	verifySignedJson,
} from '../../crypto/index.ts';
import type {CrossSigningKeyRow, DeviceKeysRow} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';
import {checkCrossSigningKey, type CheckedCrossSigningKey, checkDeviceKeys, memberOf} from './key-objects.ts';

/** Devices that are kept of one remote user; a person has fewer, and more would be a way to fill our disk. */
export const REMOTE_DEVICES_MAX = 1000;

/** What another server says of one of its users. */
export interface RemoteUserKeys {
	readonly devices: readonly DeviceKeysRow[];
	readonly crossSigning: readonly CrossSigningKeyRow[];
	/** The version of the list; `undefined` where the answer does not say. */
	readonly streamId: number | undefined;
}

/** Reads a user's part of the answer to `/user/keys/query`. Keys that are not as they should be are left out. */
export function readQueriedUser(answer: JsonObject, userId: UserId): RemoteUserKeys {
	const part = (name: string): JsonValue | undefined => {
		const byUser = memberOf(answer, name);
		return isJsonObject(byUser) ? memberOf(byUser, userId) : undefined;
	};
	const devices = part('device_keys');
	return {
		devices: isJsonObject(devices) ? readDevices(userId, Object.entries(devices)) : [],
		crossSigning: readCrossSigning(userId, part('master_keys'), part('self_signing_keys')),
		streamId: undefined,
	};
}

/** Reads the answer to `/user/devices/{userId}`; `undefined` where it is no such answer. */
export function readListedDevices(answer: JsonObject, userId: UserId): RemoteUserKeys | undefined {
	const streamId = memberOf(answer, 'stream_id');
	const devices = memberOf(answer, 'devices');
	if (!Number.isSafeInteger(streamId) || !Array.isArray(devices)) return undefined;
	const entries = devices.filter(isJsonObject).map((device): [JsonValue | undefined, JsonValue | undefined] => {
		return [memberOf(device, 'device_id'), memberOf(device, 'keys')];
	});
	return {
		devices: readDevices(userId, entries),
		crossSigning: readCrossSigning(userId, memberOf(answer, 'master_key'), memberOf(answer, 'self_signing_key')),
		streamId: streamId as number,
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
