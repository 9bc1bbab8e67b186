import {hash} from 'node:crypto';

/** Hashes bytes, or the UTF-8 bytes of a string, with SHA-256: 32 bytes. */
export function sha256(data: Uint8Array | string): Uint8Array {
	return hash('sha256', data, 'buffer');
}

/** Hashes with SHA-256 and gives 43 characters of unpadded base64. */
export function sha256Base64(data: Uint8Array | string): string {
	// 32 bytes always end in exactly one character of padding.
	return hash('sha256', data, 'base64').slice(0, -1);
}

/** Hashes with SHA-256 and gives 43 characters of unpadded URL-safe base64. */
export function sha256Base64Url(data: Uint8Array | string): string {
	return hash('sha256', data, 'base64url');
}

/** Hashes a string's UTF-8 bytes with SHA-1, in hexadecimal. It proves nothing: room version 1 breaks ties by it. */
export function sha1Hex(text: string): string {
	return hash('sha1', text, 'hex');
}
