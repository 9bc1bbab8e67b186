import test from 'ava';
import type {JsonValue, UserId} from '../../../crypto/index.ts';
import type {Pdu} from '../../../federation/rooms/index.ts';
import {type CompiledRuleset, evaluate} from '../../../server/push/index.ts';
import {compileRuleset} from '../../../server/push/evaluate.ts';
import type {PushRule, Ruleset} from '../../../server/push/rule.ts';
import {processorTime} from '../../harness/processor-time.ts';

const rulesOf = (rules: Partial<Record<keyof Ruleset, readonly Partial<PushRule>[]>>): CompiledRuleset =>
	compileRuleset({override: [], content: [], room: [], sender: [], underride: [], ...rules} as unknown as Ruleset, {
		userId: '@alice:b' as UserId,
		key: JSON.stringify(rules),
	});
const rule = (part: object): Partial<PushRule> => ({enabled: true, actions: ['notify'], ...part});

const matches = async (rules: CompiledRuleset, pdu: Partial<Record<keyof Pdu, unknown>>) =>
	(
		await evaluate(rules, {
			pdu: {type: 'm.room.message', sender: '@a:b', roomId: '!r', content: {}, ...pdu} as unknown as Pdu,
			memberCount: () => Promise.resolve(3),
			maySenderNotify: (key) => Promise.resolve(key === 'room'),
		})
	).notifies;

test('a pattern matches whole words of a body, whatever their case', async (t) => {
	const finds = (pattern: string, body: JsonValue) => matches(rulesOf({content: [rule({pattern})]}), {content: {body}});
	for (const [pattern, body, expected] of [
		['cake', 'a piece of CAKE, please', true],
		['cake', 'pancakes', false],
		['cake', 'cake', true],
		['cake', 'cupcake cake', true],
		['cake*lie', 'the cake is a lie!', true],
		['cake*lie', 'the cake is a lier', false],
		['c?ke', 'a coke', true],
		['c?ke', 'a cooke', false],
		['*cake', 'pancake', true],
		['cake*', 'cakes', true],
		['ca.e', 'cake', false],
		['', 'cake', false],
		['über', 'das ist über alles', true],
		['cake', 5, false],
		['a*a*a*a*a*a*a*a*b', 'a'.repeat(2_000), false],
	] as const) {
		t.is(await finds(pattern, body), expected, `${pattern} in ${String(body).slice(0, 40)}`);
	}
});

test('F9: rules made to be slow cost no more than a moment, and those that name words are all asked', async (t) => {
	const body = 'a'.repeat(60_000);
	const millisecondsOf = async (rules: CompiledRuleset, pdu: Partial<Record<keyof Pdu, unknown>>) => {
		const start = processorTime();
		t.false(await matches(rules, pdu));
		return processorTime() - start;
	};
	const patterns = {
		'begins with any character': `${'?'.repeat(400)}b`,
		'is found everywhere, but never as a word': 'a'.repeat(400),
		'has any characters in it': 'a?'.repeat(200),
		'is short': '?b',
		'has any text in it again and again': `${'*a'.repeat(25)}b`,
		'has nothing else than any text': `${'*'.repeat(400)}b`,
	};
	for (const [name, pattern] of Object.entries(patterns)) {
		const content = Array.from({length: 500}, () => rule({pattern}));
		t.true((await millisecondsOf(rulesOf({content}), {content: {body}})) < 400, name);
		const elsewhere = {kind: 'event_match', key: 'content.other', pattern: `*?${pattern}c`};
		const override = Array.from({length: 500}, () => rule({conditions: [elsewhere]}));
		t.true((await millisecondsOf(rulesOf({override}), {content: {other: body}})) < 400, `${name}, elsewhere`);
	}
	const contains = {kind: 'event_property_contains', key: 'content.list', value: 'none'};
	const override = Array.from({length: 4_000}, () => rule({conditions: [contains]}));
	const list = Array.from({length: 20_000}, () => 'nonf');
	t.true((await millisecondsOf(rulesOf({override}), {content: {list}})) < 400, 'a list');

	const words = Array.from({length: 500}, (_, index) => rule({pattern: `word${index}`}));
	const rules = rulesOf({content: [...words, rule({pattern: 'last'})]});
	t.true(await matches(rules, {content: {body: `${'lasting words '.repeat(4_600)} last`}}));
});

test('conditions hold as the specification says, and those it does not know never do', async (t) => {
	const holds = (condition: object, pdu: Partial<Record<keyof Pdu, unknown>> = {}) =>
		matches(rulesOf({override: [rule({conditions: [condition]})]}), pdu);
	const content = {a: {'b.c': ['x', 1, null]}, d: true, n: null};
	for (const [condition, expected] of [
		[{kind: 'event_match', key: 'sender', pattern: '@A:*'}, true],
		[{kind: 'event_match', key: 'state_key', pattern: ''}, false],
		[{kind: 'event_match', key: 'content.d', pattern: 'true'}, false],
		[{kind: 'event_property_is', key: 'content.d', value: true}, true],
		[{kind: 'event_property_is', key: 'content.d', value: 'true'}, false],
		[{kind: 'event_property_is', key: 'content.n', value: null}, true],
		[{kind: 'event_property_is', key: 'content.none', value: null}, false],
		[{kind: 'event_property_contains', key: String.raw`content.a.b\.c`, value: 1}, true],
		[{kind: 'event_property_contains', key: String.raw`content.a.b\.c`, value: '1'}, false],
		[{kind: 'event_property_contains', key: 'content.d', value: true}, false],
		[{kind: 'room_member_count', is: '3'}, true],
		[{kind: 'room_member_count', is: '<3'}, false],
		[{kind: 'room_member_count', is: '>=3'}, true],
		[{kind: 'room_member_count', is: '=3'}, false],
		[{kind: 'sender_notification_permission', key: 'room'}, true],
		[{kind: 'sender_notification_permission', key: 'other'}, false],
		[{kind: 'contains_display_name'}, false],
		[{kind: 5}, false],
		[{}, false],
		[{kind: 'event_match', key: 'content.constructor.name', pattern: '*'}, false],
	] as const) {
		t.is(await holds(condition, {content}), expected, JSON.stringify(condition));
	}
});

test('the first rule that matches decides, kind by kind', async (t) => {
	const quiet = {enabled: true, actions: []};
	t.false(await matches(rulesOf({override: [{...quiet, conditions: []}], underride: [rule({conditions: []})]}), {}));
	t.true(
		await matches(
			rulesOf({override: [{...quiet, enabled: false, conditions: []}], underride: [rule({conditions: []})]}),
			{},
		),
	);
	t.false(await matches(rulesOf({room: [{...quiet, rule_id: '!r'}], sender: [rule({rule_id: '@a:b'})]}), {}));
	t.true(await matches(rulesOf({room: [{...quiet, rule_id: '!other'}], sender: [rule({rule_id: '@a:b'})]}), {}));
	t.false(await matches(rulesOf({}), {}));
});

test('what rules say the same is asked once of an event, and again for whom it mentions and for other rules', async (t) => {
	let asked = 0;
	const pdu = {
		type: 'm.room.message',
		sender: '@a:b',
		roomId: '!r',
		content: {'m.mentions': {user_ids: ['@bob:b']}},
	} as unknown as Pdu;
	const event = {
		pdu,
		memberCount: () => Promise.resolve((asked += 1)),
		maySenderNotify: () => Promise.resolve(false),
	};
	const rules = rulesOf({underride: [rule({conditions: [{kind: 'room_member_count', is: '>0'}]})]});
	for (let user = 0; user < 100; user += 1) {
		t.true((await evaluate({...rules, userId: `@u${user}:b` as UserId}, event)).notifies);
	}
	t.is(asked, 1);
	await evaluate({...rules, userId: '@bob:b' as UserId}, event);
	t.is(asked, 2);
	await evaluate({...rules, key: 'other'}, event);
	t.is(asked, 3);
});
