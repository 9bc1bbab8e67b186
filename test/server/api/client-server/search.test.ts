import test, {type ExecutionContext} from 'ava';
import {edit, ignore, redact, relationsIn, send} from './conversation.ts';
import {type ClientEvent, newsroom, type Person, room} from './newsroom.ts';

interface Group {
	readonly results: readonly string[];
	readonly order: number;
	readonly next_batch?: string;
}

interface Found {
	readonly count: number;
	readonly highlights: readonly string[];
	readonly results: readonly {
		readonly rank: number;
		readonly result: ClientEvent;
		readonly context?: {
			readonly events_before: readonly ClientEvent[];
			readonly events_after: readonly ClientEvent[];
			readonly start: string;
			readonly end: string;
			readonly profile_info?: Readonly<Record<string, {displayname?: string}>>;
		};
	}[];
	readonly state?: Readonly<Record<string, readonly ClientEvent[]>>;
	readonly groups?: Readonly<Record<string, Readonly<Record<string, Group>>>>;
	readonly next_batch?: string;
}

interface Answer {
	readonly search_categories: {readonly room_events: Found};
}

const bodyOf = (term: string, more: object = {}) => ({search_categories: {room_events: {search_term: term, ...more}}});

async function search(person: Person, term: string, more: object = {}, nextBatch = ''): Promise<Found> {
	const path = nextBatch === '' ? '/search' : `/search?next_batch=${encodeURIComponent(nextBatch)}`;
	return (await person.do<Answer>('POST', path, bodyOf(term, more))).search_categories.room_events;
}

const bodies = ({results}: Found): unknown[] => results.map(({result}) => result.content['body']);

async function talk(t: ExecutionContext, texts: readonly string[] = []) {
	const world = await newsroom(t);
	const roomId = await world.alice.create({preset: 'public_chat', name: 'Investigations'});
	await world.bob.join(roomId);
	for (const text of texts) await world.alice.say(roomId, text);
	return {...world, roomId};
}

test('what was said is found at once by its words, in whatever case and with whatever accents', async (t) => {
	const {alice, bob, roomId} = await talk(t, [
		'Hello, world',
		'The Ministère’s réponse',
		'don’t call back',
		'東京の新聞',
	]);
	const found = await search(bob, 'hello');
	t.is(found.count, 1);
	t.like(found.results[0]?.result, {type: 'm.room.message', room_id: roomId, sender: alice.id});
	t.deepEqual(bodies(found), ['Hello, world']);
	t.deepEqual(found.highlights, ['hello']);
	t.true(found.results[0]!.rank > 0);
	t.deepEqual(bodies(await search(bob, 'ministere REPONSE')), ['The Ministère’s réponse']);
	t.deepEqual(bodies(await search(bob, 'réponse hello')), []);
	t.deepEqual(bodies(await search(bob, '"call back"')), ['don’t call back']);
	t.deepEqual(bodies(await search(bob, '"back call"')), []);
	t.deepEqual(bodies(await search(bob, "don't")), ['don’t call back']);
	t.deepEqual(bodies(await search(bob, '新聞')), ['東京の新聞']);
	t.deepEqual(bodies(await search(bob, '聞新')), []);
	t.deepEqual(bodies(await search(bob, 'hello -world')), []);
	t.deepEqual(bodies(await search(bob, '-world')), []);
	t.deepEqual(await search(bob, '?!'), {count: 0, highlights: [], results: []});
	for (const odd of ['"', '*', 'a" OR "b', `'; drop`, '()', ':*', '&|!', 'NEAR(a b)', '\0']) {
		t.is((await bob.ask('POST', '/search', bodyOf(odd))).status, 200, odd);
	}
	await alice.setState(roomId, 'm.room.topic', {
		topic: 'On the harbour',
		'm.topic': {'m.text': [{body: 'dock affair'}]},
	});
	const types = async (term: string, more?: object) =>
		(await search(bob, term, more)).results.map(({result}) => result.type);
	t.deepEqual(await types('harbour'), ['m.room.topic']);
	t.deepEqual(await types('dock affair'), ['m.room.topic']);
	t.deepEqual(await types('investigations'), ['m.room.name']);
	t.deepEqual(await types('investigations', {keys: ['content.body', 'content.topic']}), []);
	t.deepEqual(await types('investigations', {keys: ['content.name']}), ['m.room.name']);
});

test('nobody finds what they may not see', async (t) => {
	const {alice, bob, carol, roomId} = await talk(t, ['the secret of the first day']);
	t.is((await search(carol, 'secret')).count, 0, 'a stranger');
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'joined'});
	await alice.say(roomId, 'a secret before carol');
	await carol.join(roomId);
	await alice.say(roomId, 'a secret with carol');
	t.deepEqual(bodies(await search(carol, 'secret', {order_by: 'recent'})), [
		'a secret with carol',
		'the secret of the first day',
	]);
	t.is((await search(carol, 'secret')).count, 2, 'what is not seen is not counted');
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await alice.say(roomId, 'a secret after bob');
	t.is((await search(bob, 'secret')).count, 3, 'rooms that were left, up to then');
	t.is((await search(alice, 'secret')).count, 4);
	await bob.do('POST', `${room(roomId)}/forget`, {});
	t.is((await search(bob, 'secret')).count, 0);
	const invited = await alice.create({invite: [bob.id], name: 'A secret room'});
	t.is((await search(bob, 'secret')).count, 0);
	await ignore(carol, [alice]);
	t.is((await search(carol, 'secret')).count, 0, 'nobody hears whom they ignore');
	t.deepEqual(bodies(await search(alice, 'secret', {filter: {rooms: [invited]}})), [undefined]);
});

test('what is redacted, or in an encrypted room, is not found', async (t) => {
	const {app, alice, bob, roomId} = await talk(t, ['name one', 'name two', 'name three']);
	const {results} = await search(bob, 'name', {order_by: 'recent'});
	t.is(results.length, 3);
	await redact(alice, roomId, results[1]!.result.event_id);
	for (const order of ['rank', 'recent']) {
		t.deepEqual(
			bodies(await search(bob, 'name', {order_by: order}))
				.map(String)
				.toSorted(),
			['name one', 'name three'],
		);
	}
	const {storage} = app.application;
	const entries = async () => (await storage.search.list({all: [[['name']]], none: []}, {limit: 10})).length;
	t.is(await entries(), 2, 'nor is it in the index');
	const other = await alice.create({preset: 'private_chat'});
	await alice.say(other, 'name four');
	t.is((await search(alice, 'name')).count, 3);
	await alice.setState(other, 'm.room.encryption', {algorithm: 'm.megolm.v1.aes-sha2'});
	await send(alice, other, 'm.room.message', {msgtype: 'm.text', body: 'name five'});
	await alice.setState(other, 'm.room.name', {name: 'name six'});
	t.is((await search(alice, 'name')).count, 2);
	t.is(await entries(), 2);
	const batch = storage.batch();
	storage.rooms.remove(batch, roomId as never);
	await storage.commit(batch);
	t.is((await search(alice, 'name')).count, 0);
	t.is(await entries(), 0, 'the room’s words went with the room');
});

test('results come in the order that was asked for, page by page', async (t) => {
	const {alice, bob, roomId} = await talk(t);
	for (let index = 0; index < 20; index += 1) await alice.say(roomId, `Message number ${index}`);
	const more = {order_by: 'recent', keys: ['content.body'], filter: {limit: 10, rooms: [roomId]}};
	const first = await search(bob, 'Message', more);
	t.is(first.count, 20);
	const names = (from: number, to: number) =>
		Array.from({length: from - to + 1}, (_, index) => `Message number ${from - index}`);
	t.deepEqual(bodies(first), names(19, 10));
	const second = await search(bob, 'Message', more, first.next_batch);
	t.deepEqual([bodies(second), second.count], [names(9, 0), 20]);
	const third = await search(bob, 'Message', more, second.next_batch);
	t.deepEqual([third.count, third.results, third.next_batch], [20, [], undefined]);
	await alice.say(roomId, 'message message message');
	await alice.say(roomId, 'a message among very many other words that are of no interest to anybody at all');
	const ranked = {filter: {limit: 3}};
	const best = await search(bob, 'message', ranked);
	t.is(bodies(best)[0], 'message message message');
	const seen = [...bodies(best)];
	for (let page: Found = best; page.next_batch !== undefined; ) {
		page = await search(bob, 'message', ranked, page.next_batch);
		seen.push(...bodies(page));
	}
	t.is(seen.length, 22);
	t.is(new Set(seen).size, 22);
	t.regex(String(seen.at(-1)), /very many other words/u);
	const ranks = best.results.map(({rank}) => rank);
	t.deepEqual(
		ranks,
		ranks.toSorted((a, b) => b - a),
	);
});

test('results come with what was around them, who spoke, and what the rooms are', async (t) => {
	const {alice, bob, roomId} = await talk(t);
	await alice.do('PUT', `/profile/${encodeURIComponent(alice.id)}/displayname`, {displayname: 'Alice'});
	for (let index = 1; index <= 7; index += 1) await alice.say(roomId, `Message number ${index}`);
	const more = {
		order_by: 'recent',
		filter: {limit: 1},
		event_context: {before_limit: 2, after_limit: 2, include_profile: true},
		include_state: true,
	};
	const found = await search(bob, 'Message 4', more);
	t.is(found.count, 1);
	t.truthy(found.next_batch);
	const {context} = found.results[0]!;
	const said = (events: readonly ClientEvent[] | undefined) => events?.map(({content}) => content['body']);
	t.deepEqual(said(context?.events_before), ['Message number 3', 'Message number 2']);
	t.deepEqual(said(context?.events_after), ['Message number 5', 'Message number 6']);
	t.is(context?.profile_info?.[alice.id]?.displayname, 'Alice');
	const page = await bob.do<{chunk: ClientEvent[]}>(
		'GET',
		`${room(roomId)}/messages?dir=b&limit=1&from=${context?.start}`,
	);
	t.deepEqual(said(page.chunk), ['Message number 1']);
	t.true(found.state?.[roomId]?.some(({type}) => type === 'm.room.create'));
	t.is((await search(bob, 'Message 4')).results[0]?.context, undefined);
	t.is((await search(bob, 'Message 4', {event_context: {}})).results[0]?.context?.events_before.length, 5);
	// An event that was found comes with what relates to it.
	const original = found.results[0]!.result.event_id;
	const changed = await edit(alice, roomId, original, 'Message number four');
	const again = await search(bob, 'Message 4');
	t.is(relationsIn(again.results[0]?.result)['m.replace']?.event_id, changed);
});

test('results are grouped by room and by sender, and a group has pages of its own', async (t) => {
	const {alice, bob, roomId} = await talk(t);
	const other = await bob.create({preset: 'public_chat'});
	await alice.join(other);
	for (let index = 0; index < 4; index += 1) {
		await alice.say(roomId, `lead ${index}`);
		await bob.say(other, `lead ${index}`);
	}
	for (const order of ['recent', 'rank']) {
		const more = {
			order_by: order,
			filter: {limit: 4},
			groupings: {group_by: [{key: 'room_id'}, {key: 'sender'}]},
		};
		const found = await search(alice, 'lead', more);
		t.deepEqual(Object.keys(found.groups ?? {}), ['room_id', 'sender']);
		const {[other]: group} = found.groups!['room_id']!;
		t.is(group?.results.length, 2);
		t.deepEqual(found.groups!['sender']![bob.id]?.results, group?.results);
		t.deepEqual(
			Object.values(found.groups!['room_id']!)
				.map((it) => it.order)
				.toSorted((a, b) => a - b),
			[1, 2],
		);
		const next = await search(alice, 'lead', more, group?.next_batch);
		t.is(next.results.length, 2);
		t.true(next.results.every(({result}) => result.room_id === other && !group?.results.includes(result.event_id)));
		const ofSender = await search(alice, 'lead', more, found.groups!['sender']![alice.id]!.next_batch);
		t.true(ofSender.results.every(({result}) => result.sender === alice.id));
	}
});

test('filters hold, and what is wrong is refused', async (t) => {
	const {alice, bob, roomId} = await talk(t, ['from alice']);
	await bob.say(roomId, 'from bob');
	await send(bob, roomId, 'm.room.message', {msgtype: 'm.image', body: 'from bob with a picture', url: 'mxc://a/b'});
	const filtered = async (filter: object) => bodies(await search(alice, 'from', {filter, order_by: 'recent'}));
	t.deepEqual(await filtered({senders: [alice.id]}), ['from alice']);
	t.deepEqual(await filtered({not_senders: [bob.id]}), ['from alice']);
	t.deepEqual(await filtered({contains_url: true}), ['from bob with a picture']);
	t.deepEqual(await filtered({types: ['m.room.name']}), []);
	t.deepEqual(await filtered({not_rooms: [roomId]}), []);
	t.deepEqual(await filtered({rooms: ['!nosuchroom:news.example']}), []);
	t.deepEqual(await filtered({limit: 0}), []);
	t.deepEqual(await alice.do('POST', '/search', {search_categories: {}}), {search_categories: {}});
	const refused = async (body: unknown, query = '') => {
		const {status, body: answer} = await alice.ask('POST', `/search${query}`, body);
		return [status, answer['errcode']];
	};
	t.deepEqual(await refused({}), [400, 'M_BAD_JSON']);
	t.deepEqual(await refused({search_categories: {room_events: {}}}), [400, 'M_BAD_JSON']);
	t.deepEqual(await refused(bodyOf('x', {order_by: 'best'})), [400, 'M_BAD_JSON']);
	t.deepEqual(await refused(bodyOf('x', {keys: ['content.secret']})), [400, 'M_BAD_JSON']);
	t.deepEqual(await refused(bodyOf('x', {filter: {limit: -1}})), [400, 'M_BAD_JSON']);
	t.deepEqual(await refused(bodyOf('x'.repeat(501))), [400, 'M_BAD_JSON']);
	for (const token of ['x', 'e30x', Buffer.from('{"before":"x"}').toString('base64url'), 'null']) {
		t.deepEqual(await refused(bodyOf('x'), `?next_batch=${token}`), [400, 'M_INVALID_PARAM'], token);
	}
	t.is((await alice.ask('GET', '/search')).status, 405);
});
