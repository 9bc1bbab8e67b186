import type {KeyObject} from 'node:crypto';
import {inspect} from 'node:util';
import {decodeBase64, encodeBase64} from './base64.ts';
import {findPublicKeyFault, generateSeed, privateKeyOf, publicKeyOf, seedBytes, sign} from './ed25519.ts';
import {isKeyId, type KeyId} from './identifiers.ts';
import {lettersAndDigits, type RandomBytes, randomText} from './random-text.ts';
import type {Signer} from './sign-json.ts';

const algorithm = 'ed25519';

/** A key that this server signs with. It never prints its private half; only {@link SigningKey.exposeSeed} gives it out. */
export class SigningKey implements Signer {
	readonly keyId: KeyId;
	/** 32 bytes. */
	readonly publicKey: Uint8Array;
	readonly #seed: Uint8Array;
	readonly #privateKey: KeyObject;

	constructor(keyId: KeyId, seed: Uint8Array) {
		this.keyId = keyId;
		this.publicKey = publicKeyOf(seed);
		this.#seed = Uint8Array.from(seed);
		this.#privateKey = privateKeyOf(seed);
	}

	/** Signs bytes: 64 bytes. */
	sign(message: Uint8Array): Uint8Array {
		return sign(message, this.#privateKey);
	}

	/** Gives the private half, to be written into the key file and nowhere else. */
	exposeSeed(): Uint8Array {
		return Uint8Array.from(this.#seed);
	}

	toJSON(): string {
		return `[signing key ${this.keyId}]`;
	}

	toString(): string {
		return this.toJSON();
	}

	[inspect.custom](): string {
		return this.toJSON();
	}
}

/** A key that this server signed with and no longer does, as it is published for those who check old events. */
export interface OldVerifyKey {
	readonly keyId: KeyId;
	readonly publicKey: Uint8Array;
	/** When the server stopped using it, in milliseconds since 1970. */
	readonly expiredTs: number;
}

/** Thrown for a key file that cannot be used. The text says what to do, and never repeats what may be a private key. */
export class SigningKeyError extends Error {
	override name = 'SigningKeyError' as const;
}

/** Makes a new key. Its version, by default `a_` and 6 random characters, tells it from others that the server had. */
export function generateSigningKey(options: {version?: string; random?: RandomBytes} = {}): SigningKey {
	const version = options.version ?? `a_${randomText(lettersAndDigits, 6, options.random)}`;
	const keyId = `${algorithm}:${version}`;
	if (!isKeyId(keyId)) throw new SigningKeyError('Expected a key version of letters, digits and _');
	return new SigningKey(keyId, generateSeed(options.random));
}

/**
 * Reads the ecosystem's key file: a line `ed25519 <version> <base64 of the 32-byte seed>` for each key, the first of which
 * signs. Empty lines and those that start with `#` are passed over. Throws {@link SigningKeyError}.
 */
export function parseSigningKeys(text: string, source = 'the signing key file'): SigningKey[] {
	const keys = readLines(
		text,
		source,
		3,
		`${algorithm} <version> <private key>`,
		([, version = '', encoded = ''], where) => {
			const seed = decodeKey(encoded, where);
			const key = new SigningKey(checkKeyId(version, where), seed);
			const fault = findPublicKeyFault(key.publicKey);
			if (fault === 'leaked') {
				throw new SigningKeyError(
					`${where}: this private key is known to strangers. Make a new key; do not use this one.`,
				);
			}
			return key;
		},
	);
	if (keys.length === 0) {
		throw new SigningKeyError(
			`${source} has no key in it. Restore it from a backup; or, if the server never federated, remove it to have a new one made.`,
		);
	}
	return keys;
}

/** Writes keys in the form that {@link parseSigningKeys} reads. The result is a secret. */
export function formatSigningKeys(keys: readonly SigningKey[]): string {
	return keys.map((key) => `${algorithm} ${versionOf(key)} ${encodeBase64(key.exposeSeed())}\n`).join('');
}

/** Reads lines `ed25519 <version> <expired at, in ms> <base64 of the public key>`. Throws {@link SigningKeyError}. */
export function parseOldVerifyKeys(text: string, source = 'the file of old keys'): OldVerifyKey[] {
	const form = `${algorithm} <version> <expired at, in ms> <public key>`;
	return readLines(text, source, 4, form, ([, version = '', expired = '', encoded = ''], where) => {
		const expiredTs = Number(expired);
		if (!/^\d+$/.test(expired) || !Number.isSafeInteger(expiredTs)) {
			throw new SigningKeyError(`${where}: expected a time in milliseconds since 1970 as the third word.`);
		}
		return {keyId: checkKeyId(version, where), publicKey: decodeKey(encoded, where), expiredTs};
	});
}

/** Writes old keys in the form that {@link parseOldVerifyKeys} reads. */
export function formatOldVerifyKeys(keys: readonly OldVerifyKey[]): string {
	return keys.map((key) => `${algorithm} ${versionOf(key)} ${key.expiredTs} ${encodeBase64(key.publicKey)}\n`).join('');
}

function versionOf({keyId}: {readonly keyId: KeyId}): string {
	return keyId.slice(algorithm.length + 1);
}

function readLines<T extends {readonly keyId: KeyId}>(
	text: string,
	source: string,
	words: number,
	form: string,
	readLine: (words: string[], where: string) => T,
): T[] {
	const keys = new Map<KeyId, T>();
	for (const [index, line] of text.split(/\r?\n/).entries()) {
		const parts = line.split(/[ \t]+/).filter((word) => word !== '');
		if (parts.length === 0 || line.startsWith('#')) continue;
		const where = `${source}, line ${index + 1}`;
		if (parts.length !== words) {
			throw new SigningKeyError(`${where}: expected '${form}', got ${parts.length} words.`);
		}
		if (parts[0] !== algorithm) throw new SigningKeyError(`${where}: expected ${algorithm} as the first word.`);
		const key = readLine(parts, where);
		if (keys.has(key.keyId)) throw new SigningKeyError(`${where}: the key id ${key.keyId} occurs twice; remove one.`);
		keys.set(key.keyId, key);
	}
	return [...keys.values()];
}

function checkKeyId(version: string, where: string): KeyId {
	const keyId = `${algorithm}:${version}`;
	if (isKeyId(keyId)) return keyId;
	throw new SigningKeyError(`${where}: expected a version of letters, digits and _ as the second word.`);
}

function decodeKey(encoded: string, where: string): Uint8Array {
	// Other implementations write padding, and the specification's own example has trailing bits.
	const key = decodeBase64(encoded, {padding: true, trailingBits: true});
	if (key?.length === seedBytes) return key;
	throw new SigningKeyError(
		`${where}: expected a key of 43 base64 characters as the last word. The line may have been cut; restore it from a backup.`,
	);
}
