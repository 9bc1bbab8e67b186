import test, {type ExecutionContext} from 'ava';
import {askV1, idsOf, ignore, readV1, redact, relationsIn, reply} from './conversation.ts';
import {errorOf, newsroom, noRoom, type Person, room} from './newsroom.ts';

async function threads(t: ExecutionContext) {
	const world = await newsroom(t);
	const {alice, bob} = world;
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const [one, two, three] = [
		await alice.say(roomId, 'one'),
		await bob.say(roomId, 'two'),
		await alice.say(roomId, 'three'),
	] as const;
	return {...world, roomId, one, two, three};
}

const list = async (person: Person, roomId: string, query = '') =>
	idsOf((await readV1(person, roomId, `/threads${query}`)).chunk);

test('threads are listed by their first events, that with the latest event first', async (t) => {
	const {alice, bob, roomId, one, two, three} = await threads(t);
	t.deepEqual(await readV1(bob, roomId, '/threads'), {chunk: []});
	await reply(alice, roomId, two);
	await reply(alice, roomId, one);
	await reply(bob, roomId, three);
	t.deepEqual(await list(bob, roomId), [three, one, two]);
	const last = await reply(bob, roomId, two);
	const {chunk} = await readV1(bob, roomId, '/threads');
	t.deepEqual(idsOf(chunk), [two, three, one]);
	const thread = relationsIn(chunk[0])['m.thread'];
	t.like(thread, {count: 2, current_user_participated: true});
	t.is(thread?.latest_event.event_id, last);
	await redact(bob, roomId, last);
	t.deepEqual(await list(bob, roomId), [three, one, two]);
	t.is((await readV1(alice, roomId, '/threads')).next_batch, undefined);
});

test('threads are listed page by page, also of those that one wrote in', async (t) => {
	const {alice, bob, carol, roomId, one, two, three} = await threads(t);
	await carol.join(roomId);
	for (const root of [one, two, three]) await reply(alice, roomId, root);
	await reply(carol, roomId, two);
	const first = await readV1(bob, roomId, '/threads?limit=2');
	t.deepEqual(idsOf(first.chunk), [two, three]);
	const second = await readV1(bob, roomId, `/threads?limit=2&from=${first.next_batch}`);
	t.deepEqual([idsOf(second.chunk), second.next_batch], [[one], undefined]);
	t.deepEqual(await list(carol, roomId, '?include=participated'), [two]);
	t.deepEqual(await list(bob, roomId, '?include=participated'), [two], 'whose thread it is has a part in it');
	t.deepEqual(await list(alice, roomId, '?include=participated'), [two, three, one]);
	t.is((await list(alice, roomId, '?include=all&limit=1')).length, 1);
	const own = await readV1(alice, roomId, '/threads?include=participated&limit=1');
	t.deepEqual(await list(alice, roomId, `?include=participated&from=${own.next_batch}`), [three, one]);
	for (const query of ['from=x', 'limit=0', 'limit=x', 'include=mine']) {
		const answer = await askV1<Record<string, unknown>>(bob, roomId, `/threads?${query}`);
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], query);
	}
});

test('a thread of somebody ignored is listed without its first words, and not at all where only they wrote', async (t) => {
	const {alice, bob, carol, roomId, one, two} = await threads(t);
	await carol.join(roomId);
	await reply(carol, roomId, two);
	await reply(bob, roomId, one);
	await ignore(alice, [bob]);
	const {chunk} = await readV1(alice, roomId, '/threads');
	t.deepEqual(idsOf(chunk), [two]);
	t.deepEqual(chunk[0]?.content, {});
	t.is(relationsIn(chunk[0])['m.thread']?.count, 1);
	t.is((await readV1(carol, roomId, '/threads')).chunk[1]?.content['body'], 'two');
});

test('threads are for those who may read the room, up to when they may', async (t) => {
	const {alice, bob, carol, roomId, one, two} = await threads(t);
	await reply(alice, roomId, one);
	const stranger = await askV1(carol, roomId, '/threads');
	t.is(stranger.status, 403);
	t.deepEqual(errorOf(await askV1(carol, noRoom(roomId), '/threads')), errorOf(stranger as never));
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await reply(alice, roomId, two);
	await reply(alice, roomId, one);
	const {chunk} = await readV1(bob, roomId, '/threads');
	t.deepEqual(idsOf(chunk), [one]);
	t.is(relationsIn(chunk[0])['m.thread']?.count, 1);
});
