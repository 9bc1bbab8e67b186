import test, {type ExecutionContext} from 'ava';
import {askV1, edit, idsOf, ignore, react, readV1, redact, refer, relationsOf, reply, send} from './conversation.ts';
import {errorOf, newsroom, noRoom, type Person, room} from './newsroom.ts';
import {sync} from './sync-answers.ts';

async function thread(t: ExecutionContext) {
	const world = await newsroom(t);
	const roomId = await world.alice.create({preset: 'public_chat'});
	await world.bob.join(roomId);
	const root = await world.alice.say(roomId, 'root');
	return {...world, roomId, root};
}

const list = async (person: Person, roomId: string, eventId: string, more = '') =>
	idsOf((await readV1(person, roomId, relationsOf(eventId, more))).chunk);

test('what relates to an event is listed, by the way and the type', async (t) => {
	const {alice, bob, roomId, root} = await thread(t);
	const replied = await reply(bob, roomId, root);
	const sticker = await send(bob, roomId, 'm.sticker', {'m.relates_to': {rel_type: 'm.thread', event_id: root}});
	const edited = await edit(alice, roomId, root, 'changed');
	const reacted = await react(bob, roomId, root, '👍');
	await send(bob, roomId, 'm.room.message', {body: 'x', 'm.relates_to': {'m.in_reply_to': {event_id: root}}});
	await refer(bob, roomId, edited);
	t.deepEqual(await list(bob, roomId, root), [reacted, edited, sticker, replied]);
	t.deepEqual(await list(bob, roomId, root, '?dir=f'), [replied, sticker, edited, reacted]);
	t.deepEqual(await list(bob, roomId, root, '/m.thread'), [sticker, replied]);
	t.deepEqual(await list(bob, roomId, root, '/m.thread/m.sticker'), [sticker]);
	t.deepEqual(await list(bob, roomId, root, '/m.annotation/m.sticker'), []);
	t.deepEqual(await list(bob, roomId, replied), []);
	// A redacted event relates to nothing, and a redaction to nothing that people said.
	await redact(bob, roomId, replied);
	t.deepEqual(await list(bob, roomId, root, '/m.thread'), [sticker]);
	await redact(alice, roomId, root);
	t.deepEqual(await list(bob, roomId, root), [reacted, edited, sticker]);
	t.deepEqual(await list(bob, roomId, root, '/m.room.redaction'), []);
});

test('pages go on where the last one ended, in either direction, and meet tokens of other endpoints', async (t) => {
	const {alice, bob, roomId, root} = await thread(t);
	const replies: string[] = [];
	for (let index = 0; index < 3; index += 1) replies.push(await reply(bob, roomId, root, `r${index}`));
	const {next_batch: since} = await sync(bob);
	for (let index = 3; index < 7; index += 1) replies.push(await reply(bob, roomId, root, `r${index}`));
	for (const [dir, inOrder] of [
		['f', replies],
		['b', replies.toReversed()],
	] as const) {
		const found: string[] = [];
		let from = '';
		for (let pages = 0; pages < 9; pages += 1) {
			const page = await readV1(alice, roomId, relationsOf(root, `?dir=${dir}&limit=3&from=${from}`));
			t.is(page.prev_batch, from === '' ? undefined : from);
			found.push(...idsOf(page.chunk));
			if (page.next_batch === undefined) break;
			from = encodeURIComponent(page.next_batch);
		}
		t.deepEqual(found, inOrder);
	}
	t.deepEqual(await list(alice, roomId, root, `?dir=f&from=${since}&limit=2`), replies.slice(3, 5));
	t.deepEqual(await list(alice, roomId, root, `?from=${since}`), replies.slice(0, 3).toReversed());
	t.deepEqual(await list(alice, roomId, root, `?to=${since}`), replies.slice(3).toReversed());
	const {end} = await alice.do<{end: string}>('GET', `${room(roomId)}/messages?dir=b&limit=2`);
	t.deepEqual(await list(alice, roomId, root, `?from=${end}&limit=2`), replies.slice(3, 5).toReversed());
	t.deepEqual(await list(alice, roomId, root, '?limit=0'), []);
	for (const query of ['from=nonsense', 'to=1', 'dir=x', 'limit=-1', 'limit=x', 'recurse=maybe']) {
		const answer = await askV1<Record<string, unknown>>(alice, roomId, relationsOf(root, `?${query}`));
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], query);
	}
});

test('relations of relations are followed where that is asked for, filters held at every step', async (t) => {
	const {alice, bob, roomId, root} = await thread(t);
	const one = await reply(bob, roomId, root);
	const two = await refer(alice, roomId, one);
	const three = await react(bob, roomId, two, 'x');
	const four = await refer(bob, roomId, three);
	const five = await refer(bob, roomId, four);
	const page = await readV1(alice, roomId, relationsOf(root, '?recurse=true'));
	t.deepEqual(idsOf(page.chunk), [four, three, two, one]);
	t.true((page.recursion_depth ?? 0) >= 3);
	t.deepEqual(await list(alice, roomId, one, '?recurse=true'), [five, four, three, two]);
	t.deepEqual(await list(alice, roomId, root, '?recurse=false'), [one]);
	t.is((await readV1(alice, roomId, relationsOf(root))).recursion_depth, undefined);
	t.deepEqual(await list(alice, roomId, one, '/m.reference?recurse=true'), [two]);
	t.deepEqual(await list(alice, roomId, two, '/m.annotation/m.reaction?recurse=true'), [three]);
	const first = await readV1(alice, roomId, relationsOf(root, '?recurse=true&limit=3&dir=f'));
	t.deepEqual(idsOf(first.chunk), [one, two, three]);
	t.deepEqual(await list(alice, roomId, root, `?recurse=true&dir=f&from=${first.next_batch}`), [four]);
	// A ring of relations ends.
	const later = await send(bob, roomId, 'm.room.message', {body: 'x'});
	const ring = await refer(bob, roomId, later);
	await send(bob, roomId, 'm.room.message', {body: 'y', 'm.relates_to': {rel_type: 'm.reference', event_id: ring}});
	t.is((await list(alice, roomId, later, '?recurse=true')).length, 2);
});

test('nobody is told of relations to what they may not see, and whoever ignores somebody not of theirs', async (t) => {
	const {alice, bob, carol, roomId, root} = await thread(t);
	const own = await reply(alice, roomId, root);
	await reply(bob, roomId, root);
	const stranger = await askV1<Record<string, unknown>>(carol, roomId, relationsOf(root));
	t.is(stranger.status, 404);
	for (const [where, what] of [
		[noRoom(roomId), root],
		[roomId, '$nothing'],
		[noRoom(roomId), '$nothing'],
	] as const) {
		t.deepEqual(errorOf(await askV1(carol, where, relationsOf(what))), errorOf(stranger));
	}
	t.is((await askV1(alice, roomId, relationsOf('$nothing'))).status, 404);
	const other = await alice.create();
	t.is((await askV1(alice, other, relationsOf(root))).status, 404);
	await ignore(alice, [bob]);
	t.deepEqual(await list(alice, roomId, root), [own]);
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'joined'});
	await reply(bob, roomId, root);
	await carol.join(roomId);
	const seen = await reply(bob, roomId, root);
	const shown = await list(carol, roomId, root);
	t.is(shown.length, 3);
	t.is(shown[0], seen);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await reply(alice, roomId, root);
	t.is((await list(bob, roomId, root))[0], seen);
});
