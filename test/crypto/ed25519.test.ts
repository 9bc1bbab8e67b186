import test from 'ava';
import nacl from 'tweetnacl';
import {generateSeed, privateKeyOf, publicKeyOf, sign} from '../../crypto/ed25519.ts';
import {
	decodeBase64,
	encodeBase64,
	findPublicKeyFault,
	type SignedMessage,
	sha256,
	verify,
	verifyMany,
} from '../../crypto/index.ts';
import {testsWithShared} from '../harness/index.ts';

interface Vectors {
	signingKey: {seedBase64: string; derivedPublicKeyBase64: string};
}

const specTest = testsWithShared(test, 'spec/test-vectors.json', (text): Vectors => JSON.parse(text));

/** The order of the group of the base point, to which a signature's second half can be added without changing its meaning. */
const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n;
const fieldPrime = 2n ** 255n - 19n;

/** Bytes that look random and are the same in every run. */
function pseudoRandom(label: string, length: number): Uint8Array {
	const blocks = Array.from({length: Math.ceil(length / 32)}, (_, block) => sha256(`${label} ${block}`));
	return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
}

function littleEndian(number: bigint): Uint8Array {
	return Uint8Array.from({length: 32}, (_, index) => Number((number >> BigInt(8 * index)) & 0xffn));
}

function fromLittleEndian(bytes: Uint8Array): bigint {
	return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function withSign(bytes: Uint8Array): Uint8Array {
	return bytes.with(31, (bytes[31] ?? 0) | 0x80);
}

function makeItem(label: string, length = 40): SignedMessage {
	const seed = pseudoRandom(`seed ${label}`, 32);
	const message = pseudoRandom(`message ${label}`, length);
	return {message, signature: sign(message, privateKeyOf(seed)), publicKey: publicKeyOf(seed)};
}

specTest("the specification's seed has the specification's public key", (t, {signingKey}) => {
	const seed = decodeBase64(signingKey.seedBase64, {trailingBits: true}) ?? new Uint8Array();
	t.is(encodeBase64(publicKeyOf(seed)), signingKey.derivedPublicKeyBase64);
});

test('a changed bit anywhere is noticed, as tweetnacl notices it', (t) => {
	const item = makeItem('bits');
	for (let bit = 0; bit < 512; bit += 7) {
		const flip = (bytes: Uint8Array) => bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
		const spoiled: SignedMessage[] = [{...item, signature: flip(Uint8Array.from(item.signature))}];
		if (bit < 320) spoiled.push({...item, message: flip(item.message)});
		if (bit < 256) spoiled.push({...item, publicKey: flip(item.publicKey)});
		for (const {message, signature, publicKey} of spoiled) {
			t.false(verify({message, signature, publicKey}));
			t.false(nacl.sign.detached.verify(message, signature, publicKey));
		}
	}
});

test('wrong lengths are false and no exception', (t) => {
	const item = makeItem('lengths');
	for (const length of [0, 1, 31, 33, 63, 65, 1000]) {
		t.false(verify({...item, signature: new Uint8Array(length)}));
		t.false(verify({...item, publicKey: new Uint8Array(length)}));
		t.is(findPublicKeyFault(new Uint8Array(length)), 'length');
	}
	t.throws(() => privateKeyOf(new Uint8Array(31)), {instanceOf: TypeError});
	t.throws(() => generateSeed(() => new Uint8Array(16)), {instanceOf: TypeError});
	t.is(generateSeed().length, 32);
});

test('B5: keys of small order and keys that are not canonical are refused, though node would take them', (t) => {
	const order8 = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05';
	const order8Other = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a';
	const small = [
		...[0n, 1n, fieldPrime - 1n, fieldPrime, fieldPrime + 1n].map(littleEndian),
		...[order8, order8Other].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
	];
	// With the identity as key, this signature holds for any message.
	const signature = Uint8Array.from([...littleEndian(1n), ...littleEndian(0n)]);
	for (const publicKey of [...small, ...small.map(withSign)]) {
		t.is(findPublicKeyFault(publicKey), 'small_order', encodeBase64(publicKey));
		for (const message of [new Uint8Array(), Buffer.from('anything')]) t.false(verify({message, signature, publicKey}));
	}
	for (let offset = 2n; offset < 19n; offset += 1n) {
		const publicKey = littleEndian(fieldPrime + offset);
		t.is(findPublicKeyFault(publicKey), 'non_canonical');
		t.is(findPublicKeyFault(withSign(publicKey)), 'non_canonical');
		t.false(verify({message: new Uint8Array(), signature, publicKey}));
	}
	t.is(findPublicKeyFault(littleEndian(fieldPrime - 2n)), undefined);
	t.is(findPublicKeyFault(makeItem('fine').publicKey), undefined);
});

test('B5: a signature has one form only, and its first half is of no small order', (t) => {
	const item = makeItem('malleable');
	const second = fromLittleEndian(item.signature.slice(32)) + groupOrder;
	const other = Uint8Array.from([...item.signature.slice(0, 32), ...littleEndian(second)]);
	t.true(nacl.sign.detached.verify(item.message, other, item.publicKey), 'the reference is lax here');
	t.false(verify({...item, signature: other}));
	// R the identity and s = 0 would hold wherever the challenge is a multiple of the order.
	t.false(verify({...item, signature: Uint8Array.from([...littleEndian(1n), ...littleEndian(0n)])}));
});

test('B6: a key whose private half is known to strangers is refused', (t) => {
	const publicKey = decodeBase64('l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og') ?? new Uint8Array();
	t.is(findPublicKeyFault(publicKey), 'leaked');
});

test('a batch is verified in its order, whatever is broken in it', async (t) => {
	const items = Array.from({length: 200}, (_, index) => {
		const item = makeItem(`batch ${index}`, index);
		if (index % 5 === 1) return {...item, signature: new Uint8Array(64)};
		if (index % 5 === 2) return {...item, publicKey: littleEndian(1n)};
		if (index % 5 === 3) return {...item, signature: new Uint8Array(3)};
		return item;
	});
	const results = await verifyMany(items);
	t.deepEqual(
		results,
		items.map((_, index) => index % 5 === 0 || index % 5 === 4),
	);
	t.deepEqual(results, items.map(verify));
	t.deepEqual(await verifyMany([]), []);
});
