import test from 'ava';
import type {JsonObject, RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import {newsroom} from '../api/client-server/newsroom.ts';
import {sync} from '../api/client-server/sync-answers.ts';

const origin = 'partner.example' as ServerName;
const erin = `@erin:${origin}` as UserId;

test('receipts of another server are taken of its own people, and only forwards', async (t) => {
	const {app, alice} = await newsroom(t);
	const roomId = (await alice.create({preset: 'public_chat'})) as RoomId;
	const {storage, services} = app.application;
	const events = [await alice.say(roomId, 'one'), await alice.say(roomId, 'two')] as const;
	const batch = storage.batch();
	const pos = batch.announce({kind: 'membership', roomId, subject: erin});
	const member = {roomId, membership: 'join', eventNid: null, isLocal: false, strippedState: null, pos} as const;
	storage.memberships.set(batch, {...member, userId: erin, sender: erin});
	await storage.commit(batch);
	const receive = (userId: string, eventId: string, data: JsonObject = {ts: 1}, from = origin) =>
		services.receipts.receive(from, {[roomId]: {'m.read': {[userId]: {event_ids: [eventId], data}}}});
	const shown = async (): Promise<unknown> =>
		(await sync(alice)).rooms?.join?.[roomId]?.ephemeral?.events.find(({type}) => type === 'm.receipt')?.content;
	await receive(erin, events[1]);
	await receive(erin, events[0]);
	t.deepEqual(await shown(), {[events[1]]: {'m.read': {[erin]: {ts: 1}}}});
	await receive(erin, events[0], {ts: 2, thread_id: 'main'});
	const both = {
		[events[1]]: {'m.read': {[erin]: {ts: 1}}},
		[events[0]]: {'m.read': {[erin]: {ts: 2, thread_id: 'main'}}},
	};
	t.deepEqual(await shown(), both);
	// No database could index the last; D4: nobody speaks for others.
	for (const threadId of ['', 'x', 7, `$${'x'.repeat(40_000)}`])
		await receive(erin, events[1], {ts: 3, thread_id: threadId});
	await receive(alice.id, events[1]);
	await receive(erin, events[0], {ts: 4}, 'other.example' as ServerName);
	await receive('@nobody:partner.example', events[1]);
	t.deepEqual(await shown(), both);
});
