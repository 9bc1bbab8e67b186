import test from 'ava';
import * as fc from 'fast-check';
import {
	decodeBase64,
	decodeBase64Url,
	encodeBase64,
	encodeBase64Url,
	isBase64Of,
	sha256,
	sha256Base64,
	sha256Base64Url,
} from '../../crypto/index.ts';
import {testsWithShared} from '../harness/index.ts';

interface Vectors {
	unpaddedBase64: {vectors: {utf8: string; base64: string}[]};
	identityLookupHash: {vectors: {input: string; hash: string}[]};
}

const specTest = testsWithShared(test, 'spec/test-vectors.json', (text): Vectors => JSON.parse(text));

specTest("the specification's examples hold both ways", (t, {unpaddedBase64: {vectors}}) => {
	for (const {utf8, base64} of vectors) {
		t.is(encodeBase64(Buffer.from(utf8)), base64);
		t.deepEqual(decodeBase64(base64), Buffer.from(utf8));
	}
});

specTest("the specification's SHA-256 examples hold", (t, {identityLookupHash: {vectors}}) => {
	for (const {input, hash} of vectors) t.is(sha256Base64Url(input), hash);
});

test('a hash is the same of a string and of its bytes, in all three forms', (t) => {
	const [text, bytes] = ['日本', Buffer.from('日本')];
	t.deepEqual(sha256(text), sha256(bytes));
	t.is(sha256Base64(text), encodeBase64(sha256(bytes)));
	t.is(sha256Base64Url(text), encodeBase64Url(sha256(bytes)));
	t.is(sha256('abc').length, 32);
	t.is(Buffer.from(sha256('abc')).toString('hex').slice(0, 16), 'ba7816bf8f01cfea');
});

test('A10: only what an encoder would have written is decoded', (t) => {
	const hostile = [
		'Zm 9v',
		'Zm9v\n',
		' Zm9v',
		'Zm9v====',
		'Zg==',
		'Zm8=',
		'Z',
		'Zm9vY',
		'Zh',
		'Zm9',
		'=',
		'\0',
		'Zm9v\u00e9',
	];
	for (const text of hostile) {
		t.is(decodeBase64(text), undefined, text);
		t.is(decodeBase64Url(text), undefined, text);
	}
	t.is(decodeBase64('-_-_'), undefined);
	t.is(decodeBase64Url('+/+/'), undefined);
	t.deepEqual(decodeBase64('+/+/'), decodeBase64Url('-_-_'));
});

test('padding and trailing bits are forgiven only to those who ask', (t) => {
	t.deepEqual(decodeBase64('Zg==', {padding: true}), Buffer.from('f'));
	t.deepEqual(decodeBase64('Zm8=', {padding: true}), Buffer.from('fo'));
	t.deepEqual(decodeBase64('Zg', {padding: true}), Buffer.from('f'));
	for (const text of ['Zg=', 'Zm9v=', 'Zh==', 'Zg===', '====', 'Z==='])
		t.is(decodeBase64(text, {padding: true}), undefined, text);
	t.deepEqual(decodeBase64('Zh', {trailingBits: true}), Buffer.from('f'));
	t.deepEqual(decodeBase64('Zh==', {padding: true, trailingBits: true}), Buffer.from('f'));
	for (const text of ['Z ', 'Z-', 'Z', 'Zm9vY']) t.is(decodeBase64(text, {trailingBits: true}), undefined, text);
});

test('bytes come back from both alphabets, and a view encodes only its own bytes', (t) => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 100}), (bytes) => {
			t.deepEqual(decodeBase64(encodeBase64(bytes)), Buffer.from(bytes));
			t.deepEqual(decodeBase64Url(encodeBase64Url(bytes)), Buffer.from(bytes));
		}),
		{seed: 1, numRuns: 500},
	);
	t.is(encodeBase64(new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3)), encodeBase64(new Uint8Array([2, 3])));
});

test('a text is base64 of so many bytes exactly where decoding gives them', (t) => {
	const written = fc.uint8Array({maxLength: 40}).map((bytes) => Buffer.from(bytes).toString('base64'));
	const text = fc.oneof(
		written,
		written.map((padded) => padded.replaceAll('=', '')),
		written.map((padded) => padded.replaceAll('=', '').replace(/.$/u, 'B')),
		fc.stringMatching(/^[A-Za-z0-9+/=_ é-]{0,8}$/),
	);
	const check = (value: string, size: number, padding: boolean) => {
		for (const sizeBytes of [size, decodeBase64(value, {padding})?.length ?? size]) {
			t.is(isBase64Of(value, sizeBytes, {padding}), decodeBase64(value, {padding})?.length === sizeBytes, value);
		}
	};
	fc.assert(fc.property(text, fc.nat(40), fc.boolean(), check), {numRuns: 2_000});
});
