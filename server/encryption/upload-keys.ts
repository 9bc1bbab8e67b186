import {canonicalJson, isJsonObject, type JsonObject, type JsonValue, verifySignedJson} from '../../crypto/index.ts';
import type {Batch, NewOneTimeKey, OneTimeKey, Storage} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';
import {
	algorithmOf,
	checkDeviceKeys,
	type CheckedDeviceKeys,
	type CheckedOneTimeKey,
	checkOneTimeKeys,
	type DeviceOwner,
	memberOf,
	signedText,
	signingKeyOf,
} from './key-objects.ts';
import type {KeyCounts, LocalKeyCounts} from './key-counts.ts';
import {retryOvertaken} from './retry.ts';

/** Keys as a client uploads them. */
export interface KeysUpload {
	readonly deviceKeys?: JsonValue | undefined;
	/** By `algorithm:id`. */
	readonly oneTimeKeys?: JsonObject | undefined;
	/** Likewise, one for each algorithm. */
	readonly fallbackKeys?: JsonObject | undefined;
}

/** Unclaimed one-time keys of a device; clients keep 50 to 100. */
const ONE_TIME_KEYS_MAX = 2000;
const FALLBACK_KEYS_MAX = 16;

/** An upload that has passed its checks: forms and signatures, but not what it changes. */
export interface CheckedUpload {
	readonly device: CheckedDeviceKeys | undefined;
	readonly oneTimeKeys: readonly CheckedOneTimeKey[];
	readonly fallbackKeys: readonly CheckedOneTimeKey[];
}

/** What an upload is stored with. */
export interface UploadContext {
	readonly storage: Storage;
	readonly keyCounts: LocalKeyCounts;
}

/**
 * Checks what a device publishes of its keys.
 * @param stored the device's keys that are there
 * @throws EncryptionError
 */
export function checkUpload(owner: DeviceOwner, upload: KeysUpload, stored: JsonObject | undefined): CheckedUpload {
	const device = upload.deviceKeys === undefined ? undefined : checkUploadedDevice(upload.deviceKeys, owner);
	const signingKey = device?.signingKey ?? (stored && signingKeyOf(stored, owner.deviceId));
	const oneTimeKeys = checkOneTimeKeys(upload.oneTimeKeys ?? {}, owner);
	if (oneTimeKeys.length > ONE_TIME_KEYS_MAX) throw tooManyKeys();
	const fallbackKeys = checkFallbackKeys(checkOneTimeKeys(upload.fallbackKeys ?? {}, owner));
	checkSignatures([oneTimeKeys.at(-1), ...fallbackKeys], owner, signingKey);
	return {device, oneTimeKeys, fallbackKeys};
}

/**
 * Stores what a device publishes of its keys. A key that is there already with the same content is taken as told again.
 * @throws EncryptionError
 */
export async function uploadKeys(
	{storage, keyCounts}: UploadContext,
	owner: DeviceOwner,
	upload: KeysUpload,
): Promise<KeyCounts> {
	let attempts = 0;
	return retryOvertaken({condition: 'one_time_key', table: 'one_time_keys'}, async () => {
		const stored = (await storage.keys.findDeviceKeys(owner.userId, owner.deviceId))?.json;
		const checked = checkUpload(owner, upload, stored);
		attempts += 1;
		// Keys are new but for uploads that are told again: only where some were there are they looked up.
		return store({storage, keyCounts}, owner, {...checked, stored, areNew: attempts === 1});
	});
}

async function store(
	{storage, keyCounts}: UploadContext,
	owner: DeviceOwner,
	{
		device,
		oneTimeKeys,
		fallbackKeys,
		stored,
		areNew,
	}: CheckedUpload & {readonly stored: JsonObject | undefined; readonly areNew: boolean},
): Promise<KeyCounts> {
	const {userId, deviceId} = owner;
	const batch = storage.batch();
	const hasNewIdentity = device !== undefined && addDevice(storage, batch, owner, device, stored);
	const counts = await keyCounts.find(userId, deviceId);
	const newKeys = hasNewIdentity || areNew ? oneTimeKeys : await findNewKeys(storage, owner, oneTimeKeys);
	const total = Object.values(counts.oneTimeKeys).reduce((sum, count) => sum + count, newKeys.length);
	if (total > ONE_TIME_KEYS_MAX) throw tooManyKeys();
	const newFallbackKeys = hasNewIdentity ? fallbackKeys : await findNewFallbackKeys(storage, owner, fallbackKeys);
	if (hasNewIdentity || newKeys.length > 0 || newFallbackKeys.length > 0) {
		const pos = batch.announce({kind: 'device_keys', subject: userId});
		storage.keys.addOneTimeKeys(batch, owner, newKeys.map(toStored), pos);
		for (const key of newFallbackKeys) storage.keys.setFallbackKey(batch, userId, deviceId, key);
	}
	if (batch.isEmpty) return counts;
	if (hasNewIdentity) {
		await storage.commit(batch);
		return keyCounts.find(userId, deviceId);
	}
	const after = addCounts(counts, newKeys, newFallbackKeys);
	await keyCounts.change(userId, deviceId, () => storage.commit(batch), after);
	return after;
}

function addCounts(
	{oneTimeKeys, unusedFallbackKeyTypes}: KeyCounts,
	newKeys: readonly OneTimeKey[],
	newFallbackKeys: readonly OneTimeKey[],
): KeyCounts {
	const sums = new Map(Object.entries(oneTimeKeys));
	for (const {keyId} of newKeys) sums.set(algorithmOf(keyId), (sums.get(algorithmOf(keyId)) ?? 0) + 1);
	const unused = new Set([...unusedFallbackKeyTypes, ...newFallbackKeys.map(({keyId}) => algorithmOf(keyId))]);
	return {oneTimeKeys: Object.fromEntries(sums), unusedFallbackKeyTypes: [...unused].toSorted()};
}

/** Gives a key as it is stored. */
export function toStored({keyId, text}: CheckedOneTimeKey): NewOneTimeKey {
	return {keyId, json: text};
}

function tooManyKeys(): EncryptionError {
	return new EncryptionError('too-many', `Expected at most ${ONE_TIME_KEYS_MAX} one-time keys for a device`);
}

/**
 * A device's signature of its own keys must hold where there is one. Keys without it are taken, for there are clients in
 * test suites that do so; nobody is misled, as every client checks it before it trusts a device.
 */
function checkUploadedDevice(value: JsonValue, owner: DeviceOwner): CheckedDeviceKeys {
	const device = checkDeviceKeys(value, owner);
	const keyId = `ed25519:${owner.deviceId}`;
	const signatures = memberOf(device.json, 'signatures');
	const own = isJsonObject(signatures) ? memberOf(signatures, owner.userId) : undefined;
	const isSigned = isJsonObject(own) && memberOf(own, keyId) !== undefined;
	if (isSigned && !verifySignedJson(device.json, owner.userId, keyId, device.signingKey)) {
		throw new EncryptionError('invalid-signature', "Expected the device's own signature to hold");
	}
	return device;
}

/** Adds what changed of a device's own keys; whether it has another identity, so that its other keys are void. */
function addDevice(
	{keys}: Storage,
	batch: Batch,
	{userId, deviceId}: DeviceOwner,
	{json, signingKey}: CheckedDeviceKeys,
	stored: JsonObject | undefined,
): boolean {
	if (stored !== undefined && canonicalJson(stored) === canonicalJson(json)) return false;
	keys.setDeviceKeys(batch, {userId, deviceId, json, displayName: null});
	batch.announce({kind: 'device_list', subject: userId});
	if (stored !== undefined && signedText(stored) === signedText(json)) return false;
	// Whoever signed the keys of this device signed others.
	keys.removeSignatures(batch, userId, deviceId);
	const before = stored && signingKeyOf(stored, deviceId);
	if (before !== undefined && Buffer.compare(before, signingKey) === 0) return false;
	keys.removeOneTimeKeys(batch, userId, deviceId);
	return true;
}

function checkFallbackKeys(keys: readonly CheckedOneTimeKey[]): readonly CheckedOneTimeKey[] {
	const algorithms = new Set(keys.map(({keyId}) => algorithmOf(keyId)));
	if (algorithms.size < keys.length || keys.length > FALLBACK_KEYS_MAX) {
		throw new EncryptionError('too-many', 'Expected at most one fallback key for each algorithm');
	}
	if (keys.some(({json}) => typeof json === 'string')) {
		throw new EncryptionError('invalid-signature', 'Expected fallback keys to be signed by their device');
	}
	return keys;
}

/**
 * Checks that signatures hold. Of one-time keys the caller gives one: who takes a key checks it anyway, and a client that
 * signs wrongly does so with all of them; fifty verifications would cost more than all else in an upload.
 */
function checkSignatures(
	keys: readonly (OneTimeKey | undefined)[],
	{userId, deviceId}: DeviceOwner,
	signingKey: Uint8Array | undefined,
): void {
	const signed = new Set(keys.map((key) => key?.json).filter(isJsonObject));
	if (signed.size > 0 && signingKey === undefined) {
		throw new EncryptionError('invalid-key', 'Expected the device to have uploaded its own keys before');
	}
	for (const json of signed) {
		if (signingKey === undefined || !verifySignedJson(json, userId, `ed25519:${deviceId}`, signingKey)) {
			throw new EncryptionError('invalid-signature', 'Expected one-time keys to be signed by their device');
		}
	}
}

async function findNewKeys(
	storage: Storage,
	{userId, deviceId}: DeviceOwner,
	keys: readonly CheckedOneTimeKey[],
): Promise<readonly CheckedOneTimeKey[]> {
	if (keys.length === 0) return [];
	const stored = await storage.keys.findOneTimeKeys(
		userId,
		deviceId,
		keys.map(({keyId}) => keyId),
	);
	const known = new Map(stored.map(({keyId, json}) => [keyId, canonicalJson(json)]));
	for (const {keyId, json} of keys) {
		const before = known.get(keyId);
		if (before !== undefined && before !== canonicalJson(json)) {
			throw new EncryptionError('key-exists', 'A one-time key with this id exists already, with other content');
		}
	}
	return keys.filter(({keyId}) => !known.has(keyId));
}

/** A fallback key that is told again stays used if it was. */
async function findNewFallbackKeys(
	storage: Storage,
	{userId, deviceId}: DeviceOwner,
	keys: readonly CheckedOneTimeKey[],
): Promise<readonly CheckedOneTimeKey[]> {
	if (keys.length === 0) return [];
	const stored = await storage.keys.listFallbackKeys(userId, deviceId);
	const known = new Map(stored.map(({keyId, json}) => [keyId, canonicalJson(json)]));
	return keys.filter(({keyId, json}) => known.get(keyId) !== canonicalJson(json));
}
