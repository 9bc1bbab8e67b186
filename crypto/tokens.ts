import {timingSafeEqual} from 'node:crypto';
import {crc32} from 'node:zlib';
import {encodeBase64Url} from './base64.ts';
import {sha256, sha256Base64Url} from './hashes.ts';
import type {DeviceId, MediaId} from './identifiers.ts';
import {lettersAndDigits, type RandomBytes, randomText, systemRandom, upperCaseLetters} from './random-text.ts';

/** What each kind of token starts with, so that people and leak scanners recognise it. */
const prefixes = {
	access: 'bst_',
	approval: 'bsa_',
	login: 'bsl_',
	mail: 'bsm_',
	openid: 'bso_',
	refresh: 'bsr_',
	registration: 'bsg_',
	session: 'bss_',
	setup: 'bsu_',
	web: 'bsw_',
	source: 'bsk_',
} as const;

/** The kinds of opaque tokens. */
export type TokenKind = keyof typeof prefixes;

/** 43 characters of an alphabet of 62 hold 256 bits. */
const secretLength = 43;
/** 6 characters of an alphabet of 62 hold 32 bits. */
const checksumLength = 6;

/**
 * Makes a token: a prefix, 256 random bits as 43 letters and digits, and a checksum of 6 over both, by which a leak
 * scanner knows it without asking us. Store only its {@link hashToken}.
 */
export function newToken(kind: TokenKind, random: RandomBytes = systemRandom): string {
	const body = prefixes[kind] + randomText(lettersAndDigits, secretLength, random);
	return body + checksum(body);
}

/** 22 characters of an alphabet of 62 hold 131 bits. */
const familyLength = 22;

/** Makes the name that all refresh tokens of one session have in common; it is as secret as they are. */
export function newRefreshFamily(random: RandomBytes = systemRandom): string {
	return randomText(lettersAndDigits, familyLength, random);
}

/**
 * Makes a refresh token of a family: whoever comes with one that was used up says by its family whose session it was, and
 * no list of used tokens is needed to know them.
 */
export function newRefreshToken(family: string, random: RandomBytes = systemRandom): string {
	const body = prefixes.refresh + family + randomText(lettersAndDigits, secretLength, random);
	return body + checksum(body);
}

/** Gives the family of what has the form and the checksum of a refresh token; `undefined` for anything else. */
export function refreshFamilyOf(token: string): string | undefined {
	const family = token.slice(prefixes.refresh.length, prefixes.refresh.length + familyLength);
	const bodyLength = prefixes.refresh.length + familyLength + secretLength;
	const body = token.slice(0, bodyLength);
	const isWhole = token.length === bodyLength + checksumLength && token.startsWith(prefixes.refresh);
	return isWhole && /^\w+$/.test(body) && checksum(body) === token.slice(bodyLength) ? family : undefined;
}

/** Tells whether a text has the form and the checksum of a token of this kind; whether it was ever given out is another question. */
export function isToken(text: string, kind: TokenKind): boolean {
	const bodyLength = prefixes[kind].length + secretLength;
	if (text.length !== bodyLength + checksumLength || !text.startsWith(prefixes[kind])) return false;
	const body = text.slice(0, bodyLength);
	return /^\w+$/.test(body) && checksum(body) === text.slice(bodyLength);
}

/**
 * Gives what is stored in a token's place: its SHA-256, 43 characters of URL-safe base64. Tokens carry 256 random bits, so
 * no slow hash is needed. Looking a hash up in an index tells an attacker nothing about the token, however long it takes.
 */
export function hashToken(token: string): string {
	return sha256Base64Url(token);
}

/** Compares two secrets in a time that depends on neither; their lengths may differ. */
export function secretsEqual(left: string, right: string): boolean {
	return timingSafeEqual(sha256(left), sha256(right));
}

/** Makes a device id: 10 upper-case letters. */
export function newDeviceId(random?: RandomBytes): DeviceId {
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made to its grammar
	return randomText(upperCaseLetters, 10, random) as DeviceId;
}

/** Makes a media id that nobody guesses: 256 random bits as 43 characters. */
export function newMediaId(random: RandomBytes = systemRandom): MediaId {
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made to its grammar
	return encodeBase64Url(random(32)) as MediaId;
}

/** Makes an id that nobody guesses, of 24 letters and digits (142 bits): for sessions, transactions, localparts of rooms. */
export function newOpaqueId(random?: RandomBytes): string {
	return randomText(lettersAndDigits, 24, random);
}

function checksum(body: string): string {
	let rest = crc32(body);
	let text = '';
	for (let index = 0; index < checksumLength; index += 1) {
		text = lettersAndDigits.charAt(rest % lettersAndDigits.length) + text;
		rest = Math.floor(rest / lettersAndDigits.length);
	}
	return text;
}
