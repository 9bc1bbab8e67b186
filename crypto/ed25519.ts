import {createPrivateKey, createPublicKey, type KeyObject, sign as nodeSign, verify as nodeVerify} from 'node:crypto';
import {LRUCache} from 'lru-cache';
import {encodeBase64} from './base64.ts';
import {leakedPublicKeys} from './leaked-keys.ts';
import {type RandomBytes, systemRandom} from './random-text.ts';

export const publicKeyBytes = 32;
export const seedBytes = 32;
export const signatureBytes = 64;

/** A message, its signature and the key that should have made it. */
export interface SignedMessage {
	readonly message: Uint8Array;
	readonly signature: Uint8Array;
	readonly publicKey: Uint8Array;
}

/** Why a public key is not one to trust. */
export type PublicKeyFault = 'length' | 'non_canonical' | 'small_order' | 'leaked';

/** Makes a new seed, from which both halves of a key pair follow. */
export function generateSeed(random: RandomBytes = systemRandom): Uint8Array {
	const seed = random(seedBytes);
	if (seed.length !== seedBytes) throw new TypeError(`Expected ${seedBytes} random bytes, got ${seed.length}`);
	return seed;
}

// What RFC 8410 puts in front of the 32 bytes of a private key (PKCS #8) and of a public one (SPKI).
const privateKeyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicKeyPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Makes the handle that {@link sign} wants; making it costs as much as signing, so keep it. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
	if (seed.length !== seedBytes) throw new TypeError(`Expected a seed of ${seedBytes} bytes, got ${seed.length}`);
	return createPrivateKey({key: Buffer.concat([privateKeyPrefix, seed]), format: 'der', type: 'pkcs8'});
}

/** Derives the public key of a seed. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
	const exported = createPublicKey(privateKeyOf(seed)).export({format: 'der', type: 'spki'});
	return Uint8Array.from(exported.subarray(publicKeyPrefix.length));
}

/** Signs a message: 64 bytes, the same for the same message and key. */
export function sign(message: Uint8Array, privateKey: KeyObject): Uint8Array {
	return nodeSign(null, message, privateKey);
}

/**
 * Tells whether the key signed the message. False, never thrown, for a key or signature of the wrong length, keys that
 * {@link findPublicKeyFault} refuses, and signatures whose first half is of small order (as libsodium has it).
 */
export function verify({message, signature, publicKey}: SignedMessage): boolean {
	const key = acceptableKey(signature, publicKey);
	return key !== undefined && nodeVerify(null, message, key, signature);
}

/** How many verifications of one batch are given to the thread pool at a time, so that others' work gets in between. */
const batchInFlightMax = 16;

/** Verifies a batch on all cores, off this thread; the answers are in the order of the items. Never rejects. */
export async function verifyMany(items: readonly SignedMessage[]): Promise<boolean[]> {
	const results = items.map(() => false);
	const entries = items.entries();
	const worker = async () => {
		// All workers draw from one iterator, so each item is taken once.
		for (const [index, item] of entries) results[index] = await verifyInPool(item);
	};
	await Promise.all(Array.from({length: Math.min(batchInFlightMax, items.length)}, worker));
	return results;
}

function verifyInPool({message, signature, publicKey}: SignedMessage): Promise<boolean> {
	const key = acceptableKey(signature, publicKey);
	if (key === undefined) return Promise.resolve(false);
	return new Promise((resolve) => {
		nodeVerify(null, message, key, signature, (error, isValid) => {
			resolve(error === null && isValid);
		});
	});
}

/** Public keys that were used lately; 4,096 is about as many servers as a large room has. */
const keyObjects = new LRUCache<string, KeyObject>({maxSize: 4096, sizeCalculation: () => 1});

function acceptableKey(signature: Uint8Array, publicKey: Uint8Array): KeyObject | undefined {
	if (signature.length !== signatureBytes || isSmallOrder(signature)) return undefined;
	if (publicKey.length !== publicKeyBytes) return undefined;
	const name = encodeBase64(publicKey);
	const known = keyObjects.get(name);
	if (known !== undefined) return known;
	if (findPublicKeyFault(publicKey) !== undefined) return undefined;
	const key = createPublicKey({key: Buffer.concat([publicKeyPrefix, publicKey]), format: 'der', type: 'spki'});
	keyObjects.set(name, key);
	return key;
}

/** Tells what is wrong with a public key; absent if nothing is. Called for every key before it is stored or used. */
export function findPublicKeyFault(publicKey: Uint8Array): PublicKeyFault | undefined {
	if (publicKey.length !== publicKeyBytes) return 'length';
	// Small order goes first: some of its encodings are not canonical either.
	if (isSmallOrder(publicKey)) return 'small_order';
	if (!isCanonicalPoint(publicKey)) return 'non_canonical';
	return leakedPublicKeys.has(encodeBase64(publicKey)) ? 'leaked' : undefined;
}

/** The y coordinates, little-endian, of the eight points whose order divides 8; with such a key anything verifies. */
const smallOrderY = [
	'0000000000000000000000000000000000000000000000000000000000000000',
	'0100000000000000000000000000000000000000000000000000000000000000',
	'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
	'26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
	'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
	// 2^255-19 and 2^255-18: zero and one, written in a way that is not canonical.
	'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
	'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Buffer.from(hex, 'hex'));

/** Looks at the first 32 bytes; the top bit is the sign of x and does not matter here. */
function isSmallOrder(bytes: Uint8Array): boolean {
	return smallOrderY.some((y) => {
		for (let index = 0; index < 31; index += 1) if (bytes[index] !== y[index]) return false;
		return ((bytes[31] ?? 0) & 0x7f) === y[31];
	});
}

/** A point is canonical if its y is below 2^255-19. (x = 0 with a sign occurs only at small order.) */
function isCanonicalPoint(bytes: Uint8Array): boolean {
	if (((bytes[31] ?? 0) & 0x7f) !== 0x7f) return true;
	for (let index = 30; index > 0; index -= 1) if (bytes[index] !== 0xff) return true;
	return (bytes[0] ?? 0) < 0xed;
}
