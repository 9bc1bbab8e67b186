/** Apart from the other tests of Ed25519, since the reference takes milliseconds for each signature. */
import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import nacl from 'tweetnacl';
import {privateKeyOf, sign} from '../../crypto/ed25519.ts';
import {sha256, verify} from '../../crypto/index.ts';

/** Bytes that look random and are the same in every run. */
function pseudoRandom(label: string, length: number): Uint8Array {
	const blocks = Array.from({length: Math.ceil(length / 32)}, (_, block) => sha256(`${label} ${block}`));
	return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
}

test('10,000 signatures are those of tweetnacl byte for byte, and verify', async (t) => {
	let equal = 0;
	let valid = 0;
	for (let key = 0; key < 100; key += 1) {
		const seed = pseudoRandom(`key ${key}`, 32);
		const privateKey = privateKeyOf(seed);
		const {publicKey, secretKey} = nacl.sign.keyPair.fromSeed(seed);
		for (let index = 0; index < 100; index += 1) {
			const message = pseudoRandom(`message ${key} ${index}`, key * 7 + index);
			const signature = sign(message, privateKey);
			if (Buffer.compare(signature, nacl.sign.detached(message, secretKey)) === 0) equal += 1;
			if (verify({message, signature, publicKey})) valid += 1;
		}
		// Lets the test runner see that the process is alive.
		await setImmediate();
	}
	t.is(equal, 10_000);
	t.is(valid, 10_000);
});
