import {
	canonicalJson,
	decodeBase64,
	type DeviceId,
	findCanonicalFault,
	findPublicKeyFault,
	isBase64Of,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	readSignatures,
	type UserId,
} from '../../crypto/index.ts';
import {type CrossSigningKeyRow, JsonText, type OneTimeKey} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';

/** What a cross-signing key is for. */
export type CrossSigningUsage = CrossSigningKeyRow['usage'];

/** A device's identity keys take about 700 bytes; some room for algorithms to come. */
const DEVICE_KEYS_BYTES_MAX = 16_384;
const CROSS_SIGNING_KEY_BYTES_MAX = 8192;
const ONE_TIME_KEY_BYTES_MAX = 4096;
/** Keys of a device, one for each algorithm. */
const KEYS_MAX = 16;
/** Signatures of one person on one key: their devices and cross-signing keys. */
const SIGNATURES_MAX = 1000;
const NAME_CHARACTERS_MAX = 255;
const CURVE25519_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Whose device keys are expected. */
export interface DeviceOwner {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
}

/** A device's identity keys that have passed their check. */
export interface CheckedDeviceKeys {
	/** Without `unsigned`, and with no signatures but the owner's. */
	readonly json: JsonObject;
	/** The device's Ed25519 key. */
	readonly signingKey: Uint8Array;
}

/** A cross-signing key that has passed its check. */
export interface CheckedCrossSigningKey {
	/** Without `unsigned`, and with no signatures but the owner's. */
	readonly json: JsonObject;
	/** The public key in unpadded base64, which is also its id. */
	readonly id: string;
	readonly publicKey: Uint8Array;
}

/** Gives a member of an object that came from outside; `undefined` where it has none of its own. */
export function memberOf(object: JsonObject, key: string): JsonValue | undefined {
	return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * Checks a device's identity keys: form, size, and that they are this owner's. Whether a signature holds is not looked at.
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-keys
 * @throws EncryptionError 'bad-form', 'invalid-key', 'too-large'
 */
export function checkDeviceKeys(value: JsonValue | undefined, {userId, deviceId}: DeviceOwner): CheckedDeviceKeys {
	if (!isJsonObject(value)) throw new EncryptionError('bad-form', 'Expected device_keys to be an object');
	const algorithms = memberOf(value, 'algorithms');
	const keys = memberOf(value, 'keys');
	if (!Array.isArray(algorithms) || !algorithms.every((name) => typeof name === 'string')) {
		throw new EncryptionError('bad-form', "Expected 'algorithms' to be a list of strings");
	}
	if (!isJsonObject(keys) || !isJsonObject(memberOf(value, 'signatures'))) {
		throw new EncryptionError('bad-form', "Expected 'keys' and 'signatures' to be objects");
	}
	if (memberOf(value, 'user_id') !== userId || memberOf(value, 'device_id') !== deviceId) {
		throw new EncryptionError('invalid-key', 'Expected the keys of the device that uploads them');
	}
	const entries = Object.entries(keys);
	if (entries.length > KEYS_MAX) throw new EncryptionError('too-many', `Expected at most ${KEYS_MAX} keys`);
	for (const [name, key] of entries) {
		if (!name.endsWith(`:${deviceId}`) || typeof key !== 'string') {
			throw new EncryptionError('invalid-key', "Expected names '<algorithm>:<device id>' with keys as strings");
		}
	}
	const curve = memberOf(keys, `curve25519:${deviceId}`);
	if (curve !== undefined && !isCurve25519(curve)) {
		throw new EncryptionError('invalid-key', 'Expected the curve25519 key to be 32 bytes of unpadded base64');
	}
	const signingKey = readPublicKey(memberOf(keys, `ed25519:${deviceId}`));
	return {json: normalise(value, userId, DEVICE_KEYS_BYTES_MAX), signingKey};
}

/**
 * Checks a cross-signing key: form, size, owner and use. Whether a signature holds is not looked at.
 * @see https://spec.matrix.org/v1.19/client-server-api/#cross-signing
 * @throws EncryptionError 'bad-form', 'invalid-key', 'too-large'
 */
export function checkCrossSigningKey(
	value: JsonValue | undefined,
	userId: UserId,
	usage: CrossSigningUsage,
): CheckedCrossSigningKey {
	if (!isJsonObject(value)) throw new EncryptionError('bad-form', 'Expected a cross-signing key to be an object');
	const usages = memberOf(value, 'usage');
	const keys = memberOf(value, 'keys');
	if (!Array.isArray(usages) || !isJsonObject(keys)) {
		throw new EncryptionError('bad-form', "Expected 'usage' to be a list and 'keys' an object");
	}
	const [entry, ...others] = Object.entries(keys);
	if (entry === undefined || others.length > 0) {
		throw new EncryptionError('bad-form', "Expected 'keys' to hold exactly one key");
	}
	const [name, id] = entry;
	if (memberOf(value, 'user_id') !== userId || usages.length !== 1 || usages[0] !== usage) {
		throw new EncryptionError('invalid-key', `Expected a ${usage} key of the user`);
	}
	if (typeof id !== 'string' || name !== `ed25519:${id}`) {
		throw new EncryptionError('invalid-key', "Expected a key named 'ed25519:' and itself");
	}
	return {json: normalise(value, userId, CROSS_SIGNING_KEY_BYTES_MAX), id, publicKey: readPublicKey(id)};
}

/** A one-time or fallback key that has passed its check. */
export interface CheckedOneTimeKey extends OneTimeKey {
	/** As it is stored. */
	readonly text: JsonText;
}

/**
 * Checks one-time or fallback keys: names, form and size, and that an object carries a signature by its device. Whether
 * signatures hold is for the caller to find out.
 * @see https://spec.matrix.org/v1.19/client-server-api/#key-algorithms
 * @throws EncryptionError 'bad-form', 'invalid-key', 'invalid-signature', 'too-large'
 */
export function checkOneTimeKeys(keys: Readonly<Record<string, JsonValue>>, owner: DeviceOwner): CheckedOneTimeKey[] {
	return Object.entries(keys).map(([keyId, json]): CheckedOneTimeKey => {
		const algorithm = algorithmOf(keyId);
		if (algorithm === '' || keyId.length > NAME_CHARACTERS_MAX || algorithm.length + 1 === keyId.length) {
			throw new EncryptionError('bad-form', "Expected one-time keys to be named '<algorithm>:<key id>'");
		}
		if (typeof json === 'string' && json.length <= ONE_TIME_KEY_BYTES_MAX && !algorithm.startsWith('signed_')) {
			return {keyId, json, text: new JsonText(JSON.stringify(json))};
		}
		if (!isJsonObject(json)) throw new EncryptionError('bad-form', 'Expected a one-time key to be an object');
		const key = memberOf(json, 'key');
		if (typeof key !== 'string' || (algorithm === 'signed_curve25519' && !isCurve25519(key))) {
			throw new EncryptionError('invalid-key', 'Expected a key of 32 bytes of unpadded base64');
		}
		return {keyId, ...withDeviceSignature(json, owner)};
	});
}

/** Gives a one-time key without what nobody signed, and with no signature but its device's. */
function withDeviceSignature(
	value: JsonObject,
	{userId, deviceId}: DeviceOwner,
): Pick<CheckedOneTimeKey, 'json' | 'text'> {
	const name = `ed25519:${deviceId}`;
	const signatures = memberOf(value, 'signatures');
	const own = isJsonObject(signatures) ? memberOf(signatures, userId) : undefined;
	const signature = isJsonObject(own) ? memberOf(own, name) : undefined;
	if (typeof signature !== 'string' || !isBase64Of(signature, SIGNATURE_BYTES, {padding: true})) {
		throw new EncryptionError('invalid-signature', 'Expected one-time keys to be signed by their device');
	}
	const isBare = !Object.hasOwn(value, 'unsigned') && hasOneMember(signatures) && hasOneMember(own);
	const json = isBare ? value : withoutRest(value, {[userId]: {[name]: signature}});
	if (findCanonicalFault(json) !== undefined) throw notCanonical();
	const text = JSON.stringify(json);
	if (Buffer.byteLength(text) > ONE_TIME_KEY_BYTES_MAX) {
		throw new EncryptionError('too-large', `Expected a key of at most ${ONE_TIME_KEY_BYTES_MAX} bytes`);
	}
	return {json, text: new JsonText(text)};
}

function hasOneMember(value: JsonValue | undefined): boolean {
	return isJsonObject(value) && Object.keys(value).length === 1;
}

function withoutRest({unsigned: _unsigned, ...covered}: JsonObject, signatures: JsonObject): JsonObject {
	return {...covered, signatures};
}

/** Gives the algorithm in a key's name; empty where it has none. */
export function algorithmOf(keyId: string): string {
	return keyId.slice(0, Math.max(0, keyId.indexOf(':')));
}

/** Gives what a signature covers, as text to compare by. The object must have passed a check. */
export function signedText({signatures: _signatures, unsigned: _unsigned, ...covered}: JsonObject): string {
	return canonicalJson(covered);
}

/** Gives the text of the single public key of a stored cross-signing key. */
export function idOfCrossSigningKey(json: JsonObject): string {
	const keys = memberOf(json, 'keys');
	const [key] = isJsonObject(keys) ? Object.values(keys) : [];
	return typeof key === 'string' ? key : '';
}

/** Gives the Ed25519 key of stored device keys; `undefined` where they have none. */
export function signingKeyOf(json: JsonObject, deviceId: DeviceId): Uint8Array | undefined {
	const keys = memberOf(json, 'keys');
	const key = isJsonObject(keys) ? memberOf(keys, `ed25519:${deviceId}`) : undefined;
	return typeof key === 'string' ? decodeBase64(key) : undefined;
}

function readPublicKey(value: JsonValue | undefined): Uint8Array {
	const key = typeof value === 'string' ? decodeBase64(value) : undefined;
	if (key === undefined || findPublicKeyFault(key) !== undefined) {
		throw new EncryptionError('invalid-key', 'Expected an ed25519 key of 32 bytes of unpadded base64');
	}
	return key;
}

function isCurve25519(value: JsonValue): boolean {
	return typeof value === 'string' && isBase64Of(value, CURVE25519_BYTES);
}

/**
 * Gives an object without what nobody signed and without others' signatures, which nobody asked for.
 * @throws EncryptionError 'bad-form', 'too-many', 'too-large'
 */
export function normalise(value: JsonObject, userId: UserId, bytesMax: number): JsonObject {
	const {unsigned: _unsigned, signatures, ...covered} = value;
	if (findCanonicalFault(covered) !== undefined) {
		throw notCanonical();
	}
	const own = readSignatures({signatures: signatures ?? {}})[userId] ?? {};
	if (Object.keys(own).length > SIGNATURES_MAX) throw new EncryptionError('too-many', 'Expected fewer signatures');
	const kept: JsonObject = Object.keys(own).length === 0 ? {} : {[userId]: own};
	const json: JsonObject = signatures === undefined ? covered : {...covered, signatures: kept};
	if (Buffer.byteLength(canonicalJson(json)) > bytesMax) {
		throw new EncryptionError('too-large', `Expected a key of at most ${bytesMax} bytes`);
	}
	return json;
}

function notCanonical(): EncryptionError {
	return new EncryptionError('bad-form', 'Expected an object that can be signed: without fractions and long numbers');
}
