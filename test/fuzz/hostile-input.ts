import {inspect} from 'node:util';
import type {ExecutionContext} from 'ava';
import * as fc from 'fast-check';
import {isJsonObject, type JsonObject, type JsonValue, LosslessNumber} from '../../crypto/index.ts';
import {processorTime} from '../harness/processor-time.ts';

/** What is tried follows from it alone; another one tries something else. */
export const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_123);
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
/** The longest text that an amplified piece becomes. */
const LENGTH_MAX = 65_536;
const MILLISECONDS_MAX = 100;
/** How often what took too long may try again: the runtime may have had to clean up. */
const ATTEMPTS = 3;

type ErrorClass = abstract new (...parameters: never[]) => Error;

/** What is done with hostile input. */
export interface Target<Input> {
	readonly input: fc.Arbitrary<Input>;
	/** May throw the errors in `refusals`, and no others. */
	readonly act: (input: Input) => unknown;
	readonly refusals?: readonly ErrorClass[];
}

/** Lets something take much hostile input, and fails where it throws what it should not or takes long. */
export async function expectTame<Input>(
	t: ExecutionContext,
	{input, act, refusals = []}: Target<Input>,
): Promise<void> {
	t.log(`FUZZ_SEED=${SEED}`);
	let refused = 0;
	const property = fc.asyncProperty(input, async (value) => {
		for (let attempt = 1; ; attempt += 1) {
			const before = processorTime();
			try {
				await act(value);
			} catch (error) {
				if (!refusals.some((refusal) => error instanceof refusal)) throw error;
				refused += 1;
			}
			const took = processorTime() - before;
			if (took <= MILLISECONDS_MAX) return;
			if (attempt === ATTEMPTS) throw new Error(`Took ${took} ms of a processor`);
		}
	});
	const found = await fc.check(property, {seed: SEED, numRuns: RUNS});
	t.false(found.failed, describe(found));
	// What is never refused although it may be was not tried in earnest.
	t.true(refusals.length === 0 || refused > 0);
}

/** Says what failed, in few lines even where the input is long. */
function describe<Input>({seed, counterexamplePath, counterexample, errorInstance}: fc.RunDetails<Input>): string {
	const error = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
	const input = inspect(counterexample, {depth: 12, maxStringLength: 1_000, maxArrayLength: 100, breakLength: 120});
	return `FUZZ_SEED=${seed}, path ${counterexamplePath}: ${error}\nwith ${input.slice(0, 4_000)}`;
}

/** Pieces that readers of texts have stumbled over. */
const fragments = [
	'',
	'\0',
	'\r\n',
	'\u2028',
	'\uD800',
	'\uFEFF',
	'İ',
	'ß',
	'😀',
	'%',
	'%00',
	'%c3%28',
	'%2e%2e%2f',
	'../',
	'\\',
	'\\\\',
	'"',
	"'",
	',',
	';',
	'; ',
	'=',
	':',
	'::',
	'*',
	'?',
	'*?',
	'a?',
	'[',
	']',
	'{',
	'}',
	'-',
	'--',
	'_',
	' ',
	'\t',
	'a',
	'__proto__',
	'constructor',
	'9007199254740993',
	'-1',
	'1e400',
	'null',
	'$',
	'@',
	'!',
	'#',
	'.',
];

/** Where and how a sample is spoilt; places are parts of its length. */
const spoiling = fc.record({
	kind: fc.constantFrom('cut', 'insert', 'replace', 'repeat', 'swap'),
	at: fc.double({min: 0, max: 1, noNaN: true}),
	length: fc.integer({min: 0, max: 12}),
	fragment: fc.oneof(fc.constantFrom(...fragments), fc.string({unit: 'binary', maxLength: 4})),
	times: fc.oneof(fc.integer({min: 2, max: 40}), fc.constant(LENGTH_MAX)),
});
type Spoiling = typeof spoiling extends fc.Arbitrary<infer Value> ? Value : never;

function spoil(text: string, {kind, at, length, fragment, times}: Spoiling): string {
	const start = Math.floor(at * text.length);
	const [head, piece, tail] = [text.slice(0, start), text.slice(start, start + length), text.slice(start + length)];
	switch (kind) {
		case 'cut':
			return head + tail;
		case 'insert':
			return head + fragment + piece + tail;
		case 'replace':
			return head + fragment + tail;
		case 'swap':
			return head + tail + piece;
		case 'repeat': {
			const repeated = piece + fragment;
			const room = Math.max(0, LENGTH_MAX - text.length);
			return head + repeated.repeat(Math.min(times, Math.floor(room / Math.max(1, repeated.length)))) + tail;
		}
		default:
			return kind satisfies never;
	}
}

/** Gives texts at random, and valid ones that were spoilt a little; some have up to 65,536 characters. */
export function hostileText(samples: readonly string[]): fc.Arbitrary<string> {
	const spoilt = fc
		.tuple(fc.constantFrom(...samples), fc.array(spoiling, {minLength: 1, maxLength: 4}))
		.map(([sample, spoilings]) => spoilings.reduce(spoil, sample));
	return fc.oneof({arbitrary: fc.string({unit: 'binary', maxLength: 80}), weight: 1}, {arbitrary: spoilt, weight: 6});
}

/** Gives bytes at random, and those of such texts with some bytes changed. */
export function hostileBytes(samples: readonly string[]): fc.Arbitrary<Uint8Array> {
	const change = fc.tuple(fc.double({min: 0, max: 1, noNaN: true}), fc.integer({min: 0, max: 255}));
	const changed = fc
		.tuple(hostileText(samples), fc.oneof(fc.constant([]), fc.array(change, {maxLength: 3})))
		.map(([text, changes]) => {
			const bytes = Buffer.from(text);
			for (const [at, byte] of changes) bytes[Math.floor(at * bytes.length)] = byte;
			return bytes;
		});
	return fc.oneof({arbitrary: fc.uint8Array({maxLength: 64}), weight: 1}, {arbitrary: changed, weight: 6});
}

const deep = (depth: number): JsonValue => {
	let value: JsonValue = 'deep';
	for (let level = 0; level < depth; level += 1) value = [value];
	return value;
};

/** Values that stand where something else is expected. */
const strangers: readonly JsonValue[] = [
	null,
	true,
	false,
	0,
	-1,
	100,
	Number.MAX_SAFE_INTEGER,
	Number.MIN_SAFE_INTEGER,
	new LosslessNumber('9007199254740993'),
	new LosslessNumber('1.0'),
	new LosslessNumber('-0'),
	new LosslessNumber('1e400'),
	'',
	'\0',
	'100',
	' 100 ',
	'0x10',
	'@alice:a.example',
	'@:',
	'!',
	'$',
	'a.example',
	'join',
	'ban',
	'knock_restricted',
	'm.room.create',
	'm.room.member',
	'12',
	'x'.repeat(256),
	'ü'.repeat(40_000),
	[],
	[null],
	[[]],
	Array.from({length: 3_000}, (_, index) => `$${index}`),
	{},
	{'': {}},
	JSON.parse('{"__proto__": {"__proto__": 1}}') as JsonValue,
	{constructor: {prototype: 1}},
	Object.fromEntries(Array.from({length: 2_000}, (_, index) => [`@user${index}:a.example`, index])),
	deep(99),
	deep(500),
];

const replacing = fc.record({
	kind: fc.constantFrom('replace', 'remove', 'rename', 'wrap', 'move'),
	at: fc.nat({max: 1_000_000}),
	other: fc.nat({max: 1_000_000}),
	value: fc.oneof({arbitrary: fc.constantFrom(...strangers), weight: 5}, {arbitrary: anyJson(), weight: 1}),
	name: fc.constantFrom('__proto__', '', 'x', 'content', 'type', 'sender', 'room_id', 'user_id', 'state_key'),
});
type Replacing = typeof replacing extends fc.Arbitrary<infer Value> ? Value : never;

function anyJson(): fc.Arbitrary<JsonValue> {
	return fc.jsonValue({maxDepth: 3}).map((value) => value as JsonValue);
}

interface Place {
	readonly parent: JsonObject | JsonValue[];
	readonly key: string;
}

function placesIn(root: JsonValue): Place[] {
	const places: Place[] = [];
	const open = [root];
	for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
		if (!Array.isArray(parent) && !isJsonObject(parent)) continue;
		for (const [key, value] of Object.entries(parent)) {
			places.push({parent, key});
			open.push(value);
		}
	}
	return places;
}

function replace(root: JsonValue, {kind, at, other, value: stranger, name}: Replacing): JsonValue {
	const value = copy(stranger);
	const places = placesIn(root);
	const place = places[at % Math.max(1, places.length)];
	if (place === undefined || at % 97 === 0) return value;
	const {key} = place;
	const parent = place.parent as JsonObject;
	if (kind === 'replace') define(parent, key, value);
	if (kind === 'remove') remove(place.parent, key);
	if (kind === 'rename') define(parent, name, parent[key] ?? null);
	if (kind === 'wrap') define(parent, key, at % 2 === 0 ? [parent[key] ?? null] : {[name]: parent[key] ?? null});
	if (kind === 'move') {
		const source = places[other % places.length];
		// A value within itself would have no end.
		if (source !== undefined) define(parent, key, copy((source.parent as JsonObject)[source.key] ?? null));
	}
	return root;
}

function remove(parent: JsonObject | JsonValue[], key: string): void {
	if (Array.isArray(parent)) parent.splice(Number(key), 1);
	else delete parent[key];
}

/** Sets a member of any name, `__proto__` too. */
function define(parent: JsonObject, key: string, value: JsonValue): void {
	Object.defineProperty(parent, key, {value, enumerable: true, configurable: true, writable: true});
}

/** Gives valid JSON values of which some parts were replaced, removed, renamed, wrapped or put elsewhere. */
export function hostileJson(samples: readonly JsonValue[]): fc.Arbitrary<JsonValue> {
	const spoilt = fc
		.tuple(fc.constantFrom(...samples), fc.array(replacing, {minLength: 1, maxLength: 4}))
		.map(([sample, replacings]) => replacings.reduce(replace, copy(sample)));
	return fc.oneof({arbitrary: anyJson(), weight: 1}, {arbitrary: spoilt, weight: 12});
}

/** A copy; numbers that are kept as text are never changed, and need none. */
function copy(value: JsonValue): JsonValue {
	if (Array.isArray(value)) return value.map(copy);
	if (!isJsonObject(value)) return value;
	const made = Object.create(null) as JsonObject;
	for (const [key, member] of Object.entries(value)) define(made, key, copy(member));
	return made;
}
