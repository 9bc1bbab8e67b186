import test from 'ava';
import * as fc from 'fast-check';
import {
	canonicalJson,
	isJsonObject,
	type JsonFault,
	type JsonReading,
	JsonSyntaxError,
	type JsonValue,
	LosslessNumber,
	readClientJson,
	readJson,
	readStrictJson,
} from '../../crypto/index.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

const spoiled = (...bytes: number[]) => Uint8Array.from([0x22, 0xc3, 0xa9, ...bytes, 0x22]);

const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

const wrap = (inner: string) => `${'['.repeat(600)}${inner}${']'.repeat(600)}`;

const repeat = (count: number) => `[${Array.from({length: count}, () => '{"a":1,"a":1}').join()}]`;

function faultOf(read: () => unknown): {fault: JsonFault; offset: number | undefined} | undefined {
	try {
		read();
		return undefined;
	} catch (error) {
		if (error instanceof JsonSyntaxError) return {fault: error.fault, offset: error.offset};
		throw error;
	}
}

/** What a reading comes to, in a form that `deepEqual` compares by content alone. */
function plain(value: JsonValue): unknown {
	if (value instanceof LosslessNumber) return `number ${value.raw}`;
	if (Array.isArray(value)) return value.map(plain);
	if (typeof value !== 'object' || value === null) return value;
	return new Map(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

function memberMap(value: JsonValue): Map<string, JsonValue> {
	return new Map(isJsonObject(value) ? Object.entries(value) : []);
}

function defectsOf({defects}: JsonReading): string[] {
	return defects.map(({path, reason}) => `${reason} ${path.join('/')}`);
}

test('integers that a double holds become numbers, all other numbers keep their characters', (t) => {
	const text = '[0,1,-1,9007199254740991,-9007199254740991,1.0,1e2,1E-2,-0,-0.0,9007199254740992,-9223372036854775808]';
	t.deepEqual(plain(readJson(bytesOf(text)).value), [
		0,
		1,
		-1,
		9_007_199_254_740_991,
		-9_007_199_254_740_991,
		'number 1.0',
		'number 1e2',
		'number 1E-2',
		'number -0',
		'number -0.0',
		'number 9007199254740992',
		'number -9223372036854775808',
	]);
});

test('A1: NaN, Infinity and 1e400 are refused, the last one not before it is encoded in old rooms', (t) => {
	for (const word of ['NaN', 'Infinity', '-Infinity', 'nan', '+1', '.5', '1.', '1e', '0x1', '01', '-', '--1']) {
		t.is(faultOf(() => readJson(bytesOf(`{"a":${word}}`)))?.fault, 'syntax', word);
		t.is(faultOf(() => readClientJson(bytesOf(`{"a":${word}}`)))?.fault, 'syntax', word);
	}
	for (const body of ['1e400', '{"a":[-1e400]}']) {
		for (const numbers of ['plain', 'lossless'] as const) {
			t.deepEqual(
				faultOf(() => readClientJson(bytesOf(body), {numbers})),
				{fault: 'number_range', offset: undefined},
			);
		}
		t.throws(() => canonicalJson(readJson(bytesOf(body)).value), {name: 'CanonicalJsonError'});
	}
});

test('A2: 1.0, 1e2 and -0 can be told from integers', (t) => {
	for (const raw of ['1.0', '1e2', '-0', '0.0', '1E0']) {
		t.deepEqual(plain(readJson(bytesOf(raw)).value), `number ${raw}`);
		t.deepEqual(plain(readClientJson(bytesOf(raw), {numbers: 'lossless'})), `number ${raw}`);
		t.is(readClientJson(bytesOf(raw)), Number(raw));
	}
});

test('A3: integers from 2^53 on are never rounded in silence', (t) => {
	for (const raw of ['9007199254740992', '9007199254740993', '9223372036854775808', '-9007199254740992']) {
		t.deepEqual(plain(readJson(bytesOf(`[${raw}]`)).value), [`number ${raw}`]);
		t.throws(() => canonicalJson(readClientJson(bytesOf(`[${raw}]`))), {name: 'CanonicalJsonError'});
	}
	t.is(readJson(bytesOf('9007199254740991')).value, 2 ** 53 - 1);
});

test('A4: a duplicate key is a defect of its object only, and the last value counts', (t) => {
	const body = '{"pdus":[{"type":"a","type":"b"},{"type":"c"},{"x":{"y":[0,{"k":{},"\\u006b":1}]}}],"pdus":[7]}';
	const reading = readJson(bytesOf(body));
	t.deepEqual(defectsOf(reading), ['duplicate_key pdus/0/type', 'duplicate_key pdus/2/x/y/1/k', 'duplicate_key pdus']);
	t.deepEqual(plain(reading.value), new Map([['pdus', [7]]]));
	t.deepEqual(
		faultOf(() => readStrictJson(bytesOf(body))),
		{fault: 'duplicate_key', offset: undefined},
	);
	t.deepEqual(
		plain(readClientJson(bytesOf('{"a":1,"b":0,"a":2}'))),
		new Map([
			['a', 2],
			['b', 0],
		]),
	);
});

test('A4: __proto__, constructor and integer-like keys are ordinary keys of objects without a prototype', (t) => {
	const body = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}},"10":1,"9":2,"toString":3}';
	// With a fraction the thorough parser reads it, without one the engine's own.
	for (const text of [body, body.replace('3}', '3.5}')]) {
		for (const value of [readJson(bytesOf(text)).value, readClientJson(bytesOf(text))]) {
			t.is(Object.getPrototypeOf(value), null);
			const members = memberMap(value);
			t.deepEqual([...members.keys()].toSorted(), ['10', '9', '__proto__', 'constructor', 'toString']);
			t.is(canonicalJson(members.get('constructor')), '{"prototype":{}}');
			t.false('isAdmin' in Object.fromEntries(members));
		}
	}
	t.false('isAdmin' in {});
});

test('A6: invalid UTF-8 and a byte order mark are refused with their place', (t) => {
	const broken = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3], [0x80]];
	for (const bytes of broken) {
		t.deepEqual(
			faultOf(() => readJson(spoiled(...bytes))),
			{fault: 'utf8', offset: 3},
			bytes.join(),
		);
		t.is(faultOf(() => readClientJson(spoiled(...bytes)))?.fault, 'utf8', bytes.join());
	}
	const marked = Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]);
	t.deepEqual(
		faultOf(() => readJson(marked)),
		{fault: 'byte_order_mark', offset: 0},
	);
	t.deepEqual(
		faultOf(() => readClientJson(marked)),
		{fault: 'byte_order_mark', offset: 0},
	);
	t.is(faultOf(() => readJson('"\ud800"'))?.fault, 'lone_surrogate');
	t.is(readJson(bytesOf('"\ufeff\ufffd"')).value, '\ufeff\ufffd', 'inside of strings both are characters');
});

test('A6: a lone surrogate costs a server one item, and a client its request', (t) => {
	const body = '{"pdus":[{"a":"\\ud83d\\ude00"},{"a":["x\\uD800y"]},{"\\udc00":1},"\\ud800\\ud800\\udc00"]}';
	const reading = readJson(bytesOf(body));
	t.deepEqual(defectsOf(reading), [
		'lone_surrogate pdus/1/a/0',
		'lone_surrogate pdus/2/\ufffd',
		'lone_surrogate pdus/3',
	]);
	t.is(canonicalJson(reading.value).isWellFormed(), true, 'nothing ill-formed is handed on');
	t.is(faultOf(() => readStrictJson(bytesOf(body)))?.fault, 'lone_surrogate');
	for (const text of [
		'"\\ud800"',
		'"\\udfff"',
		'"\\udc00\\ud800"',
		'"\\ud800\\u0041"',
		'{"\\uDBFF":1}',
		'"\\\\\\ud800"',
	]) {
		t.is(faultOf(() => readClientJson(bytesOf(text)))?.fault, 'lone_surrogate', text);
	}
	t.is(readClientJson(bytesOf('"\\\\ud800"')), '\\ud800', 'an escaped reverse solidus starts no escape');
	t.is(readClientJson(bytesOf('"\\uD83D\\uDE00"')), '\u{1f600}');
});

test('A6: NUL comes through as an escape and is refused as a byte', (t) => {
	for (const read of [
		(text: string) => readJson(bytesOf(text)).value,
		(text: string) => readClientJson(bytesOf(text)),
	]) {
		t.is(read('"a\\u0000b"'), 'a\0b');
		t.is(canonicalJson(read('{"\\u0000":"\\u0000"}')), '{"\\u0000":"\\u0000"}');
		for (const text of ['"a\0b"', '\0{}', '{}\0', '{"a":\0 1}', '"\n"', '"\u001f"']) {
			t.is(faultOf(() => read(text))?.fault, 'syntax', JSON.stringify(text));
		}
	}
});

test('A7: nesting beyond the limit costs one item and no stack, up to a million levels and beyond', (t) => {
	t.deepEqual(readJson(bytesOf(nest(512))).defects, []);
	const reading = readJson(bytesOf(`{"pdus":[${nest(510)},${nest(511)},${'{"a":'.repeat(600)}1${'}'.repeat(600)},5]}`));
	t.deepEqual(
		reading.defects.map(({path, reason}) => [reason, path.length, path[1]]),
		[
			['depth', 512, 1],
			['depth', 512, 2],
		],
	);
	t.regex(canonicalJson(reading.value), /,5\]\}$/);
	for (const levels of [1000, 10_000, 100_000, 1_000_000]) {
		t.is(readJson(bytesOf(nest(levels))).defects.length, 1);
		t.is(faultOf(() => readStrictJson(bytesOf(nest(levels))))?.fault, 'depth');
		t.is(faultOf(() => readClientJson(bytesOf(nest(levels))))?.fault, 'depth');
		t.is(faultOf(() => readJson(bytesOf('['.repeat(levels))))?.fault, 'syntax');
		t.is(faultOf(() => readJson(bytesOf('{"a":'.repeat(levels))))?.fault, 'syntax');
	}
	t.is(faultOf(() => readJson(bytesOf(nest(1_000_001))))?.fault, 'depth', 'here the whole body is refused');
	t.is(
		faultOf(() => readClientJson(bytesOf(nest(100)))),
		undefined,
	);
	t.is(faultOf(() => readClientJson(bytesOf(nest(101))))?.fault, 'depth');
	t.is(faultOf(() => readClientJson(bytesOf(nest(3)), {depthMax: 2}))?.fault, 'depth');
});

test('what lies too deep is checked for its grammar all the same', (t) => {
	t.is(readJson(bytesOf(wrap('{"a":{"a":1,"a":1.5},"b":"\\ud800"},null'))).defects.length, 1);
	for (const inner of ['{"a"}', '1 2', '{"a":1,}', '"', 'tru', '01']) {
		t.is(faultOf(() => readJson(bytesOf(wrap(inner))))?.fault, 'syntax', inner);
	}
});

test('bad syntax is refused with the number of bytes before it', (t) => {
	const cases: [string, number][] = [
		['', 0],
		['  ', 2],
		['{', 1],
		['{"a"}', 4],
		['{"a":}', 5],
		['{"a":1,}', 7],
		['{a:1}', 1],
		['{"é":1 "b":2}', 8],
		['[1,]', 3],
		['[1 2]', 3],
		['[1}', 2],
		['{} x', 3],
		['{}{}', 2],
		["'a'", 0],
		['"a', 0],
		['"\\x"', 0],
		['"\\u12g4"', 0],
		['[tru]', 1],
		['nul', 0],
		['/* */1', 0],
		['1\u00a0', 1],
		['[1.]', 2],
	];
	for (const [text, offset] of cases)
		t.deepEqual(
			faultOf(() => readJson(bytesOf(text))),
			{fault: 'syntax', offset},
			text,
		);
	for (const [text] of cases) t.is(faultOf(() => readClientJson(bytesOf(text)))?.fault, 'syntax', text);
});

test('an error never repeats what was read', (t) => {
	const error = t.throws(() => readJson(bytesOf('{"password":"hunter2" "x"}')));
	t.notRegex(error?.message ?? '', /hunter2|password/);
});

test('a body with more than 1,000 defects is refused whole', (t) => {
	t.is(readJson(bytesOf(repeat(1000))).defects.length, 1000);
	t.is(faultOf(() => readJson(bytesOf(repeat(1001))))?.fault, 'defects');
});

test('a view of a larger buffer is read within its bounds', (t) => {
	t.deepEqual(readJson(bytesOf('xx[1]xx').subarray(2, 5)).value, [1]);
});

test('both parsers and JSON.parse agree on what is free of risks', (t) => {
	const safe = fc
		.json({maxDepth: 5, stringUnit: 'binary', noUnicodeString: false})
		.filter((text) => !/-0|\d[.eE]|\d{16}/.test(text));
	fc.assert(
		fc.property(safe, (text) => {
			const expected: JsonValue = JSON.parse(text);
			const reading = readJson(bytesOf(text));
			t.deepEqual(reading.defects, []);
			t.deepEqual(plain(reading.value), plain(expected));
			t.deepEqual(plain(readClientJson(bytesOf(text))), plain(expected));
			// The fraction beside it makes the thorough parser read the same text.
			t.deepEqual(plain(readJson(bytesOf(`[ ${text} ,0.5]`)).value), plain([expected, new LosslessNumber('0.5')]));
		}),
		{seed: 1, numRuns: 1500},
	);
});

test('whatever the bytes, the answer is a value or a typed error, and agrees with JSON.parse on which', (t) => {
	const marks = [
		'{',
		'}',
		'[',
		']',
		',',
		':',
		'"',
		'\\',
		'\\u',
		'd83d',
		'\\ud800',
		'\\udc00',
		'"a"',
		'"a":',
		'1',
		'-',
		'0',
	];
	const words = ['.5', 'e9', 'true', 'null', ' ', '\n', '\0', 'é', '\u{1f600}', '"__proto__":', '123456789012345678'];
	const token = fc.constantFrom(...marks, ...words);
	const soup = fc.array(token, {maxLength: 14}).map((tokens) => bytesOf(tokens.join('')));
	const seen = {valid: 0};
	fc.assert(
		fc.property(
			fc.oneof({weight: 4, arbitrary: soup}, {weight: 1, arbitrary: fc.uint8Array({maxLength: 30})}),
			(bytes) => {
				const refused = faultOf(() => readJson(bytes));
				const strict = faultOf(() => readStrictJson(bytes));
				const client = faultOf(() => readClientJson(bytes));
				let isJson = true;
				try {
					JSON.parse(new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes));
				} catch {
					isJson = false;
				}
				t.is(refused === undefined, isJson);
				if (isJson) seen.valid += 1;
				else t.true(strict !== undefined && client !== undefined);
			},
		),
		{seed: 4, numRuns: 10_000},
	);
	t.true(seen.valid > 200, `${seen.valid} inputs were valid`);
});

/** Texts on which a careless reader would go back over what it has read. */
const hostileTexts = (size: number) => [
	'['.repeat(size),
	`"${'\\"'.repeat(size)}`,
	`"${'\\\\'.repeat(size)}`,
	`[${'"",'.repeat(size)}0.5]`,
	`{${Array.from({length: size / 8}, (_, index) => `"${index}":0`).join()},"0":1}`,
	`"${'\\ud800'.repeat(size / 8)}"`,
	'1'.repeat(size),
	`[${'1,'.repeat(size)}`,
	`${' '.repeat(size)}x`,
];

test('hostile texts are read in linear time', (t) => {
	for (const [index, text] of hostileTexts(1_000_000).entries()) {
		const startMs = performance.now();
		faultOf(() => readJson(bytesOf(text)));
		faultOf(() => readClientJson(bytesOf(text)));
		const tookMs = performance.now() - startMs;
		// A quadratic reader would take minutes; this bound only has to be far from both.
		t.true(tookMs < 10_000, `text ${index} took ${tookMs} ms`);
	}
});
