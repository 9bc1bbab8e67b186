import test from 'ava';
import * as fc from 'fast-check';
import {
	hashToken,
	isDeviceId,
	isMediaId,
	isToken,
	newDeviceId,
	newMediaId,
	newOpaqueId,
	newToken,
	randomText,
	secretsEqual,
	sha256,
} from '../../crypto/index.ts';

/** The same bytes each time it is made. */
function given(): (size: number) => Uint8Array {
	let next = 0;
	return (size) => Uint8Array.from({length: size}, () => (next += 37) % 256);
}

test('E5: a token says what it is, carries 256 random bits and a checksum', (t) => {
	t.regex(newToken('access'), /^bst_[A-Za-z0-9]{49}$/);
	t.regex(newToken('refresh'), /^bsr_[A-Za-z0-9]{49}$/);
	const made = new Set(Array.from({length: 1000}, () => newToken('access')));
	t.is(made.size, 1000);
	for (const token of made) t.true(isToken(token, 'access'));
	t.true(43 * Math.log2(62) >= 256);
});

test('a mistyped token, one of another kind and anything else is known without asking the database', (t) => {
	const token = newToken('access');
	t.false(isToken(token, 'refresh'));
	t.false(isToken(`bsr_${token.slice(4)}`, 'refresh'), 'the checksum covers the prefix');
	for (let index = 0; index < token.length; index += 1) {
		const other = token[index] === 'x' ? 'y' : 'x';
		t.false(isToken(token.slice(0, index) + other + token.slice(index + 1), 'access'), `character ${index}`);
	}
	for (const text of ['', 'bst_', token.slice(1), `${token}x`, ` ${token}`, 'é'.repeat(53)])
		t.false(isToken(text, 'access'), text);
});

test('E6: a token is stored as its SHA-256', (t) => {
	t.is(hashToken('abc'), Buffer.from(sha256('abc')).toString('base64url'));
	t.is(hashToken(newToken('login')).length, 43);
});

test('secrets are compared whole, whatever their lengths', (t) => {
	t.true(secretsEqual('', ''));
	t.true(secretsEqual('é', 'é'));
	t.false(secretsEqual('a', 'b'));
	t.false(secretsEqual('a', 'aa'));
	t.false(secretsEqual('', 'a'));
});

test('random ids have the forms of their kinds', (t) => {
	for (let count = 0; count < 100; count += 1) {
		t.regex(newDeviceId(), /^[A-Z]{10}$/);
		t.true(isDeviceId(newDeviceId()));
		t.regex(newMediaId(), /^[A-Za-z0-9_-]{43}$/);
		t.true(isMediaId(newMediaId()));
		t.regex(newOpaqueId(), /^[A-Za-z0-9]{24}$/);
	}
});

test('randomness can be given, so that a simulation repeats itself', (t) => {
	t.is(newToken('access', given()), newToken('access', given()));
	t.is(newDeviceId(given()), newDeviceId(given()));
});

test('E5: every character of an alphabet is as likely as the others', (t) => {
	// All 256 bytes once: those that would favour some characters are thrown away.
	fc.assert(
		fc.property(fc.integer({min: 1, max: 90}), (size) => {
			const alphabet = Array.from({length: size}, (_, index) => String.fromCharCode(33 + index)).join('');
			const usable = 256 - (256 % size);
			let next = 0;
			const text = randomText(alphabet, usable, (count) => Uint8Array.from({length: count}, () => next++ % 256));
			const counts = new Map<string, number>();
			for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
			t.deepEqual(new Set(counts.values()), new Set([usable / size]));
			t.is(counts.size, size);
		}),
		{seed: 1, numRuns: 50},
	);
});
