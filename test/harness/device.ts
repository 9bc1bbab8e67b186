/** A client's device as tests of encryption need it: real keys, real signatures, no ratchet. */
import {encodeBase64, generateSigningKey, type JsonObject, type ServerName, signJson} from '../../crypto/index.ts';
import type {Session} from './client.ts';

/** A key that signs in a person's name. */
export interface PersonalKey {
	/** In unpadded base64. */
	readonly id: string;
	/** Adds this key's signature to an object. */
	sign(object: JsonObject): JsonObject;
}

/** The cross-signing keys of a person, as they are uploaded, and what signs with them. */
export interface CrossSigningKeys {
	readonly master: PersonalKey;
	readonly selfSigning: PersonalKey;
	readonly userSigning: PersonalKey;
	readonly body: {
		readonly master_key: JsonObject;
		readonly self_signing_key: JsonObject;
		readonly user_signing_key: JsonObject;
	};
}

/** The published side of a device. */
export interface TestDevice {
	readonly key: PersonalKey;
	readonly deviceKeys: JsonObject;
	/** Makes signed one-time keys with these ids: `signed_curve25519:<id>`. */
	oneTimeKeys(...ids: string[]): Record<string, JsonObject>;
	/** Likewise, marked as fallback keys. */
	fallbackKeys(...ids: string[]): Record<string, JsonObject>;
}

/** Makes a key that signs as `ed25519:<name>`; without a name by its public half, as cross-signing keys do. */
export function createPersonalKey(userId: string, name?: string): PersonalKey {
	const pair = generateSigningKey();
	const id = encodeBase64(pair.publicKey);
	const signer = {keyId: `ed25519:${name ?? id}` as typeof pair.keyId, sign: (bytes: Uint8Array) => pair.sign(bytes)};
	return {id, sign: (object) => signJson(object, userId as ServerName, signer)};
}

/** Makes a device's keys; `salt` makes one-time keys with the same ids different. */
export function createTestDevice({user_id: userId, device_id: deviceId}: Session, salt = 0): TestDevice {
	const key = createPersonalKey(userId, deviceId);
	const curve = (text: string): string => encodeBase64(Buffer.alloc(32, `${text}/${salt}/${deviceId}`));
	const make = (ids: readonly string[], extra: JsonObject): Record<string, JsonObject> =>
		Object.fromEntries(ids.map((id) => [`signed_curve25519:${id}`, key.sign({key: curve(id), ...extra})]));
	return {
		key,
		deviceKeys: key.sign({
			user_id: userId,
			device_id: deviceId,
			algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
			keys: {[`curve25519:${deviceId}`]: curve('identity'), [`ed25519:${deviceId}`]: key.id},
		}),
		oneTimeKeys: (...ids) => make(ids, {}),
		fallbackKeys: (...ids) => make(ids, {fallback: true}),
	};
}

/** Makes cross-signing keys, the master key signed by the device. */
export function createCrossSigningKeys(userId: string, device: TestDevice): CrossSigningKeys {
	const master = createPersonalKey(userId);
	const selfSigning = createPersonalKey(userId);
	const userSigning = createPersonalKey(userId);
	const object = (key: PersonalKey, usage: string): JsonObject => ({
		user_id: userId,
		usage: [usage],
		keys: {[`ed25519:${key.id}`]: key.id},
	});
	return {
		master,
		selfSigning,
		userSigning,
		body: {
			master_key: device.key.sign(object(master, 'master')),
			self_signing_key: master.sign(object(selfSigning, 'self_signing')),
			user_signing_key: master.sign(object(userSigning, 'user_signing')),
		},
	};
}
