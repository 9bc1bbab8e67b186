/** JSON that nobody sends in good faith: section A of the list of threats. */

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** Bodies that no endpoint may take, by the row of the list. */
export const brokenBodies: Readonly<Record<string, readonly (string | Buffer<ArrayBuffer>)[]>> = {
	A1: ['{"a":NaN}', '{"a":-Infinity}', '{"a":1e400}', '{"a":[-1e999]}'],
	A6: [
		'{"a":"\\ud800"}',
		'{"\\udfff":1}',
		Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
		// A surrogate that was encoded as if it were a character.
		Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
		'\u{FEFF}{}',
		'{"a":"\u0000"}',
	],
	A7: [nested(1_000), `{"a":${nested(10_000)}}`, nested(45_000), '{"a":'.repeat(9_000)],
	A9: ['[]', '"text"', '5', 'null', 'true', '{"a"', '{}{}', '', '{"a":1,}'],
};

/** Values that stand where something else should. */
const oddValues: readonly string[] = [
	'null',
	'true',
	'-1',
	'1.5',
	'1e2',
	'-0',
	'9007199254740992',
	'-9223372036854775808',
	'1e400',
	'""',
	'"\\u0000"',
	'"\\ud800"',
	'"\\uff5e\\ud83d\\ude00"',
	'"__proto__"',
	'"../../../etc/passwd"',
	'"%00%ff\\r\\n"',
	`"${'é'.repeat(200)}"`,
	`"${'x'.repeat(66_000)}"`,
	'[]',
	'[null]',
	'{}',
	'{"__proto__":{"a":1},"constructor":{"prototype":{}}}',
	'{"0":0,"1":1,"length":2}',
	`{"":${nested(90)}}`,
	nested(200),
];

const placeholder = '\u{E000}';

/** Writes a body once for each place and each odd value in it, and once for each set of odd keys beside its own. */
export function* mutationsOf(body: unknown): Generator<string> {
	for (const place of placesIn(body)) {
		const text = JSON.stringify(replaceAt(body, place));
		for (const value of oddValues) yield text.replace(`"${placeholder}"`, () => value);
	}
	const whole = JSON.stringify(body);
	if (!whole.startsWith('{')) return;
	const rest = whole === '{}' ? '}' : `,${whole.slice(1)}`;
	yield `{"__proto__":{"polluted":true}${rest}`;
	yield `{"constructor":5,"toString":null,"hasOwnProperty":1${rest}`;
	yield `{"":1,"\\u0000":2,"0":3${rest}`;
}

type Place = readonly string[];

function* placesIn(value: unknown, place: Place = []): Generator<Place> {
	if (place.length > 0) yield place;
	if (typeof value !== 'object' || value === null) return;
	for (const [key, child] of Object.entries(value)) yield* placesIn(child, [...place, key]);
}

function replaceAt(value: unknown, [key, ...rest]: Place): unknown {
	if (key === undefined) return placeholder;
	const replace = (entry: [string, unknown]): [string, unknown] =>
		entry[0] === key ? [key, replaceAt(entry[1], rest)] : entry;
	const entries = Object.entries(value as object).map(replace);
	return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}
