import {randomBytes} from 'node:crypto';

/** Gives so many random bytes; the default everywhere is the system's generator. */
export type RandomBytes = (sizeBytes: number) => Uint8Array;

export const systemRandom: RandomBytes = randomBytes;

export const upperCaseLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const lettersAndDigits = `0123456789${upperCaseLetters}abcdefghijklmnopqrstuvwxyz`;

/** Draws characters of an alphabet of at most 256, each as likely as the others. */
export function randomText(alphabet: string, length: number, random: RandomBytes = systemRandom): string {
	// Bytes beyond the largest multiple of the alphabet's size would make its first characters likelier.
	const usable = 256 - (256 % alphabet.length);
	let text = '';
	while (text.length < length) {
		for (const byte of random(length - text.length)) {
			if (byte < usable) text += alphabet.charAt(byte % alphabet.length);
		}
	}
	return text;
}
