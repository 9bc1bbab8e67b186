import type {KeyObject} from 'node:crypto';
import {inspect} from 'node:util';
import {generateSeed, privateKeyOf, publicKeyOf, type RandomBytes, sign} from './ed25519.ts';
import {isKeyId, type KeyId} from './identifiers.ts';
import type {Signer} from './sign-json.ts';

/** A key that this server signs with. Its private half leaves it only by {@link SigningKey.exposeSeed}. */
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

	/** What follows `ed25519:` in the key's id. */
	get version(): string {
		return this.keyId.slice('ed25519:'.length);
	}

	/** Gives the private half, to be written into the key file and nowhere else. */
	exposeSeed(): Uint8Array {
		return Uint8Array.from(this.#seed);
	}

	toJSON(): string {
		return `[signing key ${this.keyId}]`;
	}

	[inspect.custom](): string {
		return this.toJSON();
	}
}

/** Makes a new key. The version, random by default, distinguishes it from others that this server had: `a_` and 4 letters. */
export function generateSigningKey(version?: string, random?: RandomBytes): SigningKey {
	const seed = generateSeed(random);
	const keyId = `ed25519:${version ?? 'a_'}`;
	if (!isKeyId(keyId)) throw new TypeError('Expected a key version of letters, digits and _');
	return new SigningKey(keyId, seed);
}
