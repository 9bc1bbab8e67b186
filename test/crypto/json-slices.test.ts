import test from 'ava';
import fc from 'fast-check';
import {readClientJson, sliceMembers} from '../../crypto/index.ts';

const slice = (text: string) =>
	[...sliceMembers(text, 'messages')].map(([outer, inner]) => [outer, Object.fromEntries(inner)]);

test('the members of the members of one member are cut out as they are written', (t) => {
	const text = '{ "other": {"a": {"b": {}}}, "messages" : {"a":{ "b" : {"x": [1, {"y": "}"}]} ,"c":{}}, "d": {} } }';
	t.deepEqual(slice(text), [
		['a', {b: '{"x": [1, {"y": "}"}]}', c: '{}'}],
		['d', {}],
	]);
	t.deepEqual(slice('{"messages":{}}'), []);
	t.deepEqual(slice('{"massages":{"a":{"b":{}}}}'), []);
});

test('of keys that occur twice the last one counts, as for the parser', (t) => {
	t.deepEqual(slice('{"messages":{"a":{"b":{}}},"messages":{"a":{"c":{}}}}'), [['a', {c: '{}'}]]);
	t.deepEqual(slice('{"messages":[{"a":{"b":{}}}],"messages":{"a":{"c":{}}}}'), [['a', {c: '{}'}]]);
	t.deepEqual(slice('{"messages":{"a":[{"b":{}}, 2],"a":{"c":{},"c":{"d":1}}}}'), [['a', {c: '{"d":1}'}]]);
	t.deepEqual(slice('{"messages":{"a":{"messages":{}}},"x":{"a":{"b":{}}}}'), [['a', {messages: '{}'}]]);
});

test('keys may be written with escapes, and any key is one like the others', (t) => {
	t.deepEqual(slice('{"m\\u0065ssages":{"\\"a\\\\":{"__proto__":{"\\u007d":"\\\\"}}}}'), [
		['"a\\', Object.fromEntries([['__proto__', '{"\\u007d":"\\\\"}']])],
	]);
});

test('what is cut out says what the parser reads, however it is written', (t) => {
	const contents = fc.dictionary(fc.string(), fc.jsonValue({maxDepth: 3}) as fc.Arbitrary<unknown>);
	const messages = fc.dictionary(fc.string(), fc.dictionary(fc.string(), contents));
	const blanks = fc.constantFrom('', ' ', '\n\t');
	const check = (body: unknown, blank: string) => {
		const text = JSON.stringify(body, null, blank);
		const read = readClientJson(text) as {messages: Record<string, Record<string, unknown>>};
		const found = sliceMembers(text, 'messages');
		t.deepEqual([...found.keys()].toSorted(), Object.keys(read.messages).toSorted());
		for (const [outer, inner] of Object.entries(read.messages)) {
			const texts = found.get(outer)!;
			t.deepEqual([...texts.keys()].toSorted(), Object.keys(inner).toSorted());
			for (const [key, value] of Object.entries(inner)) t.deepEqual(readClientJson(texts.get(key)!), value as never);
		}
	};
	fc.assert(fc.property(fc.record({before: fc.jsonValue(), messages, after: contents}), blanks, check), {numRuns: 200});
});
