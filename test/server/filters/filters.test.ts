import test from 'ava';
import fc from 'fast-check';
import type {JsonObject, RoomId} from '../../../crypto/index.ts';
import {createFilters, parseFieldPath, pickFields} from '../../../server/filters/index.ts';
import {processorTime} from '../../harness/processor-time.ts';

const SEED = 20_261_123;
const filters = createFilters({storage: undefined as never});
const read = (filter: object) => filters.readRoomEventFilter(JSON.stringify(filter));

test('stars stand for any characters, and nothing else is special', (t) => {
	const piece = fc.array(fc.constantFrom('a', 'b', '.', '?', '*', '['), {maxLength: 8}).map((parts) => parts.join(''));
	const escape = (text: string): string => text.replaceAll(/[.?[\]]/gu, String.raw`\$&`);
	fc.assert(
		fc.property(piece, piece, (pattern, type) => {
			const {matches} = read({types: [pattern]});
			const expected = new RegExp(`^${escape(pattern).replaceAll('*', '.*')}$`, 'su').test(type);
			return matches?.({type, sender: '@a:b'}) === expected;
		}),
		{seed: SEED, numRuns: 3_000},
	);
	t.pass();
});

test('a pattern of many stars costs no more than its length', (t) => {
	const {matches} = read({types: [`${'*a'.repeat(200)}b`]});
	const begun = processorTime();
	t.false(matches?.({type: 'a'.repeat(50_000)}));
	t.true(processorTime() - begun < 1_000);
});

test('what is unwanted is left out, even if it is wanted too; an empty list wants nothing', (t) => {
	const {matches} = read({types: ['m.*'], not_types: ['m.room.*'], senders: ['@a:b', '@c:d'], not_senders: ['@c:d']});
	t.true(matches?.({type: 'm.reaction', sender: '@a:b'}));
	t.false(matches?.({type: 'm.room.message', sender: '@a:b'}));
	t.false(matches?.({type: 'm.reaction', sender: '@c:d'}));
	t.false(matches?.({type: 'm.reaction', sender: '@e:f'}));
	t.false(matches?.({type: 'm.reaction'}));
	t.false(read({types: []}).matches?.({type: 'm.reaction'}));
	t.is(read({}).matches, undefined);
	t.is(read({not_types: []}).matches, undefined);
	t.true(read({contains_url: true}).matches?.({type: 'x', hasUrl: true}));
	t.false(read({contains_url: true}).matches?.({type: 'x'}));
	t.false(read({contains_url: false}).matches?.({type: 'x', hasUrl: true}));
	const rooms = read({rooms: ['!a:x', '!b:x'], not_rooms: ['!b:x']});
	t.deepEqual(
		['!a:x', '!b:x', '!c:x'].map((roomId) => rooms.mayShowRoom(roomId as RoomId)),
		[true, false, false],
	);
	t.is(read({limit: 0}).limit, 0);
	t.is(read({limit: 10_000}).limit, 100);
});

test('what is no user or room cannot be asked for', (t) => {
	for (const filter of [{senders: ['x']}, {not_senders: ['#a:b']}, {rooms: ['@a:b']}, {not_rooms: ['room']}]) {
		t.throws(() => read(filter), {message: /filter\.(?:not_)?(?:senders|rooms)/u});
	}
});

test('fields are picked by their paths, with dots that are meant', (t) => {
	t.deepEqual(parseFieldPath(String.raw`content.m\.relates_to.a\\b`), ['content', 'm.relates_to', String.raw`a\b`]);
	const event = JSON.parse(
		'{"type":"x","content":{"body":"b","m.x":{"y":1,"z":2},"__proto__":{"p":1}},"unsigned":{"age":1}}',
	) as JsonObject;
	const pick = (...fields: string[]) =>
		JSON.parse(JSON.stringify(pickFields(event, fields.map(parseFieldPath)))) as unknown;
	t.deepEqual(pick('type', String.raw`content.m\.x.y`, 'content.none', 'none.at.all'), {
		type: 'x',
		content: {'m.x': {y: 1}},
	});
	t.deepEqual(pick('content', 'content.body'), {content: event['content']});
	t.deepEqual(Object.keys((pick('content.__proto__') as {content: object}).content), ['__proto__']);
	t.deepEqual(pick('type.deeper', 'content.body.deeper'), {content: {}});
});
