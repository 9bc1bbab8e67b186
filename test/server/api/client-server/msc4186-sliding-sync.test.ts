import test from 'ava';
import {call, login, request} from '../../../harness/index.ts';
import {newsroom, Person, room} from './newsroom.ts';
import {allRooms, bodiesOf, elementState, keysOf, slide, type SlidingAnswer, trySlide} from './sliding-answers.ts';

test('a new connection shows the rooms in its ranges, the most recently active first, each with what was asked for', async (t) => {
	const {alice, bob} = await newsroom(t);
	await alice.create({name: 'Quiet'});
	const late = await alice.create({name: 'Late'});
	const desk = await alice.create({preset: 'public_chat', name: 'Desk', topic: 'News'});
	await bob.join(desk);
	for (const body of ['zero', 'one', 'two']) await alice.say(desk, body);
	const answer = await slide(bob, undefined, {
		lists: {top: {ranges: [[0, 1]], timeline_limit: 2, required_state: elementState}},
	});
	t.deepEqual(answer.lists, {top: {count: 1}});
	const {required_state: state, timeline, prev_batch: prevBatch, ...rest} = answer.rooms[desk]!;
	t.deepEqual(rest, {
		initial: true,
		name: 'Desk',
		membership: 'join',
		lists: ['top'],
		limited: true,
		num_live: 0,
		joined_count: 2,
		invited_count: 0,
		notification_count: 3,
		highlight_count: 0,
		bump_stamp: rest.bump_stamp!,
	});
	t.deepEqual(keysOf(state), [
		'm.room.create ',
		'm.room.history_visibility ',
		'm.room.join_rules ',
		`m.room.member ${alice.id}`,
		`m.room.member ${bob.id}`,
		'm.room.name ',
		'm.room.power_levels ',
		'm.room.topic ',
	]);
	t.deepEqual(
		timeline?.map(({content}) => content['body']),
		['one', 'two'],
	);
	t.is(timeline?.[0]?.room_id, undefined);
	t.is(timeline?.[0]?.unsigned?.['membership'], 'join');
	const page = await bob.do<{chunk: {content: {body?: string}}[]}>(
		'GET',
		`${room(desk)}/messages?dir=b&limit=1&from=${encodeURIComponent(prevBatch!)}`,
	);
	t.deepEqual(
		page.chunk.map(({content}) => content.body),
		['zero'],
	);
	const hers = await slide(alice, undefined, allRooms({ranges: [[0, 1]]}));
	t.deepEqual(Object.keys(hers.rooms), [desk, late]);
	t.deepEqual(hers.lists, {all: {count: 3}});
});

test('the next answer tells only what is new, once, and nothing where nothing is', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await alice.create();
	await bob.join(roomId);
	const wish = allRooms({timeline_limit: 5});
	const first = await slide(alice, undefined, wish);
	t.is(Object.keys(first.rooms).length, 2);
	const nothing = await slide(alice, first.pos, wish);
	t.deepEqual(nothing.rooms, {});
	t.deepEqual(nothing.extensions, {});
	t.is(nothing.pos, first.pos);
	await bob.say(roomId, 'hello');
	const second = await slide(alice, first.pos, wish);
	const {timeline, prev_batch: prevBatch, bump_stamp: stamp, ...rest} = second.rooms[roomId]!;
	t.deepEqual(rest, {limited: false, num_live: 1, lists: ['all'], notification_count: 1, highlight_count: 0});
	t.deepEqual(bodiesOf(second.rooms[roomId]), ['hello']);
	t.true(stamp! > first.rooms[roomId]!.bump_stamp!);
	t.truthy(timeline);
	t.truthy(prevBatch);
	t.deepEqual(Object.keys(second.rooms), [roomId]);
	t.deepEqual((await slide(alice, second.pos, wish)).rooms, {});
});

test('who waits is answered when something happens, and with nothing when the time is up', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {pos} = await slide(bob, undefined, {...allRooms(), timeout: 30_000});
	const waiting = slide(bob, pos, {...allRooms(), timeout: 30_000});
	await alice.say(roomId, 'wake up');
	const woken = await waiting;
	t.deepEqual(bodiesOf(woken.rooms[roomId]), ['wake up']);
	const late = await slide(bob, woken.pos, {...allRooms(), timeout: 50});
	t.deepEqual(late.rooms, {});
	const ending = request(bob.app, 'POST', `${path}?timeout=60000&pos=${encodeURIComponent(late.pos)}`, {
		token: bob.session.access_token,
		body: allRooms(),
	});
	await bob.do('POST', '/logout', {});
	t.is((await ending).status, 401);
});

const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

test('clients find out that it is there, and strangers find nothing', async (t) => {
	const {app, alice} = await newsroom(t);
	const versions = await call<{unstable_features: object}>(app, 'GET', '/_matrix/client/versions');
	t.like(versions.unstable_features, {'org.matrix.simplified_msc3575': true});
	t.is((await request(app, 'POST', path, {body: {}})).status, 401);
	const answer = await slide(alice, undefined, {});
	t.deepEqual(Object.keys(answer), ['pos', 'lists', 'rooms', 'extensions']);
});

test('a request that is not of its form is refused with what is wrong', async (t) => {
	const {alice} = await newsroom(t);
	const many = Object.fromEntries(Array.from({length: 101}, (_, index) => [`l${index}`, {timeline_limit: 1}]));
	const cases: readonly (readonly [object, string])[] = [
		[{lists: {a: {required_state: []}}}, 'M_BAD_JSON'],
		[{lists: {a: {timeline_limit: -1}}}, 'M_BAD_JSON'],
		[{lists: {a: {timeline_limit: 1, ranges: [[0]]}}}, 'M_BAD_JSON'],
		[{lists: {a: {timeline_limit: 1, ranges: [[0, -1]]}}}, 'M_BAD_JSON'],
		[{lists: {a: {timeline_limit: 1, required_state: [['m.room.name']]}}}, 'M_BAD_JSON'],
		[{lists: {a: {timeline_limit: 1, filters: {is_dm: 'yes'}}}}, 'M_BAD_JSON'],
		[{lists: {a: 1}}, 'M_BAD_JSON'],
		[{conn_id: 'x'.repeat(256)}, 'M_BAD_JSON'],
		[{extensions: {to_device: {enabled: true, limit: 0}}}, 'M_BAD_JSON'],
		[{set_presence: 'asleep'}, 'M_INVALID_PARAM'],
		[{lists: many}, 'M_INVALID_PARAM'],
		[{room_subscriptions: many}, 'M_INVALID_PARAM'],
	];
	for (const [body, errcode] of cases) {
		const {status, body: answer} = await trySlide(alice, undefined, body);
		t.deepEqual([status, answer['errcode']], [400, errcode], JSON.stringify(body).slice(0, 80));
	}
	const harmless = {
		lists: {
			a: {timeline_limit: 1, ranges: [[5, 2]], filters: {is_dm: null, unknown: 1}},
			['__proto__']: {timeline_limit: 1},
		},
		room_subscriptions: {'!nowhere:news.example': {timeline_limit: 1}, 'not a room': {timeline_limit: 1}},
		extensions: {'org.example.new': {enabled: true}, receipts: {enabled: true, lists: ['none'], rooms: ['*']}},
		unknown: true,
	};
	t.is((await trySlide(alice, undefined, harmless)).status, 200);
});

test('a position is good for its device and connection only, and a stranger to this server is told to begin anew', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	await alice.create();
	const {pos} = await slide(alice, undefined, {...allRooms(), conn_id: 'list'});
	const tablet = new Person(app, await login(app, 'alice'));
	const refused = async (person: typeof alice, given: string, connId: string) => {
		const {status, body} = await trySlide(person, given, {...allRooms(), conn_id: connId});
		t.deepEqual([status, body['errcode']], [400, 'M_UNKNOWN_POS'], given);
	};
	await refused(alice, pos, 'other');
	await refused(alice, pos, '');
	await refused(bob, pos, 'list');
	await refused(tablet, pos, 'list');
	const [, at = '', sealed = ''] = pos.split('.');
	for (const given of [
		'',
		'p1',
		's1.1.a.1',
		'5/0',
		`p1.${Number(at) - 1}.${sealed}`,
		`p1.999999.${sealed}`,
		`p1.${at}.${sealed}A`,
		`p1.${at}.${sealed.slice(4)}`,
		`p1.${at}.${'A'.repeat(5_000)}`,
		'\u0000',
	]) {
		await refused(alice, given, 'list');
	}
	t.is((await trySlide(alice, pos, {...allRooms(), conn_id: 'list'})).status, 200);
});

test('a position that was answered may be asked again, with the same or another request, until the next one is used', async (t) => {
	const {alice, bob} = await newsroom(t);
	const one = await alice.create({preset: 'public_chat'});
	const two = await alice.create({preset: 'public_chat'});
	await bob.join(one);
	await bob.join(two);
	const wish = allRooms({ranges: [[0, 0]]});
	const {pos} = await slide(bob, undefined, wish);
	await alice.say(one, 'first');
	const lost = await slide(bob, pos, wish);
	t.deepEqual(bodiesOf(lost.rooms[one]), ['first']);
	t.true(lost.rooms[one]?.initial);
	await alice.say(two, 'second');
	const again = await slide(bob, pos, allRooms());
	t.deepEqual(bodiesOf(again.rooms[one]), ['first']);
	t.true(again.rooms[one]?.initial);
	t.deepEqual(bodiesOf(again.rooms[two]), ['second']);
	t.is(again.rooms[two]?.initial, undefined);
	t.deepEqual((await slide(bob, again.pos, allRooms())).rooms, {});
});

test('connections of one device know nothing of each other', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const list = await slide(alice, undefined, {...allRooms(), conn_id: 'list'});
	const other = await slide(alice, undefined, {...allRooms(), conn_id: 'other'});
	t.true(other.rooms[roomId]?.initial);
	await alice.say(roomId, 'hello');
	t.deepEqual(bodiesOf((await slide(alice, list.pos, {...allRooms(), conn_id: 'list'})).rooms[roomId]), ['hello']);
	t.deepEqual(bodiesOf((await slide(alice, other.pos, {...allRooms(), conn_id: 'other'})).rooms[roomId]), ['hello']);
	const anew = await slide(alice, undefined, {...allRooms(), conn_id: 'list'});
	t.true(anew.rooms[roomId]?.initial);
});

test('as ranges grow the rest is told, and rooms that fall out of them come back with what was missed', async (t) => {
	const {alice} = await newsroom(t);
	const rooms: string[] = [];
	for (let index = 0; index < 6; index += 1) rooms.unshift(await alice.create({name: `R${index}`}));
	const at = (last: number) => allRooms({ranges: [[0, last]]});
	const first = await slide(alice, undefined, at(1));
	t.deepEqual(Object.keys(first.rooms), rooms.slice(0, 2));
	const second = await slide(alice, first.pos, at(3));
	t.deepEqual(Object.keys(second.rooms), rooms.slice(2, 4));
	const third = await slide(alice, second.pos, at(99));
	t.deepEqual(Object.keys(third.rooms), rooms.slice(4));
	await alice.setState(rooms[5]!, 'm.room.topic', {topic: 'seldom'});
	for (const roomId of rooms.slice(0, 2)) await alice.say(roomId, 'often');
	const narrow = await slide(alice, third.pos, at(1));
	t.deepEqual(Object.keys(narrow.rooms), [rooms[1], rooms[0]]);
	const back = await slide(alice, narrow.pos, {
		lists: {all: {timeline_limit: 1, required_state: [['m.room.topic', '']], ranges: [[0, 99]]}},
	});
	t.deepEqual(Object.keys(back.rooms), [rooms[5]]);
	t.is(back.rooms[rooms[5]!]?.initial, undefined);
	t.deepEqual(keysOf(back.rooms[rooms[5]!]?.required_state), ['m.room.topic ']);
	t.is(back.rooms[rooms[5]!]?.num_live, 0);
});

test('a position can be given to /messages', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	await alice.say(roomId, 'before');
	const {pos} = await slide(alice);
	await alice.say(roomId, 'after');
	const bodies = async (query: object) => {
		const asked = new URLSearchParams({limit: '1', ...query}).toString();
		const {chunk} = await alice.do<{chunk: {content: {body?: string}}[]}>('GET', `${room(roomId)}/messages?${asked}`);
		return chunk.map(({content}) => content.body);
	};
	t.deepEqual(await bodies({dir: 'b', from: pos}), ['before']);
	t.deepEqual(await bodies({dir: 'f', from: pos}), ['after']);
});

test('a position means the same after a restart of the server', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	const quiet = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await bob.join(quiet);
	const wish = {
		lists: {all: {timeline_limit: 3, required_state: elementState}},
		extensions: {receipts: {enabled: true}, account_data: {enabled: true}, typing: {enabled: true}},
	};
	const first = await slide(bob, undefined, wish);
	await alice.say(roomId, 'before');
	await app.application.stop();
	const again = await app.restart();
	const [hers, his] = [new Person(again, alice.session), new Person(again, bob.session)];
	await hers.say(roomId, 'after');
	const next = await slide(his, first.pos, wish);
	t.deepEqual(Object.keys(next.rooms), [roomId]);
	t.deepEqual(bodiesOf(next.rooms[roomId]), ['before', 'after']);
	t.is(next.rooms[roomId]?.initial, undefined);
	t.is(next.rooms[roomId]?.num_live, 2);
	t.deepEqual(next.extensions, {});
	t.deepEqual((await slide(his, next.pos, wish)).rooms, {});
	const more = {...wish, lists: {all: {timeline_limit: 3, required_state: [['m.room.create', '']]}}};
	t.deepEqual((await slide(his, next.pos, more)).rooms, {}, 'what is asked for is less than before');
});

test('as the proposal was accepted, everything is asked for in the body', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	await bob.join(roomId);
	const ask = (body: object) =>
		call<SlidingAnswer>(app, 'POST', path, {token: bob.session.access_token, body: {conn_id: 'main', ...body}});
	const lists = {
		all: {
			range: [0, 9],
			timeline_limit: 1,
			required_state: {include: [{type: 'm.room.name', state_key: ''}], lazy_members: true},
			filters: {is_invited: false},
		},
	};
	const status = async () => (await alice.do('GET', `/presence/${bob.id}/status`))['presence'];
	const first = await ask({lists, set_presence: 'offline'});
	t.deepEqual(keysOf(first.rooms[roomId]?.required_state), [`m.room.member ${bob.id}`, 'm.room.name ']);
	t.is(await status(), 'offline');
	const waiting = ask({lists, pos: first.pos, timeout: 30_000, set_presence: 'unavailable'});
	await alice.say(roomId, 'hello');
	t.deepEqual(bodiesOf((await waiting).rooms[roomId]), ['hello']);
	t.is(await status(), 'unavailable');
	t.deepEqual((await ask({lists, pos: (await waiting).pos})).rooms, {});
	t.is(await status(), 'online');
});
