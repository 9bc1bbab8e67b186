import {decodeBase64Url, encodeBase64Url} from './base64.ts';
import {type RandomBytes, systemRandom} from './random-text.ts';
import {readIfPresent, writeDurably} from './signing-key-file.ts';
import {SigningKeyError} from './signing-key.ts';

const secretLength = 32;

/**
 * Loads a secret of 32 bytes, or makes it where there is no file yet. Several processes may do so at once: one of them makes
 * it and all use it. Throws {@link SigningKeyError} for a file that is broken, or cannot be read or written.
 */
export async function loadOrCreateSecret(path: string, random: RandomBytes = systemRandom): Promise<Uint8Array> {
	const text = await readIfPresent(path);
	if (text !== undefined) return parseSecret(text, path);
	const secret = random(secretLength);
	const isNew = await writeDurably(path, `${encodeBase64Url(secret)}\n`, 'if_absent');
	return isNew ? secret : parseSecret((await readIfPresent(path)) ?? '', path);
}

function parseSecret(text: string, path: string): Uint8Array {
	const secret = decodeBase64Url(text.trim());
	if (secret?.length === secretLength) return secret;
	throw new SigningKeyError(
		`${path}: expected ${secretLength} bytes as unpadded URL-safe base64; restore it from a backup.`,
	);
}
