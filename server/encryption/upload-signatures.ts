import {
	type DeviceId,
	decodeBase64,
	domainOf,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type UserId,
	verifySignedJson,
	findCanonicalFault,
} from '../../crypto/index.ts';
import type {KeySignatureRow} from '../../storage/index.ts';
import type {EncryptionCaller, EncryptionContext} from './dependencies.ts';
import {EncryptionError} from './errors.ts';
import {idOfCrossSigningKey, memberOf, signedText, signingKeyOf} from './key-objects.ts';
import {type KeyRows, readKeyRows} from './key-views.ts';

/** Signed keys by user and by key: a device's id, or a cross-signing key's public key. */
export type SignaturesUpload = ReadonlyMap<UserId, ReadonlyMap<string, JsonValue>>;

/** Why one signature was not taken. */
export interface SignatureFailure {
	readonly userId: UserId;
	readonly keyId: string;
	readonly error: EncryptionError;
}

const TIMEOUT_MS = 10_000;
/** Signatures of one key in one request: a master key may come signed by all devices of its owner. */
const SIGNATURES_MAX = 1000;
/** A change tells of so many users at most, so that it stays small. */
const USERS_PER_CHANGE = 3;

/**
 * Stores signatures that a person's cross-signing keys and devices made; what is wrong with single ones is told for each.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload
 */
export async function uploadSignatures(
	dependencies: EncryptionContext,
	caller: EncryptionCaller,
	upload: SignaturesUpload,
): Promise<SignatureFailure[]> {
	const {storage} = dependencies;
	const own = await readKeyRows(storage, [caller.userId]);
	const others = await findOthers(dependencies, caller, upload);
	const failures: SignatureFailure[] = [];
	const signatures: KeySignatureRow[] = [];
	for (const [userId, keys] of upload) {
		for (const [keyId, json] of keys) {
			try {
				signatures.push(
					...checkSigned(caller.userId, own, userId === caller.userId ? own : others, userId, keyId, json),
				);
			} catch (error) {
				if (!(error instanceof EncryptionError)) throw error;
				failures.push({userId, keyId, error});
			}
		}
	}
	if (signatures.length === 0) return failures;
	const batch = storage.batch();
	for (const signature of signatures) storage.keys.setSignature(batch, signature);
	const signed = [...new Set(signatures.map(({userId}) => userId))];
	if (signed.includes(caller.userId)) batch.announce({kind: 'device_list', subject: caller.userId});
	// Whom one vouches for is told to one's own devices alone.
	const foreign = signed.filter((userId) => userId !== caller.userId);
	for (let start = 0; start < foreign.length; start += USERS_PER_CHANGE) {
		const extra = {signed: foreign.slice(start, start + USERS_PER_CHANGE)};
		batch.announce({kind: 'device_keys', subject: caller.userId, extra});
	}
	await storage.commit(batch);
	return failures;
}

/** Reads the master keys of other people that the caller may see. */
async function findOthers(
	{storage, serverName, visibility, remoteLists}: EncryptionContext,
	caller: EncryptionCaller,
	upload: SignaturesUpload,
): Promise<KeyRows> {
	const others = [...upload.keys()].filter((userId) => userId !== caller.userId);
	const here = others.filter((userId) => domainOf(userId) === serverName);
	const local = await visibility.filterKnown(caller, here, 'keys');
	const remote = others.filter((userId) => domainOf(userId) !== serverName);
	const localRows = await readKeyRows(storage, [...local]);
	if (remote.length === 0) return localRows;
	const {crossSigning} = await remoteLists.find(caller.userId, remote, TIMEOUT_MS);
	return {devices: [], crossSigning: [...localRows.crossSigning, ...crossSigning]};
}

/** Checks one signed key: it is the key that is known, and each new signature is one that the caller may add, and holds. */
function checkSigned(
	caller: UserId,
	own: KeyRows,
	known: KeyRows,
	userId: UserId,
	keyId: string,
	json: JsonValue,
): KeySignatureRow[] {
	if (!isJsonObject(json) || findCanonicalFault(json) !== undefined) {
		throw new EncryptionError('bad-form', 'Expected a signed key as an object');
	}
	const target = findTarget(caller, known, userId, keyId);
	if (target === undefined) throw new EncryptionError('unknown-key', 'No such key');
	if (signedText(target.json) !== signedText(json)) {
		throw new EncryptionError('invalid-key', 'Expected the key as it was published');
	}
	const all = memberOf(json, 'signatures');
	const bySigner = isJsonObject(all) ? memberOf(all, caller) : undefined;
	const entries = isJsonObject(bySigner) ? Object.entries(bySigner) : [];
	if (entries.length === 0 || entries.length > SIGNATURES_MAX) {
		throw new EncryptionError('invalid-signature', 'Expected signatures by the user who uploads them');
	}
	const signers = target.signers(own);
	return entries.flatMap(([signerKeyId, signature]): KeySignatureRow[] => {
		// A client may send along the signatures that the key has already.
		if (typeof signature === 'string' && hasSignature(target.json, caller, signerKeyId, signature)) return [];
		const publicKey = signers.get(signerKeyId);
		if (
			typeof signature !== 'string' ||
			publicKey === undefined ||
			!verifySignedJson(json, caller, signerKeyId, publicKey)
		) {
			throw new EncryptionError('invalid-signature', 'Expected a signature that holds, by a key that may sign this');
		}
		return [{signer: caller, signerKeyId, userId, targetId: keyId, signature}];
	});
}

interface Target {
	readonly json: JsonObject;
	/** The keys of the caller that may sign it, by key id. */
	readonly signers: (own: KeyRows) => ReadonlyMap<string, Uint8Array>;
}

/** Own devices are signed by the self-signing key, the own master key by own devices, others' master keys by the user-signing key. */
function findTarget(caller: UserId, known: KeyRows, userId: UserId, keyId: string): Target | undefined {
	const device =
		userId === caller ? known.devices.find((row) => row.userId === userId && row.deviceId === keyId) : undefined;
	if (device !== undefined) return {json: device.json, signers: (own) => crossSigner(own, 'self_signing')};
	const master = known.crossSigning.find(
		(row) => row.userId === userId && row.usage === 'master' && idOfCrossSigningKey(row.json) === keyId,
	);
	if (master === undefined) return undefined;
	return {json: master.json, signers: (own) => (userId === caller ? devices(own) : crossSigner(own, 'user_signing'))};
}

function crossSigner({crossSigning}: KeyRows, usage: 'self_signing' | 'user_signing'): Map<string, Uint8Array> {
	const row = crossSigning.find((key) => key.usage === usage);
	const id = row && idOfCrossSigningKey(row.json);
	const publicKey = id === undefined ? undefined : decodeBase64(id);
	return new Map(id === undefined || publicKey === undefined ? [] : [[`ed25519:${id}`, publicKey]]);
}

function devices({devices: rows}: KeyRows): Map<string, Uint8Array> {
	const keys = rows.map(({deviceId, json}): [DeviceId, Uint8Array | undefined] => [
		deviceId,
		signingKeyOf(json, deviceId),
	]);
	return new Map(keys.flatMap(([deviceId, key]) => (key === undefined ? [] : [[`ed25519:${deviceId}`, key] as const])));
}

function hasSignature(json: JsonObject, signer: UserId, keyId: string, signature: string): boolean {
	const all = memberOf(json, 'signatures');
	const ofSigner = isJsonObject(all) ? memberOf(all, signer) : undefined;
	return isJsonObject(ofSigner) && memberOf(ofSigner, keyId) === signature;
}
