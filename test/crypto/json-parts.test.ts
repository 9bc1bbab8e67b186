import test from 'ava';
import * as fc from 'fast-check';
import {
	type JsonReading,
	JsonSyntaxError,
	type JsonValue,
	LosslessNumber,
	readJson,
	readJsonInParts,
} from '../../crypto/index.ts';

const RUNS = {seed: 20_260_301, numRuns: 400};

const bytesOf = (text: string) => new TextEncoder().encode(text);
const atOnce = () => Promise.resolve();

/** What a reading comes to, in a form that `deepEqual` compares by content alone. */
function plain(value: JsonValue): unknown {
	if (value instanceof LosslessNumber) return `number ${value.raw}`;
	if (Array.isArray(value)) return value.map(plain);
	if (typeof value !== 'object' || value === null) return value;
	return [Object.getPrototypeOf(value) === null, ...Object.entries(value).map(([key, child]) => [key, plain(child)])];
}

const outcomeOf = ({value, defects}: JsonReading): unknown => ({value: plain(value), defects});

async function readBoth(text: string): Promise<readonly [whole: unknown, parts: unknown]> {
	const fault = (error: unknown): string => {
		if (error instanceof JsonSyntaxError) return 'syntax';
		throw error;
	};
	let whole: unknown;
	try {
		whole = outcomeOf(readJson(bytesOf(text)));
	} catch (error) {
		whole = fault(error);
	}
	return [whole, await readJsonInParts(bytesOf(text), atOnce).then(outcomeOf, fault)];
}

const texts: readonly string[] = [
	'{}',
	' { } ',
	'[]',
	'null',
	'"text"',
	'1.0',
	'',
	'{',
	'{"a"',
	'{"a":',
	'{"a":1',
	'{"a":[',
	'{"a":[1',
	'{"a":[1,',
	'{"a":[1,]}',
	'{"a":[,1]}',
	'{"a":[1 2]}',
	'{"a":[1}]}',
	'{"a":[{]}}',
	'{"a":[]}x',
	'{"a":[] ,"b" : [ ] }',
	'{"a":1,}',
	'{,"a":1}',
	'{"a":1 "b":2}',
	'{"a":[1.0,-0,9007199254740993]}',
	'{"a":[{"k":1,"k":2},{"k":1}]}',
	'{"a":1,"a":[2]}',
	'{"__proto__":[{"__proto__":1}],"constructor":{}}',
	'{"a":["\\ud800","\\ud83d\\ude00"],"\\ud800":1}',
	'{"a":["\\"]}","\\\\"],"b\\"":"]"}',
	`{"a":[${'['.repeat(520)}${']'.repeat(520)},1]}`,
	`{"a":${'['.repeat(511)}${']'.repeat(511)}}`,
	`{"a":[${'['.repeat(510)}${']'.repeat(510)}]}`,
	`{"a":[${Array.from({length: 1_001}, () => '{"k":1,"k":1}').join()}]}`,
	`{"a":[${Array.from({length: 1_000}, () => '{"k":1,"k":1}').join()}]}`,
];

test('what is read in parts comes to the same as what is read whole', async (t) => {
	for (const text of texts) {
		const [whole, parts] = await readBoth(text);
		t.deepEqual(parts, whole, text.slice(0, 60));
	}
});

test('any JSON, and any that something was cut out of or put into, is read alike in parts and whole', async (t) => {
	const damage = fc.record({
		place: fc.nat(500),
		length: fc.nat(3),
		put: fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', ' ', '1', '.0', '\\u0000'),
	});
	const bodies = fc.dictionary(fc.string(), fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()));
	await fc.assert(
		fc.asyncProperty(bodies, fc.option(damage), async (body, damaged) => {
			const text = JSON.stringify(body);
			const place = damaged ? damaged.place % (text.length + 1) : 0;
			const changed = damaged ? text.slice(0, place) + damaged.put + text.slice(place + damaged.length) : text;
			const [whole, parts] = await readBoth(changed);
			t.deepEqual(parts, whole);
		}),
		RUNS,
	);
});

test('C13: a long list is read with pauses, and nobody waits for all of it', async (t) => {
	const element = JSON.stringify({type: 'm.room.member', content: {membership: 'join', displayname: 'x'.repeat(200)}});
	const text = `{"odd":1.0,"state":[${Array.from({length: 8_000}, () => element).join()}]}`;
	let pauses = 0;
	const {value} = await readJsonInParts(bytesOf(text), () => {
		pauses += 1;
		return Promise.resolve();
	});
	t.true(pauses >= Math.floor(text.length / 300_000), `${pauses} pauses`);
	t.is((value as {state: unknown[]}).state.length, 8_000);
});
