/**
 * Apart from the other tests of Ed25519, since the reference takes milliseconds for each signature. All signatures are
 * held against what the reference once made of the same keys and messages; some are made by it anew in every run, and all
 * of them with REFERENCE_SIGNATURES=10000.
 */
import {createHash} from 'node:crypto';
import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import nacl from 'tweetnacl';
import {privateKeyOf, publicKeyOf, sign} from '../../crypto/ed25519.ts';
import {sha256, verify} from '../../crypto/index.ts';

const KEYS = 100;
const MESSAGES_OF_KEY = 100;
const SIGNATURES = KEYS * MESSAGES_OF_KEY;
/** Made by the reference anew, spread over keys and lengths. */
const REFERENCES = Number(process.env['REFERENCE_SIGNATURES'] ?? 200);
/** SHA-256 of the 10,000 signatures in order, as tweetnacl makes them. */
const DIGEST = 'be1e02ea23a14d83f6246818d1503d8ee2d7dcd8164ac63d89a0eab390b0d4ce';

/** Bytes that look random and are the same in every run. */
function pseudoRandom(label: string, length: number): Uint8Array {
	const blocks = Array.from({length: Math.ceil(length / 32)}, (_, block) => sha256(`${label} ${block}`));
	return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
}

test('10,000 signatures, and the keys for them, are those of tweetnacl byte for byte, and verify', async (t) => {
	const all = createHash('sha256');
	const references = createHash('sha256');
	const step = Math.floor(SIGNATURES / REFERENCES);
	let compared = 0;
	let valid = 0;
	for (let key = 0; key < KEYS; key += 1) {
		const seed = pseudoRandom(`key ${key}`, 32);
		const privateKey = privateKeyOf(seed);
		const {publicKey, secretKey} = nacl.sign.keyPair.fromSeed(seed);
		t.deepEqual(publicKeyOf(seed), publicKey);
		for (let index = 0; index < MESSAGES_OF_KEY; index += 1) {
			const message = pseudoRandom(`message ${key} ${index}`, key * 7 + index);
			const signature = sign(message, privateKey);
			all.update(signature);
			if (verify({message, signature, publicKey})) valid += 1;
			// Other messages of each key, so that many lengths are among them.
			if ((key * MESSAGES_OF_KEY + index) % step !== key % step) continue;
			const reference = nacl.sign.detached(message, secretKey);
			references.update(reference);
			compared += 1;
			if (Buffer.compare(signature, reference) !== 0) t.fail(`key ${key}, message ${index}`);
		}
		// Lets the test runner see that the process is alive.
		await setImmediate();
	}
	t.is(valid, SIGNATURES);
	t.true(compared >= REFERENCES, `${compared} compared`);
	t.is(all.digest('hex'), DIGEST);
	if (compared === SIGNATURES) t.is(references.digest('hex'), DIGEST);
});
