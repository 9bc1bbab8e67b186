import test from 'ava';
import * as fc from 'fast-check';
import {LosslessNumber, readClientJson} from '../../../crypto/index.ts';
import {type Infer, type Schema, SchemaError, v} from '../../../server/validation/index.ts';

const refuses = (schema: Schema<unknown>, value: unknown): SchemaError | undefined => {
	try {
		schema.check(value, '');
		return undefined;
	} catch (error) {
		return error instanceof SchemaError ? error : undefined;
	}
};

test('what is checked comes out as it went in, unknown keys and all', (t) => {
	const schema = v.object({type: v.string(), 'm.relates_to': v.optional(v.object({rel_type: v.string()}))});
	const value = {type: 'm.x', other: [1, {a: null}]};
	const checked: Infer<typeof schema> = schema.check(value, '');
	t.is<unknown, unknown>(checked, value);
});

test('each schema takes what it says and nothing else', (t) => {
	const cases: [Schema<unknown>, unknown[], unknown[]][] = [
		[v.string({min: 1, max: 3}), ['a', 'abc'], ['', 'abcd', 1, null, undefined, ['a']]],
		[v.string({pattern: /^[a-z]+$/u}), ['abc'], ['A', '']],
		[v.integer(), [0, -5, 2 ** 53 - 1], [0.5, 2 ** 53, Number.NaN, '1', new LosslessNumber('1.0'), null]],
		[v.integer({min: 1, max: 5}), [1, 5], [0, 6]],
		[v.number(), [0.5, -1], [Number.NaN, Number.POSITIVE_INFINITY, '1']],
		[v.boolean(), [true, false], [0, 'true', null]],
		[v.literal('a', 1, null), ['a', 1, null], ['b', 2, undefined, false]],
		[v.array(v.integer(), {min: 1, max: 2}), [[1], [1, 2]], [[], [1, 2, 3], ['1'], {0: 1}, null]],
		[v.record(v.integer(), {max: 1}), [{}, {a: 1}], [{a: 1, b: 2}, {a: '1'}, [], null]],
		[v.jsonObject(), [{}, Object.create(null)], [[], null, 'x', new LosslessNumber('1')]],
		[v.nullable(v.string()), ['a', null], [1, undefined]],
		[v.union(v.string(), v.array(v.string())), ['a', ['a']], [1, [1]]],
		[v.any(), [0, null, '', [], {}], [undefined]],
		[v.userId(), ['@a:b.example'], ['a:b', '@a', 5]],
		[v.roomId(), ['!a:b.example'], ['#a:b.example']],
		[v.serverName(), ['b.example:8448'], ['', 'b c', 'b.example:']],
	];
	for (const [schema, good, bad] of cases) {
		for (const value of good) {
			t.is(refuses(schema, value), undefined, `${schema.expected}: ${JSON.stringify(value)}`);
		}
		for (const value of bad) {
			t.truthy(refuses(schema, value), `${schema.expected}: ${JSON.stringify(value)}`);
		}
	}
});

test('an error names the first wrong place, and what is inside rather than what is around', (t) => {
	const schema = v.object({
		events: v.optional(v.array(v.object({content: v.record(v.integer())}))),
		filter: v.optional(v.union(v.string(), v.object({limit: v.integer()}))),
	});
	t.is(refuses(schema, {events: [{content: {}}, {content: {a: 'x'}}]})?.path, 'events[1].content.a');
	t.is(refuses(schema, {events: [{}]})?.message, "'events[0].content' is missing: expected an object");
	t.is(refuses(schema, {filter: {limit: 'x'}})?.path, 'filter.limit');
	t.is(refuses(schema, {filter: 5})?.message, "'filter' is wrong: expected a string, or an object");
});

test('an object may be strict about its keys, and keys that every object inherits are no input', (t) => {
	const strict = v.strictObject({a: v.optional(v.integer())});
	t.is(refuses(strict, {b: 1})?.code, 'unknown-key');
	t.is(refuses(strict, JSON.parse('{"__proto__": 1}'))?.code, 'unknown-key');
	t.is(refuses(v.object({constructor: v.string()}), {})?.code, 'missing');
	t.is(refuses(v.object({toString: v.optional(v.string())}), {}), undefined);
});

test('no JSON makes a check fail with anything but its own error', (t) => {
	const schema: Schema<unknown> = v.object({
		a: v.optional(v.array(v.union(v.string({max: 3}), v.record(v.boolean())))),
		b: v.nullable(v.strictObject({c: v.literal(1, 'x'), d: v.optional(v.integer({min: 0}))})),
	});
	const anything = fc.oneof(
		fc.json(),
		fc
			.record({
				a: fc.array(fc.jsonValue()),
				b: fc.option(fc.record({c: fc.constantFrom(1, 'x', null), d: fc.integer()})),
			})
			.map((value) => JSON.stringify(value)),
	);
	fc.assert(
		fc.property(anything, (text) => {
			const value = readClientJson(text);
			try {
				schema.check(value, '');
			} catch (error) {
				t.true(error instanceof SchemaError);
			}
		}),
		{seed: 42, numRuns: 500},
	);
	t.pass();
});
