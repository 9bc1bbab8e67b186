import {
	canonicalJson,
	type DeviceId,
	findCanonicalFault,
	isDeviceId,
	type JsonObject,
	type UserId,
} from '../../crypto/index.ts';
import type {Batch, Storage, ToDeviceMessage} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';
import {idOfCrossSigningKey, memberOf} from './key-objects.ts';
import {retryOvertaken} from './retry.ts';
import {Turns} from './turns.ts';
import {type CheckedUpload, checkUpload, type KeysUpload, toStored} from './upload-keys.ts';

/** A device that nobody is signed in with, as its owner keeps it here. */
export interface DehydratedDevice {
	readonly deviceId: DeviceId;
	/** What its owner needs to make it live again. */
	readonly data: JsonObject;
}

/** A dehydrated device as a client uploads it. */
export interface DehydratedDeviceUpload {
	readonly deviceId: string;
	readonly displayName: string | undefined;
	readonly data: JsonObject;
	/** Its keys, all in one. */
	readonly keys: KeysUpload;
}

/** Messages that wait for a dehydrated device. */
export interface DehydratedEvents {
	readonly events: readonly Pick<ToDeviceMessage, 'sender' | 'type' | 'content'>[];
	/** Where to go on. */
	readonly next: string;
	/** Whether more wait. */
	readonly hasMore: boolean;
}

/**
 * The dehydrated devices of people, one for each: others send it the keys of rooms while its owner is signed in nowhere.
 * It is listed, encrypted for and removed like any device, and no access token is for it.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export interface DehydratedDevices {
	/**
	 * Stores a person's dehydrated device in place of the one before, which goes with its keys and messages.
	 * @throws EncryptionError
	 */
	put(userId: UserId, upload: DehydratedDeviceUpload): Promise<void>;
	/** @throws EncryptionError 'no-dehydrated-device' */
	get(userId: UserId): Promise<DehydratedDevice>;
	/** Removes a person's dehydrated device; its id. @throws EncryptionError 'no-dehydrated-device' */
	remove(userId: UserId): Promise<DeviceId>;
	/**
	 * Lists messages to a person's dehydrated device, the oldest first. They stay until the device goes: whoever takes them
	 * up may fail, and another client begin anew.
	 * @param page `from` is the `next` of the answer before
	 * @throws EncryptionError 'forbidden' for any other device, 'unknown-position'
	 */
	listEvents(
		userId: UserId,
		deviceId: DeviceId,
		page: {readonly from: string | undefined; readonly limit: number},
	): Promise<DehydratedEvents>;
}

/** A device with its hundred one-time keys takes about 10 KiB. */
const DATA_BYTES_MAX = 65_536;
/** Devices of one person; see the devices domain. */
const DEVICES_MAX = 1000;
const byDevice = {condition: 'dehydrated_device', table: 'dehydrated_devices'} as const;

/** Makes the dehydrated devices. */
export function createDehydratedDevices(storage: Storage): DehydratedDevices {
	const turns = new Turns<UserId>();
	return {
		put: (userId, upload) => turns.run(userId, () => put(storage, userId, upload)),
		async get(userId) {
			const row = await storage.dehydratedDevices.find(userId);
			if (row === undefined) throw noDevice();
			return {deviceId: row.deviceId, data: row.json};
		},
		remove: (userId) => turns.run(userId, () => remove(storage, userId)),
		listEvents: (userId, deviceId, page) => listEvents(storage, userId, deviceId, page),
	};
}

async function put(storage: Storage, userId: UserId, upload: DehydratedDeviceUpload): Promise<void> {
	const {deviceId} = upload;
	if (!isDeviceId(deviceId)) {
		throw new EncryptionError('bad-form', 'Expected a device id of 1 to 255 bytes without control characters');
	}
	checkData(upload.data);
	const keys = checkUpload({userId, deviceId}, upload.keys, undefined);
	if (keys.device === undefined) throw new EncryptionError('bad-form', 'Expected device_keys with the device');
	await retryOvertaken(byDevice, () => replace(storage, userId, {...upload, deviceId}, keys));
}

async function replace(
	storage: Storage,
	userId: UserId,
	{deviceId, displayName, data}: DehydratedDeviceUpload & {readonly deviceId: DeviceId},
	{device, oneTimeKeys, fallbackKeys}: CheckedUpload,
): Promise<void> {
	const before = await storage.dehydratedDevices.find(userId);
	await checkIsFree(storage, userId, deviceId, before?.deviceId);
	const batch = storage.batch();
	if (before !== undefined) addRemoval(storage, batch, userId, before.deviceId);
	storage.devices.add(batch, {userId, deviceId, displayName: displayName ?? null, lastSeenDay: null});
	storage.dehydratedDevices.add(batch, {userId, deviceId, json: data});
	if (device !== undefined) {
		storage.keys.setDeviceKeys(batch, {userId, deviceId, json: device.json, displayName: null});
	}
	const pos = batch.announce({kind: 'device_list', subject: userId});
	storage.keys.addOneTimeKeys(batch, {userId, deviceId}, oneTimeKeys.map(toStored), pos);
	for (const key of fallbackKeys) storage.keys.setFallbackKey(batch, userId, deviceId, key);
	await storage.commit(batch);
}

/** A device id that is in use must not become another device: others have keys for it. */
async function checkIsFree(
	storage: Storage,
	userId: UserId,
	deviceId: DeviceId,
	dehydrated: DeviceId | undefined,
): Promise<void> {
	const devices = await storage.devices.listOfUser(userId);
	if (deviceId !== dehydrated && devices.some((device) => device.deviceId === deviceId)) {
		throw new EncryptionError('device-exists', 'Expected the id of no other device');
	}
	if (dehydrated === undefined && devices.length >= DEVICES_MAX) {
		throw new EncryptionError('too-many', `Expected fewer than ${DEVICES_MAX} devices: sign one out first`);
	}
	const crossSigning = await storage.keys.listCrossSigningKeys([userId]);
	if (crossSigning.some(({json}) => idOfCrossSigningKey(json) === deviceId)) {
		throw new EncryptionError('key-is-device-id', 'The id of the device is the id of a cross-signing key');
	}
}

async function remove(storage: Storage, userId: UserId): Promise<DeviceId> {
	return retryOvertaken(byDevice, async () => {
		const row = await storage.dehydratedDevices.find(userId);
		if (row === undefined) throw noDevice();
		const {deviceId} = row;
		const batch = storage.batch();
		addRemoval(storage, batch, userId, deviceId);
		batch.announce({kind: 'device_list', subject: userId});
		await storage.commit(batch);
		return deviceId;
	});
}

/** Adds that a person's dehydrated device goes, with all that hangs on it. */
function addRemoval(storage: Storage, batch: Batch, userId: UserId, deviceId: DeviceId): void {
	storage.dehydratedDevices.remove(batch, userId, deviceId);
	storage.devices.remove(batch, userId, deviceId);
	batch.announce({kind: 'device', subject: userId, extra: {device_ids: [deviceId]}});
}

const unknownPosition = (): EncryptionError =>
	new EncryptionError('unknown-position', 'Expected a token of this endpoint');

async function listEvents(
	storage: Storage,
	userId: UserId,
	deviceId: DeviceId,
	{from, limit}: {readonly from: string | undefined; readonly limit: number},
): Promise<DehydratedEvents> {
	const after = from === undefined ? 0 : readToken(from);
	if (after === undefined) throw unknownPosition();
	if ((await storage.dehydratedDevices.find(userId))?.deviceId !== deviceId) {
		throw new EncryptionError('forbidden', 'Expected your dehydrated device');
	}
	// The token may be one that another process has given out just now.
	await storage.barrier();
	const upto = storage.stream.head();
	if (after > upto) throw unknownPosition();
	const messages = await storage.toDevice.list(userId, deviceId, {after, upto, limit: limit + 1});
	const events = messages.slice(0, limit);
	return {
		events: events.map(({sender, type, content}) => ({sender, type, content})),
		next: `d${events.at(-1)?.pos ?? after}`,
		hasMore: messages.length > limit,
	};
}

function readToken(text: string): number | undefined {
	return /^d\d{1,15}$/u.test(text) ? Number(text.slice(1)) : undefined;
}

function checkData(data: JsonObject): void {
	if (typeof memberOf(data, 'algorithm') !== 'string' || findCanonicalFault(data) !== undefined) {
		throw new EncryptionError(
			'bad-form',
			"Expected device_data with an 'algorithm', without fractions and long numbers",
		);
	}
	if (Buffer.byteLength(canonicalJson(data)) > DATA_BYTES_MAX) {
		throw new EncryptionError('too-large', `Expected device_data of at most ${DATA_BYTES_MAX} bytes`);
	}
}

function noDevice(): EncryptionError {
	return new EncryptionError('no-dehydrated-device', 'No dehydrated device');
}
