import {isJsonObject, type JsonObject, type JsonValue, type UserId, verifySignedJson} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {EncryptionDependencies} from './dependencies.ts';
import {EncryptionError} from './errors.ts';
import {
	checkCrossSigningKey,
	type CheckedCrossSigningKey,
	type CrossSigningUsage,
	memberOf,
	signedText,
	signingKeyOf,
} from './key-objects.ts';
import {isSignedBy} from './remote-answers.ts';

/** Cross-signing keys as a client uploads them. */
export interface CrossSigningUpload {
	readonly master?: JsonValue | undefined;
	readonly selfSigning?: JsonValue | undefined;
	readonly userSigning?: JsonValue | undefined;
}

/** An upload that has passed its checks. */
export interface CheckedCrossSigningUpload {
	/** Those that are not stored as they are. */
	readonly newKeys: readonly (CheckedCrossSigningKey & {readonly usage: CrossSigningUsage})[];
	/** Whether there is a master key already and something of this is not what is stored. */
	readonly changesIdentity: boolean;
	readonly hasNewMaster: boolean;
}

/**
 * Checks cross-signing keys against their owner's devices and each other.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 * @throws EncryptionError
 */
export async function checkCrossSigningUpload(
	storage: Storage,
	userId: UserId,
	{master, selfSigning, userSigning}: CrossSigningUpload,
): Promise<CheckedCrossSigningUpload> {
	const stored = await storage.keys.listCrossSigningKeys([userId]);
	const storedMaster = stored.find(({usage}) => usage === 'master');
	const given =
		master === undefined
			? undefined
			: await checkMasterSignatures(storage, userId, checkCrossSigningKey(master, userId, 'master'));
	const trusted = given ?? (storedMaster && checkCrossSigningKey(storedMaster.json, userId, 'master'));
	if (trusted === undefined) throw new EncryptionError('no-master-key', 'Expected a master key with the first upload');
	const keys = given === undefined ? [] : [{...given, usage: 'master' as CrossSigningUsage}];
	for (const [usage, value] of [
		['self_signing', selfSigning],
		['user_signing', userSigning],
	] as const) {
		if (value === undefined) continue;
		const key = checkCrossSigningKey(value, userId, usage);
		if (!isSignedBy(key, userId, trusted)) {
			throw new EncryptionError('invalid-signature', `Expected the ${usage} key to be signed by the master key`);
		}
		keys.push({...key, usage});
	}
	const devices = await storage.devices.listOfUser(userId);
	if (devices.some(({deviceId}) => keys.some(({id}) => id === deviceId))) {
		throw new EncryptionError('key-is-device-id', 'The id of one of the keys is in use for a device');
	}
	const newKeys = keys.filter(
		({usage, json}) => !stored.some((row) => row.usage === usage && signedText(row.json) === signedText(json)),
	);
	return {
		newKeys,
		changesIdentity: storedMaster !== undefined && newKeys.length > 0,
		hasNewMaster: newKeys.some(({usage}) => usage === 'master'),
	};
}

/** Stores checked cross-signing keys. With another master key all that the one before vouched for is void. */
export async function storeCrossSigningKeys(
	{storage, notices}: Pick<EncryptionDependencies, 'notices' | 'storage'>,
	userId: UserId,
	{newKeys, hasNewMaster, changesIdentity}: CheckedCrossSigningUpload,
): Promise<void> {
	if (newKeys.length === 0) return;
	const batch = storage.batch();
	if (hasNewMaster) storage.keys.removeCrossSigningKeys(batch, userId);
	for (const {usage, json} of newKeys) storage.keys.setCrossSigningKey(batch, {userId, usage, json});
	batch.announce({kind: 'device_list', subject: userId});
	if (hasNewMaster && changesIdentity) notices.add(batch, userId, {kind: 'cross-signing-reset'});
	await storage.commit(batch);
}

/** The master key may come signed by devices of its owner: what is known of it must hold, the rest is left out. */
async function checkMasterSignatures(
	storage: Storage,
	userId: UserId,
	master: CheckedCrossSigningKey,
): Promise<CheckedCrossSigningKey> {
	const signatures = memberOf(master.json, 'signatures');
	const own = isJsonObject(signatures) ? memberOf(signatures, userId) : undefined;
	if (!isJsonObject(own)) return master;
	const devices = await storage.keys.listDeviceKeys([userId]);
	const kept: JsonObject = {};
	for (const [keyId, signature] of Object.entries(own)) {
		const device = devices.find(({deviceId}) => keyId === `ed25519:${deviceId}`);
		const key = device && signingKeyOf(device.json, device.deviceId);
		if (key === undefined) continue;
		if (!verifySignedJson(master.json, userId, keyId, key)) {
			throw new EncryptionError('invalid-signature', "Expected the signatures of the user's devices to hold");
		}
		kept[keyId] = signature;
	}
	return {...master, json: {...master.json, signatures: {[userId]: kept}}};
}
