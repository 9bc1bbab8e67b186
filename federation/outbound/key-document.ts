import {
	decodeBase64,
	encodeBase64,
	findPublicKeyFault,
	isKeyId,
	type JsonObject,
	type JsonValue,
	type KeyId,
	LosslessNumber,
	listSignatureKeyIds,
	type ServerName,
	verifySignedJson,
} from '../../crypto/index.ts';

/** A key of another server, as far as it is known. */
export interface ServerKey {
	readonly keyId: KeyId;
	/** 32 bytes, none of the keys that nobody should trust. */
	readonly publicKey: Uint8Array;
	/** Until when what it signed is valid, by the server's word and never more than 7 days after that word came. */
	readonly validUntilTs: number;
	/** Since when it signs nothing any more; `null`: in use. */
	readonly expiredTs: number | null;
}

/** A word of validity counts for a week, so that a stolen key cannot be made to last. */
export const VALIDITY_MAX_MS = 7 * 86_400_000;
/** More than a server has in its lifetime. */
const KEYS_MAX = 128;

/**
 * Reads what a server publishes of its keys; `undefined` unless it is about this server and signed with one of the keys
 * in use that it lists, and with none of them wrongly. Keys that nobody should trust are left out.
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export function readKeyDocument(document: JsonValue, server: ServerName, now: number): ServerKey[] | undefined {
	const fields = asObject(document);
	if (fields?.['server_name'] !== server) return undefined;
	const validUntil = fields['valid_until_ts'];
	if (typeof validUntil !== 'number') return undefined;
	const inUse = readKeys(fields['verify_keys']);
	if (inUse.length === 0 || !isSelfSigned(fields, server, inUse)) return undefined;
	const validUntilTs = Math.min(validUntil, now + VALIDITY_MAX_MS);
	const keys: ServerKey[] = inUse.map(({keyId, publicKey}) => ({keyId, publicKey, validUntilTs, expiredTs: null}));
	for (const {keyId, publicKey, entry} of readKeys(fields['old_verify_keys'])) {
		const expired = entry['expired_ts'];
		if (typeof expired !== 'number' || keys.some((key) => key.keyId === keyId)) continue;
		// A key cannot have expired at a time yet to come.
		keys.push({keyId, publicKey, validUntilTs: 0, expiredTs: Math.min(expired, now)});
	}
	return keys;
}

/** Tells whether a server signed a document with one of these keys. */
export function isSignedBy(document: JsonObject, server: ServerName, keys: readonly ServerKey[]): boolean {
	return keys.some(({keyId, publicKey}) => verifySignedJson(document, server, keyId, publicKey));
}

/** Whether two keys are the same bytes. */
export function isSameKey(left: Uint8Array, right: Uint8Array): boolean {
	return encodeBase64(left) === encodeBase64(right);
}

interface PublishedKey {
	readonly keyId: KeyId;
	readonly publicKey: Uint8Array;
	readonly entry: JsonObject;
}

function isSelfSigned(document: JsonObject, server: ServerName, keys: readonly PublishedKey[]): boolean {
	const claimed = new Set(listSignatureKeyIds(document, server));
	const signing = keys.filter(({keyId}) => claimed.has(keyId));
	return (
		signing.length > 0 && signing.every(({keyId, publicKey}) => verifySignedJson(document, server, keyId, publicKey))
	);
}

function readKeys(value: JsonValue | undefined): PublishedKey[] {
	const keys: PublishedKey[] = [];
	for (const [keyId, entry] of Object.entries(asObject(value) ?? {}).slice(0, KEYS_MAX)) {
		const fields = asObject(entry);
		const encoded = fields?.['key'];
		// Some servers pad what should be unpadded; the bytes are the same.
		const publicKey = typeof encoded === 'string' ? decodeBase64(encoded, {padding: true}) : undefined;
		if (!isKeyId(keyId) || fields === undefined || publicKey === undefined) continue;
		if (findPublicKeyFault(publicKey) === undefined) keys.push({keyId, publicKey, entry: fields});
	}
	return keys;
}

/** Gives a JSON value as the object that it is, or `undefined`. */
export function asObject(value: JsonValue | undefined): JsonObject | undefined {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
	return value instanceof LosslessNumber ? undefined : value;
}
