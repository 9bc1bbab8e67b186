import test from 'ava';
import * as fc from 'fast-check';
import {
	CanonicalJsonError,
	type CanonicalJsonFault,
	canonicalJson,
	canonicalJsonBytes,
	compareCodePoints,
	findCanonicalFault,
	LosslessNumber,
	readJson,
	sha256Base64,
} from '../../crypto/index.ts';
import {testsWithShared} from '../harness/index.ts';

interface Vectors {
	canonicalJson: {vectors: {inputText: string; canonical: string; canonicalHex: string}[]};
	eventSigning: {vectors: {derivedContentHashInput: string; signed: {hashes: {sha256: string}}}[]};
}

const specTest = testsWithShared(test, 'spec/test-vectors.json', (text): Vectors => JSON.parse(text));

const jsonValue = fc.jsonValue({maxDepth: 5, stringUnit: 'binary'}).map((value) => withSafeNumbers(value));

function withSafeNumbers(value: unknown): unknown {
	if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : Math.trunc(value % 1e15) + 0;
	if (Array.isArray(value)) return value.map(withSafeNumbers);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withSafeNumbers(child)]));
}

function nest(levels: number): unknown[] {
	let value: unknown[] = [];
	for (let level = 1; level < levels; level += 1) value = [value];
	return value;
}

function faultOf(value: unknown): CanonicalJsonFault | undefined {
	try {
		canonicalJson(value);
		return undefined;
	} catch (error) {
		if (error instanceof CanonicalJsonError) return error.fault;
		throw error;
	}
}

specTest("the specification's examples come out byte for byte", (t, {canonicalJson: {vectors}}) => {
	for (const {inputText, canonical, canonicalHex} of vectors) {
		const value: unknown = JSON.parse(inputText);
		t.is(canonicalJson(value), canonical);
		t.is(Buffer.from(canonicalJsonBytes(value)).toString('hex'), canonicalHex);
	}
});

specTest('what the specification hashes has the hash that it gives', (t, {eventSigning: {vectors}}) => {
	for (const {derivedContentHashInput, signed} of vectors) {
		t.is(sha256Base64(canonicalJson(JSON.parse(derivedContentHashInput))), signed.hashes.sha256);
	}
});

test('A5: keys are sorted by code point, also where UTF-16 units sort otherwise', (t) => {
	t.is(canonicalJson({'\u{1f600}': 1, '\uff5e': 2, a: 3}), '{"a":3,"\uff5e":2,"\u{1f600}":1}');
	// Integer-like keys come first in JavaScript, whatever the order of insertion.
	t.is(canonicalJson({b: 1, 9: 1, 10: 1, 1: 1}), '{"1":1,"10":1,"9":1,"b":1}');
});

test('A4: a key called __proto__ is a key like any other', (t) => {
	const value: unknown = JSON.parse('{"b":1,"__proto__":{"x":1},"constructor":2}');
	t.is(canonicalJson(value), '{"__proto__":{"x":1},"b":1,"constructor":2}');
});

test('strings are escaped in the shortest way', (t) => {
	const controls = Array.from({length: 32}, (_, code) => String.fromCharCode(code)).join('');
	const escaped =
		'\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f' +
		'\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f';
	t.is(canonicalJson(controls), `"${escaped}"`);
	t.is(canonicalJson('"\\/\u007f\u2028\u2029é日\u{1f600}'), '"\\"\\\\/\u007f\u2028\u2029é日\u{1f600}"');
});

test('what has no canonical form is refused with its fault', (t) => {
	const numbers = [0.5, 2 ** 53, -(2 ** 53), Number.NaN, Number.POSITIVE_INFINITY];
	for (const value of numbers) t.is(faultOf([value]), 'number', String(value));
	for (const value of ['\ud800', 'a\udfffb', {'\udc00': 1}]) t.is(faultOf(value), 'surrogate');
	const others = [undefined, 1n, Symbol('x'), () => 1, new Map(), new Date(0), new Uint8Array(2)];
	for (const value of others) t.is(faultOf({value}), 'type', typeof value);
	t.is(faultOf(Array.from({length: 2})), 'type', 'holes are not null');
});

test('A7: nesting beyond 1,024 levels is refused, however deep', (t) => {
	t.is(canonicalJson(nest(1024)).length, 2048);
	t.is(faultOf(nest(1025)), 'depth');
	t.is(faultOf(nest(1_000_000)), 'depth');
	t.is(findCanonicalFault(nest(1_000_000)), 'depth');
});

test('numbers of old events are written as their servers hashed them', (t) => {
	// What Python's json.dumps(json.loads(raw)) gives.
	const cases = {
		'0': '0',
		'-0': '0',
		'9007199254740993': '9007199254740993',
		'-123456789012345678901234567890': '-123456789012345678901234567890',
		'1.0': '1.0',
		'-0.0': '-0.0',
		'0e5': '0.0',
		'1e2': '100.0',
		'1E+2': '100.0',
		'123.456e1': '1234.56',
		'1e15': '1000000000000000.0',
		'1e16': '1e+16',
		'123456789012345680000.0': '1.2345678901234568e+20',
		'0.0001': '0.0001',
		'0.00001': '1e-05',
		'1.5e-7': '1.5e-07',
		'5e-324': '5e-324',
		'1e-400': '0.0',
		'1.7976931348623157e308': '1.7976931348623157e+308',
		'0.1': '0.1',
		'2.50': '2.5',
	};
	for (const [raw, expected] of Object.entries(cases)) t.is(canonicalJson(new LosslessNumber(raw)), expected, raw);
	t.is(faultOf(new LosslessNumber('1e400')), 'number');
	t.is(faultOf(new LosslessNumber('-1e400')), 'number');
});

test('room versions 6 and later can tell what is not canonical by the letter', (t) => {
	const faults = ['1.0', '1e2', '-0', '9007199254740992', '-9007199254740992'].map((raw) =>
		findCanonicalFault(readJson(`{"content":{"a":[${raw}]}}`).value),
	);
	t.deepEqual(new Set(faults), new Set(['number'] as const));
	t.is(findCanonicalFault(readJson('{"a":[9007199254740991,-9007199254740991,0,"",null,true,{}]}').value), undefined);
	t.is(findCanonicalFault({a: -0}), 'number');
	t.is(findCanonicalFault({a: {'\ud800': 1}}), 'surrogate');
	t.is(findCanonicalFault({a: undefined}), 'type');
});

test('what was encoded reads back the same, and encodes the same again', (t) => {
	fc.assert(
		fc.property(jsonValue, (value) => {
			const text = canonicalJson(value);
			t.deepEqual(JSON.parse(text), value);
			t.is(canonicalJson(readJson(text).value), text);
		}),
		{seed: 1, numRuns: 1000},
	);
});

test('the order of keys is that of their UTF-8 bytes', (t) => {
	const word = fc.string({unit: 'binary', maxLength: 4});
	fc.assert(
		fc.property(word, word, (left, right) => {
			const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
			t.is(Math.sign(compareCodePoints(left, right)), expected);
		}),
		{seed: 2, numRuns: 5000},
	);
	fc.assert(
		fc.property(fc.uniqueArray(word, {minLength: 0, maxLength: 50}), (keys) => {
			const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
			const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
			t.is(text, `{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
		}),
		{seed: 3, numRuns: 1000},
	);
});
