import {createCipheriv, createDecipheriv, createHmac} from 'node:crypto';
import {decodeBase64Url, encodeBase64Url} from './base64.ts';
import type {RandomBytes} from './random-text.ts';

const cipher = 'aes-256-gcm';
const ivLength = 12;
const tagLength = 16;

/**
 * Seals what others carry for us: nobody else reads it, changes it, or opens it in another's name. AES-256-GCM, with a key
 * of its own for each owner, so that random initialisation vectors never come near the number at which they repeat.
 */
export class Seal {
	readonly #secret: Uint8Array;
	readonly #random: RandomBytes;

	/** @param secret 32 bytes */
	constructor(secret: Uint8Array, random: RandomBytes) {
		this.#secret = secret;
		this.#random = random;
	}

	/** Seals bytes: 28 more, as unpadded URL-safe base64. */
	seal(bytes: Uint8Array, owner: string): string {
		const iv = this.#random(ivLength);
		const sealing = createCipheriv(cipher, this.#keyOf(owner), iv);
		const sealed = [iv, sealing.update(bytes), sealing.final(), sealing.getAuthTag()];
		return encodeBase64Url(Buffer.concat(sealed));
	}

	/** Opens what was sealed for this owner; `undefined` for anything else. */
	open(text: string, owner: string): Uint8Array | undefined {
		const sealed = decodeBase64Url(text);
		if (sealed === undefined || sealed.length < ivLength + tagLength) return undefined;
		const opening = createDecipheriv(cipher, this.#keyOf(owner), sealed.subarray(0, ivLength));
		opening.setAuthTag(sealed.subarray(-tagLength));
		const bytes = opening.update(sealed.subarray(ivLength, -tagLength));
		try {
			return Buffer.concat([bytes, opening.final()]);
		} catch {
			// The tag is another: sealed for somebody else, by another server, or changed.
			return undefined;
		}
	}

	#keyOf(owner: string): Uint8Array {
		return createHmac('sha256', this.#secret).update(owner).digest();
	}
}
