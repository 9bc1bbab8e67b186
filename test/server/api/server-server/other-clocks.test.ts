/** Row G2 of the list of threats: what another server says of the time decides nothing here. */
import test from 'ava';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path} from '../../../harness/index.ts';
import {bodies, hear, say, startShared} from './world.ts';

interface Synced {
	readonly next_batch: string;
	readonly rooms?: {
		readonly join?: Readonly<
			Record<string, {readonly timeline: {readonly events: readonly {readonly content: {readonly body?: string}}[]}}>
		>;
	};
}

test('G2: messages stand in the order in which they came, whatever time their server says it is', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer, room, roomId, bob} = host;
	const sync = (since?: string) =>
		call<Synced>(app, 'GET', `/_matrix/client/v3/sync${since ? `?since=${since}` : ''}`, {token: alice.access_token});
	let {next_batch: since} = await sync();
	const now = Date.now();
	const times = {
		one: now,
		two: 0,
		three: now + 20 * 3_600_000,
		four: 1,
		five: now - 20 * 365 * 86_400_000,
		six: now + 3_600_000,
	};
	const told: string[] = [];
	for (const [body, originServerTs] of Object.entries(times)) {
		await peer.send(body, [toFederationEvent(peer.message(room, bob, body, {originServerTs}))]);
		await hear(host, roomId, body);
		const answer = await sync(since);
		since = answer.next_batch;
		told.push(...(answer.rooms?.join?.[roomId]?.timeline.events ?? []).map((event) => event.content.body ?? ''));
	}
	await say(host, roomId, 'seven');
	t.deepEqual(await bodies(host, roomId), [...Object.keys(times), 'seven']);
	t.deepEqual(told, Object.keys(times), 'each was news once');
	const again = await sync();
	t.is(again.rooms?.join?.[roomId]?.timeline.events.at(-1)?.content.body, 'seven');
});

test('G2: a receipt counts by what it is for, and not by the time that it says', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer, roomId, bob} = host;
	const {event_id: first} = await say(host, roomId, 'first');
	const {event_id: second} = await say(host, roomId, 'second');
	const read = (eventId: string, ts: number, txnId: string) =>
		peer.sendEdu(txnId, 'm.receipt', {[roomId]: {'m.read': {[bob]: {event_ids: [eventId], data: {ts}}}}});
	await read(first, Date.now() + 300 * 365 * 86_400_000, 't1');
	await read(second, 0, 't2');
	const synced = await call<{rooms: {join: Record<string, {ephemeral: {events: {content: object}[]}}>}}>(
		app,
		'GET',
		'/_matrix/client/v3/sync',
		{token: alice.access_token},
	);
	const [receipts] = synced.rooms.join[roomId]?.ephemeral.events ?? [];
	t.deepEqual(Object.keys(receipts?.content ?? {}), [second]);
});

test('G2: an event by time is found where others lie about theirs, and nothing fails', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer, room, roomId, bob} = host;
	const {event_id: eventId} = await say(host, roomId, 'honest');
	for (const [body, originServerTs] of Object.entries({past: 0, future: Date.now() + 3_600_000})) {
		await peer.send(body, [toFederationEvent(peer.message(room, bob, body, {originServerTs}))]);
		await hear(host, roomId, body);
	}
	const at = `/_matrix/client/v1/rooms/${path(roomId)}/timestamp_to_event?dir=b&ts=${Date.now()}`;
	const found = await call<{event_id: string}>(app, 'GET', at, {token: alice.access_token});
	t.is(found.event_id, eventId);
});
