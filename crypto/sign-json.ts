import {decodeBase64, encodeBase64} from './base64.ts';
import {CanonicalJsonError, canonicalJsonBytes} from './canonical-json.ts';
import {type SignedMessage, signatureBytes, verify} from './ed25519.ts';
import type {KeyId, ServerName} from './identifiers.ts';
import {isJsonObject, type JsonObject} from './json.ts';

/** What signs: a key of this server, by its id. */
export interface Signer {
	readonly keyId: KeyId;
	sign(message: Uint8Array): Uint8Array;
}

/** By the name of who signed, then by key id: unpadded base64. */
export type Signatures = Record<string, Record<string, string>>;

/** A JSON object that carries signatures. */
export type SignedJson<T extends object = JsonObject> = T & {signatures: Signatures};

/** Gives the bytes that a signature of an object covers: all but `signatures` and `unsigned`, canonical. */
export function signedBytes(object: object): Uint8Array {
	if (!isJsonObject(object)) throw new CanonicalJsonError('type');
	const {signatures: _signatures, unsigned: _unsigned, ...covered} = object;
	return canonicalJsonBytes(covered);
}

/**
 * Gives a copy of an object with one more signature; those it has already stay, whatever else is among them goes.
 * Throws {@link CanonicalJsonError} for what has no canonical form.
 * @see https://spec.matrix.org/v1.19/appendices/#signing-details
 */
export function signJson<T extends object>(object: T, serverName: ServerName, signer: Signer): SignedJson<T> {
	const signature = encodeBase64(signer.sign(signedBytes(object)));
	const present = readSignatures(object);
	const own = {...present[serverName], [signer.keyId]: signature};
	return {...object, signatures: {...present, [serverName]: own}};
}

/** Gives the signatures that an object carries, without what has not their form. */
export function readSignatures(object: object): Signatures {
	const entries = Object.entries(signaturesOf(object)).map(([name, byKey]) => {
		const keys = isJsonObject(byKey) ? Object.entries(byKey) : [];
		return [name, keys.filter((entry): entry is [string, string] => typeof entry[1] === 'string')] as const;
	});
	// Assignment would take a name like __proto__ for more than a name.
	return Object.fromEntries(
		entries.filter(([, keys]) => keys.length > 0).map(([name, keys]) => [name, Object.fromEntries(keys)]),
	);
}

/** Tells whether a server signed an object with a key. @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature */
export function verifySignedJson(object: object, serverName: string, keyId: string, publicKey: Uint8Array): boolean {
	const item = findSignedMessage(object, serverName, keyId, publicKey);
	return item !== undefined && verify(item);
}

/**
 * Gives what has to be verified for {@link verifySignedJson} to hold, so that many can be verified together; absent if
 * there is no such signature, it is not strict base64 of 64 bytes, or the object has no canonical form.
 */
export function findSignedMessage(
	object: object,
	serverName: string,
	keyId: string,
	publicKey: Uint8Array,
): SignedMessage | undefined {
	const encoded = memberOf(objectIn(signaturesOf(object), serverName), keyId);
	const signature = typeof encoded === 'string' ? decodeBase64(encoded, {padding: true}) : undefined;
	if (signature?.length !== signatureBytes) return undefined;
	try {
		return {message: signedBytes(object), signature, publicKey};
	} catch (error) {
		if (error instanceof CanonicalJsonError) return undefined;
		throw error;
	}
}

/** Lists the Ed25519 key ids under which an object carries a signature of a server; whether they hold is not looked at. */
export function listSignatureKeyIds(object: object, serverName: string): string[] {
	return Object.keys(objectIn(signaturesOf(object), serverName)).filter((keyId) => keyId.startsWith('ed25519:'));
}

function signaturesOf(object: object): JsonObject {
	return objectIn(object, 'signatures');
}

/** Gives the object that is a member of another; an empty one where there is none. */
function objectIn(container: object, key: string): JsonObject {
	const member = memberOf(container, key);
	return isJsonObject(member) ? member : {};
}

function memberOf(container: object, key: string): unknown {
	return isJsonObject(container) && Object.hasOwn(container, key) ? container[key] : undefined;
}
