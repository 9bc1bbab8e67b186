import test, {type ExecutionContext} from 'ava';
import {
	bundleOf,
	edit,
	idsOf,
	ignore,
	react,
	readV1,
	redact,
	refer,
	relationsIn,
	relationsOf,
	reply,
	send,
	show,
} from '../api/client-server/conversation.ts';
import {type ClientEvent, newsroom, type Person, room} from '../api/client-server/newsroom.ts';
import {sync} from '../api/client-server/sync-answers.ts';

async function talk(t: ExecutionContext, wish: object = {}) {
	const world = await newsroom(t);
	const roomId = await world.alice.create({preset: 'public_chat', ...wish});
	await world.bob.join(roomId);
	const root = await world.alice.say(roomId, 'root');
	return {...world, roomId, root};
}

/** The latest edit of an event as a person is told it. */
const editOf = async (person: Person, roomId: string, eventId: string): Promise<string | undefined> =>
	(await bundleOf(person, roomId, eventId))['m.replace']?.event_id;

test('an event comes with its latest edit, and keeps its own content', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	t.deepEqual(await bundleOf(bob, roomId, root), {});
	await edit(alice, roomId, root, 'first');
	const second = await edit(alice, roomId, root, 'second');
	const event = await show(bob, roomId, root);
	t.is(event.content['body'], 'root');
	const {'m.replace': replace} = relationsIn(event);
	t.like(replace, {event_id: second, sender: alice.id, type: 'm.room.message', room_id: roomId});
	t.like(replace?.content['m.new_content'], {body: 'second'});
	t.is(typeof replace?.unsigned?.['age'], 'number');
	await redact(alice, roomId, second);
	t.not(await editOf(bob, roomId, root), second);
	t.truthy(await editOf(bob, roomId, root));
	await redact(alice, roomId, root);
	t.deepEqual(await bundleOf(bob, roomId, root), {});
});

test('what is no valid edit is none', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	const relates = (eventId: string) => ({'m.relates_to': {rel_type: 'm.replace', event_id: eventId}});
	await edit(bob, roomId, root, 'by somebody else');
	await send(alice, roomId, 'm.room.message', {msgtype: 'm.text', body: 'no new content', ...relates(root)});
	await send(alice, roomId, 'm.sticker', {body: 'another type', 'm.new_content': {}, ...relates(root)});
	const content = {'m.new_content': {body: 'x'}, ...relates(root)};
	await alice.setState(roomId, 'm.room.message', content, 'a state key');
	const other = await alice.create();
	await edit(alice, other, root, 'in another room');
	t.deepEqual(await bundleOf(alice, roomId, root), {});
	const valid = await edit(alice, roomId, root, 'valid');
	t.is(await editOf(alice, roomId, root), valid);
	await edit(alice, roomId, valid, 'an edit of an edit');
	t.deepEqual(await bundleOf(alice, roomId, valid), {});
	// State events come without what relates to them.
	const topic = await alice.setState(roomId, 'm.room.topic', {topic: 'x'});
	await refer(bob, roomId, topic);
	t.deepEqual(await bundleOf(alice, roomId, topic), {});
	const encrypted = await send(alice, roomId, 'm.room.encrypted', {ciphertext: 'a'});
	const encryptedEdit = await send(alice, roomId, 'm.room.encrypted', {ciphertext: 'b', ...relates(encrypted)});
	t.is(await editOf(bob, roomId, encrypted), encryptedEdit);
});

test('a thread is told by its latest event, its size, and whether the reader wrote in it', async (t) => {
	const {alice, bob, carol, roomId, root} = await talk(t);
	await carol.join(roomId);
	await reply(bob, roomId, root, 'one');
	const last = await reply(bob, roomId, root, 'two');
	const change = await edit(bob, roomId, last, 'three');
	await react(alice, roomId, last, '👍');
	const thread = async (person: Person) => (await bundleOf(person, roomId, root))['m.thread'];
	const told = await thread(alice);
	t.like(told, {count: 2, current_user_participated: true});
	t.is(told?.latest_event.event_id, last);
	t.is(relationsIn(told?.latest_event)['m.replace']?.event_id, change);
	t.is((await thread(carol))?.current_user_participated, false);
	await reply(carol, roomId, root);
	t.like(await thread(carol), {count: 3, current_user_participated: true});
	await redact(alice, roomId, last);
	t.like(await thread(bob), {count: 2, current_user_participated: true});
	// The thread of a redacted root goes on; its text does not come back.
	await redact(alice, roomId, root);
	t.is((await thread(bob))?.count, 2);
});

test('references are listed, reactions are not', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	await react(bob, roomId, root, '👍');
	t.deepEqual(await bundleOf(alice, roomId, root), {});
	const references = [await refer(alice, roomId, root), await refer(bob, roomId, root)];
	const told = async () => (await bundleOf(alice, roomId, root))['m.reference']?.chunk.map(({event_id: id}) => id);
	t.deepEqual(await told(), references);
	await redact(bob, roomId, references[1]!);
	t.deepEqual(await told(), [references[0]!]);
});

test('whom one ignores has no part in what one is told', async (t) => {
	const {alice, bob, carol, roomId, root} = await talk(t);
	await carol.join(roomId);
	const first = await reply(carol, roomId, root);
	await reply(bob, roomId, root);
	await refer(bob, roomId, root);
	await ignore(alice, [bob]);
	const told = await bundleOf(alice, roomId, root);
	t.like(told['m.thread'], {count: 1});
	t.is(told['m.thread']?.latest_event.event_id, first);
	t.is(told['m.reference'], undefined);
	t.is((await bundleOf(carol, roomId, root))['m.thread']?.count, 2);
	await ignore(alice, [bob, carol]);
	t.deepEqual(await bundleOf(alice, roomId, root), {});
	await ignore(alice, []);
	t.is((await bundleOf(alice, roomId, root))['m.thread']?.count, 2);
});

test('E2: who has left is told of nothing that came later', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	const seen = await reply(alice, roomId, root);
	const seenEdit = await edit(alice, roomId, root, 'before');
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await reply(alice, roomId, root);
	await edit(alice, roomId, root, 'after');
	await refer(alice, roomId, root);
	const told = await bundleOf(bob, roomId, root);
	t.is(told['m.replace']?.event_id, seenEdit);
	t.like(told['m.thread'], {count: 1});
	t.is(told['m.thread']?.latest_event.event_id, seen);
	t.is(told['m.reference'], undefined);
});

test('what is hidden by the history’s visibility is not told either', async (t) => {
	const {alice, bob, carol, roomId, root} = await talk(t);
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'joined'});
	await reply(bob, roomId, root, 'before carol');
	await refer(bob, roomId, root, 'before carol');
	await edit(alice, roomId, root, 'before carol');
	await carol.join(roomId);
	const told = await bundleOf(carol, roomId, root);
	t.deepEqual(told, {});
	const seen = await reply(bob, roomId, root, 'carol is there');
	t.like((await bundleOf(carol, roomId, root))['m.thread'], {count: 1});
	t.is((await bundleOf(carol, roomId, root))['m.thread']?.latest_event.event_id, seen);
	t.is((await bundleOf(bob, roomId, root))['m.thread']?.count, 2);
});

test('every endpoint that the specification lists tells them, and /sync where it has a gap', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	const {next_batch: since} = await sync(bob);
	const change = await edit(alice, roomId, root, 'changed');
	const rooted = (events: readonly ClientEvent[]) => events.find(({event_id: id}) => id === root);
	const isTold = (event: ClientEvent | undefined) => relationsIn(event)['m.replace']?.event_id === change;
	const {chunk} = await bob.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/messages?dir=b`);
	t.true(isTold(rooted(chunk)));
	const context = await bob.do<{event: ClientEvent; events_before: ClientEvent[]; events_after: ClientEvent[]}>(
		'GET',
		`${room(roomId)}/context/${encodeURIComponent(root)}`,
	);
	t.true(isTold(context.event));
	const later = await bob.do<typeof context>('GET', `${room(roomId)}/context/${encodeURIComponent(change)}`);
	t.true(isTold(rooted(later.events_before)));
	await refer(alice, roomId, change);
	const related = await readV1(bob, roomId, relationsOf(root));
	t.is(relationsIn(related.chunk[0])['m.reference']?.chunk.length, 1);
	await reply(alice, roomId, root);
	t.true(isTold((await readV1(bob, roomId, '/threads')).chunk[0]));
	const news = (await sync(bob, since)).rooms?.join?.[roomId]?.timeline;
	t.false(news?.limited);
	t.true(news?.events.every((event) => event.unsigned?.['m.relations'] === undefined));
	const whole = (await sync(bob, undefined, {filter: {room: {timeline: {limit: 4}}}})).rooms?.join?.[roomId]?.timeline;
	t.true(whole?.limited);
	t.is(whole?.events.length, 4);
	const shown = rooted(whole?.events ?? []);
	t.true(isTold(shown));
	t.is(relationsIn(shown)['m.replace']?.room_id, undefined, 'in the form of the event itself');
	const state = await bob.do<ClientEvent[]>('GET', `${room(roomId)}/state`);
	t.true(state.every((event) => event.unsigned?.['m.relations'] === undefined));
});

test('of edits with one time the greater id is the latest, and the time goes before the order of arrival', async (t) => {
	const {app, alice, bob, roomId, root} = await talk(t);
	app.advance(3_600_000);
	const late = await edit(alice, roomId, root, 'an hour later');
	app.advance(-3_600_000);
	await edit(alice, roomId, root, 'sent after it, at an earlier time');
	t.is(await editOf(bob, roomId, root), late);
	// Within one millisecond or not: whatever the times, the order is the specification's.
	const edits = await Promise.all(Array.from({length: 20}, (_, index) => edit(alice, roomId, root, `e${index}`)));
	app.advance(3_600_001);
	const same = await Promise.all(Array.from({length: 20}, (_, index) => edit(alice, roomId, root, `s${index}`)));
	const shown = await Promise.all([...edits, ...same].map((id) => show(alice, roomId, id)));
	const times = shown.map((event) => ({
		id: event.event_id,
		ts: (event as {origin_server_ts?: number}).origin_server_ts ?? 0,
	}));
	const latest = times.toSorted((a, b) => b.ts - a.ts || (a.id < b.id ? 1 : -1))[0]!;
	t.is(await editOf(bob, roomId, root), latest.id);
});

test('a device is told the transactions of its own events, also of those within others', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	await edit(alice, roomId, root, 'changed');
	const transaction = async (person: Person) =>
		(await bundleOf(person, roomId, root))['m.replace']?.unsigned?.['transaction_id'];
	t.is(typeof (await transaction(alice)), 'string');
	t.is(await transaction(bob), undefined);
});

test('a thread that nobody can count in one look is counted all the same', async (t) => {
	const {alice, bob, roomId, root} = await talk(t);
	const replies = await Promise.all(Array.from({length: 60}, (_, index) => reply(bob, roomId, root, `r${index}`)));
	t.is((await bundleOf(alice, roomId, root))['m.thread']?.count, 60);
	const {chunk} = await readV1(alice, roomId, relationsOf(root, '/m.thread?limit=1'));
	t.deepEqual(idsOf(chunk), [(await bundleOf(alice, roomId, root))['m.thread']?.latest_event.event_id]);
	t.true(replies.includes(idsOf(chunk)[0]!));
});
