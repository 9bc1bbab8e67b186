/** What a decoder forgives; both false by default. */
export interface Base64Leniency {
	/** Accept one or two `=` that fill the last group of four. */
	readonly padding?: boolean;
	/** Accept bits of the last character that belong to no byte and are not zero. */
	readonly trailingBits?: boolean;
}

/** Encodes bytes as unpadded base64 of the standard alphabet. @see https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function encodeBase64(bytes: Uint8Array): string {
	const padded = asBuffer(bytes).toString('base64');
	const remainder = bytes.length % 3;
	return remainder === 0 ? padded : padded.slice(0, remainder - 3);
}

/** Encodes bytes as unpadded base64 of the URL-safe alphabet. */
export function encodeBase64Url(bytes: Uint8Array): string {
	return asBuffer(bytes).toString('base64url');
}

/**
 * Decodes unpadded base64 of the standard alphabet; absent if the text is anything but what the encoder would have
 * written: blanks, the other alphabet, padding, an impossible length, trailing bits that are not zero.
 */
export function decodeBase64(text: string, leniency: Base64Leniency = {}): Uint8Array | undefined {
	return decode(text, 'base64', leniency);
}

/**
 * Tells whether {@link decodeBase64} would give so many bytes for a text, without decoding it. `padding`: the `=` that fill
 * the last group of four may be there.
 */
export function isBase64Of(
	text: string,
	sizeBytes: number,
	{padding = false}: {readonly padding?: boolean} = {},
): boolean {
	const length = Math.ceil((sizeBytes * 4) / 3);
	const bare = padding && text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text;
	if (bare.length !== length || !standardAlphabet.test(bare)) return false;
	return lastWithoutRest[sizeBytes % 3]?.includes(bare.charAt(length - 1)) ?? true;
}

const standardAlphabet = /^[A-Za-z0-9+/]*$/;
/** By how many bytes the last group has: which characters have no bits beyond them. */
const lastWithoutRest: readonly (string | undefined)[] = [undefined, 'AQgw', 'AEIMQUYcgkosw048'];

/** Decodes unpadded base64 of the URL-safe alphabet, as strictly as {@link decodeBase64}. */
export function decodeBase64Url(text: string, leniency: Base64Leniency = {}): Uint8Array | undefined {
	return decode(text, 'base64url', leniency);
}

function decode(text: string, alphabet: 'base64' | 'base64url', leniency: Base64Leniency): Uint8Array | undefined {
	const bare = leniency.padding && text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text;
	const bytes = Buffer.from(bare, alphabet);
	// Node's decoder forgives everything, so what it understood is encoded again and compared.
	const again = alphabet === 'base64' ? encodeBase64(bytes) : encodeBase64Url(bytes);
	if (again === bare) return bytes;
	const onlyLastDiffers = again.length === bare.length && again.slice(0, -1) === bare.slice(0, -1);
	return leniency.trailingBits && onlyLastDiffers && lastCharacter[alphabet].test(bare) ? bytes : undefined;
}

const lastCharacter = {base64: /[A-Za-z0-9+/]$/, base64url: /[A-Za-z0-9_-]$/};

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
