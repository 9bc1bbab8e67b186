import test from 'ava';
import {ignore, react, redact, refer, reply, send} from './conversation.ts';
import {errorOf, newsroom, type Person, room} from './newsroom.ts';
import {read, sync} from './sync-answers.ts';

const receiptsOf = async (person: Person, roomId: string, since?: string): Promise<unknown> => {
	const answer = await sync(person, since);
	return answer.rooms?.join?.[roomId]?.ephemeral?.events.find(({type}) => type === 'm.receipt')?.content;
};

async function readingRoom(t: Parameters<typeof newsroom>[0]) {
	const world = await newsroom(t);
	const roomId = await world.alice.create({preset: 'public_chat'});
	await world.bob.join(roomId);
	return {...world, roomId};
}

test('a receipt is shown to the room and clears what it covers', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const first = await alice.say(roomId, 'one');
	await alice.say(roomId, 'two');
	const {next_batch: since, rooms} = await sync(bob);
	t.is(rooms?.join?.[roomId]?.unread_notifications?.notification_count, 2);
	const {next_batch: aliceSince} = await sync(alice);
	t.deepEqual(await read(bob, roomId, first), {});
	const content = (await receiptsOf(alice, roomId, aliceSince)) as Record<
		string,
		Record<string, Record<string, {ts: number}>>
	>;
	t.is(typeof content[first]?.['m.read']?.[bob.id]?.ts, 'number');
	const after = await sync(bob, since);
	t.is(after.rooms?.join?.[roomId]?.unread_notifications?.notification_count, 1);
	t.deepEqual(after.rooms?.join?.[roomId]?.timeline.events, []);
});

test('a private receipt clears, and is shown to nobody else', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const first = await alice.say(roomId, 'one');
	const {next_batch: aliceSince} = await sync(alice);
	await read(bob, roomId, first, 'm.read.private');
	t.is((await sync(alice, aliceSince)).rooms, undefined);
	t.is(await receiptsOf(alice, roomId), undefined);
	const own = (await receiptsOf(bob, roomId)) as Record<string, Record<string, unknown>>;
	t.deepEqual(Object.keys(own[first] ?? {}), ['m.read.private']);
	t.is((await sync(bob)).rooms?.join?.[roomId]?.unread_notifications?.notification_count, 0);
});

test('a receipt does not move back, and the one further on counts', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const first = await alice.say(roomId, 'one');
	const second = await alice.say(roomId, 'two');
	await read(bob, roomId, second);
	await read(bob, roomId, first);
	t.deepEqual(Object.keys((await receiptsOf(bob, roomId)) as object), [second]);
	await read(bob, roomId, first, 'm.read.private');
	t.is((await sync(bob)).rooms?.join?.[roomId]?.unread_notifications?.notification_count, 0);
});

test('E1: nobody reads what they cannot see, nor where they are not', async (t) => {
	const {alice, bob, carol, roomId} = await readingRoom(t);
	const event = await alice.say(roomId, 'one');
	const other = await alice.create();
	const elsewhere = await alice.say(other, 'elsewhere');
	const path = (roomIdOf: string, eventId: string, type = 'm.read') =>
		`${room(roomIdOf)}/receipt/${type}/${encodeURIComponent(eventId)}`;
	const stranger = errorOf(await carol.ask('POST', path(roomId, event), {}));
	t.is(stranger.status, 403);
	t.deepEqual(errorOf(await carol.ask('POST', path('!nosuchroom:news.example', event), {})), stranger);
	t.is((await bob.ask('POST', path(roomId, elsewhere), {})).status, 404);
	t.is((await bob.ask('POST', path(roomId, '$nothing'), {})).status, 404);
	t.is((await bob.ask('POST', path(roomId, event, 'm.seen'), {})).status, 400);
	t.is((await bob.ask('POST', path(roomId, elsewhere, 'm.fully_read'), {})).status, 404);
	t.is(await receiptsOf(alice, roomId), undefined);
});

test('E1: a marker is set by who is in the room, at what they can see, and nothing is kept of any other', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const visibility = {type: 'm.room.history_visibility', state_key: '', content: {history_visibility: 'joined'}};
	const roomId = await alice.create({preset: 'public_chat', initial_state: [visibility]});
	const unseen = await alice.say(roomId, 'before bob came');
	await bob.join(roomId);
	const seen = await alice.say(roomId, 'after bob came');
	const markersOf = (person: Person) =>
		person.ask('GET', `/user/${encodeURIComponent(person.id)}${room(roomId)}/account_data/m.fully_read`);
	const mark = (person: Person, eventId: string, type = 'm.fully_read', of = roomId) =>
		person.ask('POST', `${room(of)}/read_markers`, {[type]: eventId});
	const types = ['m.fully_read', 'm.read', 'm.read.private'];
	for (const type of types) {
		const at = (eventId: string) => `${room(roomId)}/receipt/${type}/${encodeURIComponent(eventId)}`;
		t.is((await mark(bob, unseen, type)).status, 404, type);
		t.is((await bob.ask('POST', at(unseen), {})).status, 404, type);
		const stranger = errorOf(await mark(carol, seen, type));
		t.is(stranger.status, 403, type);
		t.deepEqual(errorOf(await mark(carol, seen, type, '!nosuchroom:news.example')), stranger);
	}
	t.is((await markersOf(bob)).status, 404);
	for (const person of [alice, bob]) t.is(await receiptsOf(person, roomId), undefined);
	for (const type of types) t.is((await mark(bob, seen, type)).status, 200, type);
	t.deepEqual((await markersOf(bob)).body, {event_id: seen});
	// Who has left reads no further.
	await bob.do('POST', `${room(roomId)}/leave`);
	for (const type of types) t.is((await mark(bob, seen, type)).status, 403, type);
});

/** Unread notifications of the main timeline and of a thread. */
async function countsOf(person: Person, roomId: string, root: string) {
	const answer = await sync(person, undefined, {filter: {room: {timeline: {unread_thread_notifications: true}}}});
	const shown = answer.rooms?.join?.[roomId];
	return [
		shown?.unread_notifications?.notification_count,
		shown?.unread_thread_notifications?.[root]?.notification_count,
	];
}

test('receipts of threads are kept apart, and unread counts with them', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const root = await alice.say(roomId, 'root');
	const first = await reply(alice, roomId, root, 'first');
	await reply(alice, roomId, root, 'second');
	const counts = async () => {
		const answer = await sync(bob, undefined, {filter: {room: {timeline: {unread_thread_notifications: true}}}});
		const shown = answer.rooms?.join?.[roomId];
		return [
			shown?.unread_notifications?.notification_count,
			shown?.unread_thread_notifications?.[root]?.notification_count,
		];
	};
	t.deepEqual(await counts(), [1, 2]);
	t.is((await sync(bob)).rooms?.join?.[roomId]?.unread_notifications?.notification_count, 3);
	await read(bob, roomId, first, 'm.read', {thread_id: root});
	t.deepEqual(await counts(), [1, 1]);
	await read(bob, roomId, root, 'm.read', {thread_id: 'main'});
	t.deepEqual(await counts(), [0, 1]);
	await read(bob, roomId, await reply(alice, roomId, root, 'third'));
	t.deepEqual(await counts(), [0, undefined]);
	const path = `${room(roomId)}/receipt/m.read/${encodeURIComponent(first)}`;
	for (const threadId of ['', 5, 'main', '$other']) {
		t.is((await bob.ask('POST', path, {thread_id: threadId})).body['errcode'], 'M_INVALID_PARAM', String(threadId));
	}
	const fullyRead = path.replace('m.read', 'm.fully_read');
	t.is((await bob.ask('POST', fullyRead, {thread_id: 'main'})).status, 400);
});

test('markers are set together, and the one of what was fully read is account data', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const event = await alice.say(roomId, 'one');
	const {next_batch: since} = await sync(bob);
	await bob.do('POST', `${room(roomId)}/read_markers`, {'m.fully_read': event, 'm.read': event});
	const shown = (await sync(bob, since)).rooms?.join?.[roomId];
	t.deepEqual(shown?.account_data?.events, [{type: 'm.fully_read', content: {event_id: event}}]);
	t.is(shown?.unread_notifications?.notification_count, 0);
	t.is((await bob.ask('POST', `${room(roomId)}/read_markers`, {'m.fully_read': '$nothing'})).status, 404);
	t.is((await bob.ask('POST', `${room(roomId)}/read_markers`, {'m.fully_read': 7})).status, 400);
	t.is((await bob.ask('POST', `${room(roomId)}/read_markers`, {})).status, 200);
});

test('mentions are counted apart, those of the whole room only from who may', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const say = (person: Person, body: string, content: object) =>
		send(person, roomId, 'm.room.message', {msgtype: 'm.text', body, ...content});
	const counts = async (person: Person) => (await sync(person)).rooms?.join?.[roomId]?.unread_notifications;
	await say(alice, 'you', {'m.mentions': {user_ids: [bob.id]}});
	t.deepEqual(await counts(bob), {notification_count: 1, highlight_count: 1});
	await say(alice, 'all', {'m.mentions': {room: true}});
	t.deepEqual(await counts(bob), {notification_count: 2, highlight_count: 2});
	await say(alice, 'note', {msgtype: 'm.notice'});
	await say(alice, 'edit', {'m.relates_to': {rel_type: 'm.replace', event_id: '$some'}});
	await alice.setState(roomId, 'm.room.topic', {topic: 'x'});
	t.deepEqual(await counts(bob), {notification_count: 2, highlight_count: 2});
	await say(bob, 'all of you', {'m.mentions': {room: true}});
	t.deepEqual(await counts(bob), {notification_count: 0, highlight_count: 0}, 'whoever writes has read');
	t.deepEqual(await counts(alice), {notification_count: 1, highlight_count: 0});
	for (const mentions of [5, null, [], {user_ids: bob.id}, {user_ids: {}}, {room: 'true'}]) {
		await say(alice, `odd ${JSON.stringify(mentions)}`.replaceAll(/\W/gu, '_'), {'m.mentions': mentions});
	}
	t.deepEqual(await counts(bob), {notification_count: 6, highlight_count: 0});
});

test('beyond what is looked at one by one, the running number counts', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const root = await alice.say(roomId, 'first');
	for (let index = 0; index < 3; index += 1) await reply(alice, roomId, root, `in the thread ${index}`);
	for (let index = 0; index < 520; index += 40) {
		await Promise.all(Array.from({length: 40}, (_, offset) => alice.say(roomId, `m${index + offset}`)));
	}
	t.is((await sync(bob)).rooms?.join?.[roomId]?.unread_notifications?.notification_count, 524);
	t.deepEqual(await countsOf(bob, roomId, root), [521, 3]);
	await read(bob, roomId, root, 'm.read', {thread_id: 'main'});
	t.deepEqual(await countsOf(bob, roomId, root), [520, 3]);
});

test('what relates to a thread counts there, and a receipt names any event that hangs on the root', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const a = await alice.say(roomId, 'A');
	const b = await reply(alice, roomId, a, 'B');
	const mention = {'m.mentions': {user_ids: [bob.id]}};
	const inThread = {'m.relates_to': {rel_type: 'm.thread', event_id: a}};
	await send(alice, roomId, 'm.room.message', {msgtype: 'm.text', body: 'C', ...mention, ...inThread});
	const d = await send(alice, roomId, 'm.room.message', {msgtype: 'm.text', body: 'D', ...mention});
	await reply(alice, roomId, a, 'E');
	const f = await refer(alice, roomId, a, 'F');
	const g = await react(alice, roomId, f, 'G');
	t.deepEqual(await countsOf(bob, roomId, a), [3, 3]);
	await read(bob, roomId, a, 'm.read', {thread_id: 'main'});
	t.deepEqual(await countsOf(bob, roomId, a), [2, 3]);
	await read(bob, roomId, b, 'm.read', {thread_id: a});
	t.deepEqual(await countsOf(bob, roomId, a), [2, 2]);
	await read(bob, roomId, d);
	t.deepEqual(await countsOf(bob, roomId, a), [1, 1]);
	await read(bob, roomId, g, 'm.read', {thread_id: a});
	t.deepEqual(await countsOf(bob, roomId, a), [1, undefined]);
	const path = (eventId: string) => `${room(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`;
	for (const [eventId, threadId] of [
		[b, 'main'],
		[d, a],
		[a, b],
		[g, b],
	] as const) {
		const answer = await bob.ask('POST', path(eventId), {thread_id: threadId});
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM']);
	}
	// Whoever reads while somebody redacts is not to blame.
	await redact(alice, roomId, b);
	t.is((await bob.ask('POST', path(b), {thread_id: a})).status, 200);
});

test('what was redacted, and what those say whom one ignores, is not unread', async (t) => {
	const {alice, bob, carol, roomId} = await readingRoom(t);
	await carol.join(roomId);
	const root = await alice.say(roomId, 'one');
	const second = await alice.say(roomId, 'two');
	const replied = await reply(carol, roomId, root);
	const {next_batch: since} = await sync(bob);
	t.deepEqual(await countsOf(bob, roomId, root), [2, 1]);
	await redact(alice, roomId, second);
	t.deepEqual(await countsOf(bob, roomId, root), [1, 1]);
	const counted = (await sync(bob, since)).rooms?.join?.[roomId]?.unread_notifications?.notification_count;
	t.is(counted, 2, 'of all threads, in the answer that tells of the redaction');
	await redact(carol, roomId, replied);
	t.deepEqual(await countsOf(bob, roomId, root), [1, undefined]);
	await carol.say(roomId, 'three');
	t.deepEqual(await countsOf(bob, roomId, root), [2, undefined]);
	await ignore(bob, [carol]);
	t.deepEqual(await countsOf(bob, roomId, root), [1, undefined]);
	await carol.say(roomId, 'four');
	t.deepEqual(await countsOf(bob, roomId, root), [1, undefined]);
	await ignore(bob, []);
	t.deepEqual(await countsOf(bob, roomId, root), [3, undefined]);
});

test('of two receipts of one person on one event that of all threads is shown', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const event = await reply(alice, roomId, await alice.say(roomId, 'root'));
	await read(bob, roomId, event);
	const {content} = await alice.do<{content: {'m.relates_to': {event_id: string}}}>(
		'GET',
		`${room(roomId)}/event/${encodeURIComponent(event)}`,
	);
	await read(bob, roomId, event, 'm.read', {thread_id: content['m.relates_to'].event_id});
	const shown = (await receiptsOf(alice, roomId)) as Record<string, Record<string, Record<string, object>>>;
	t.deepEqual(Object.keys(shown[event]?.['m.read']?.[bob.id] ?? {}), ['ts']);
});

test('the marker of what was fully read moves forwards only, and a room can be marked unread', async (t) => {
	const {alice, bob, roomId} = await readingRoom(t);
	const [first, second] = [await alice.say(roomId, 'one'), await alice.say(roomId, 'two')];
	const at = `/user/${encodeURIComponent(bob.id)}${room(roomId)}/account_data`;
	const marker = () => bob.do('GET', `${at}/m.fully_read`);
	await read(bob, roomId, second, 'm.fully_read');
	await read(bob, roomId, first, 'm.fully_read');
	t.deepEqual(await marker(), {event_id: second});
	await bob.do('POST', `${room(roomId)}/read_markers`, {'m.fully_read': first, 'm.read.private': first});
	t.deepEqual(await marker(), {event_id: second});
	const direct = await bob.ask('PUT', `${at}/m.fully_read`, {event_id: first});
	t.is(direct.status, 405);
	const {next_batch: since} = await sync(bob);
	await bob.do('PUT', `${at}/m.marked_unread`, {unread: true});
	const told = (await sync(bob, since)).rooms?.join?.[roomId];
	t.deepEqual(told?.account_data?.events, [{type: 'm.marked_unread', content: {unread: true}}]);
	t.deepEqual(await marker(), {event_id: second});
});
