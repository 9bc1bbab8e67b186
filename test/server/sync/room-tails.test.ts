/** What is committed while events are read, as other processes and slow databases do it all the time. */
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {EventId, RoomId} from '../../../crypto/index.ts';
import type {EventNid} from '../../../storage/index.ts';
import {type App, call, register, type Session, startApp, until} from '../../harness/index.ts';

const CLIENT = '/_matrix/client/v3';

interface Shown {
	readonly next_batch: string;
	readonly rooms?: {
		readonly join?: Record<
			string,
			{readonly timeline: {readonly events: {readonly event_id: EventId; readonly content: object}[]}}
		>;
	};
}

async function setUp(t: ExecutionContext) {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const token = alice.access_token;
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', `${CLIENT}/createRoom`, {token, body: {}});
	const sync = async (since?: string): Promise<Shown> =>
		call<Shown>(app, 'GET', `${CLIENT}/sync${since === undefined ? '' : `?since=${since}`}`, {token});
	const eventsOf = (shown: Shown) => shown.rooms?.join?.[roomId]?.timeline.events ?? [];
	return {app, alice, roomId, sync, eventsOf};
}

async function say(app: App, {access_token: token}: Session, roomId: string, body: string): Promise<EventId> {
	const path = `${CLIENT}/rooms/${roomId}/send/m.room.message/${body}`;
	return (await call<{event_id: EventId}>(app, 'PUT', path, {token, body: {msgtype: 'm.text', body}})).event_id;
}

/** Holds the next answer of the database to the question for an event, once it has been read. */
async function holdReading(app: App, eventId: EventId): Promise<{readonly isRead: () => boolean; open(): void}> {
	const {events} = app.application.storage;
	const nid = (await events.findById(eventId))?.nid as EventNid;
	const read = events.findByNids.bind(events);
	let isRead = false;
	let open = (): void => undefined;
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	Object.assign(events, {
		findByNids: async (nids: readonly EventNid[]) => {
			const rows = await read(nids);
			if (!nids.includes(nid) || isRead) return rows;
			isRead = true;
			await opened;
			return rows;
		},
	});
	return {isRead: () => isRead, open: () => open()};
}

test('an event that is committed while others are read is told with the next answer', async (t) => {
	const {app, alice, roomId, sync, eventsOf} = await setUp(t);
	const {next_batch: since} = await sync();
	const first = await say(app, alice, roomId, 'first');
	const reading = await holdReading(app, first);
	const syncing = sync(since);
	await until(reading.isRead, 'the first event is read');
	const second = await say(app, alice, roomId, 'second');
	reading.open();
	const shown = await syncing;
	t.deepEqual(
		eventsOf(shown).map(({event_id: eventId}) => eventId),
		[first],
	);
	t.deepEqual(
		eventsOf(await sync(shown.next_batch)).map(({event_id: eventId}) => eventId),
		[second],
	);
});

test('an event that is redacted while it is read is shown redacted from then on', async (t) => {
	const {app, alice, roomId, sync, eventsOf} = await setUp(t);
	const {next_batch: since} = await sync();
	const secret = await say(app, alice, roomId, 'secret');
	const reading = await holdReading(app, secret);
	const syncing = sync(since);
	await until(reading.isRead, 'the event is read');
	const token = alice.access_token;
	await call(app, 'PUT', `${CLIENT}/rooms/${roomId}/redact/${secret}/1`, {token, body: {}});
	reading.open();
	await syncing;
	const [event] = eventsOf(await sync()).filter(({event_id: eventId}) => eventId === secret);
	t.deepEqual(event?.content, {});
});

test('who comes back while an answer is made is not shown the room before the answer that tells of it', async (t) => {
	const {app, alice, sync} = await setUp(t);
	// Another process over the same database.
	const other = await startApp(t, {config: {data: join(app.directory, 'data')}});
	const {access_token: token} = await register(app, 'bob');
	const body = {preset: 'public_chat'};
	const {room_id: roomId} = await call<{room_id: RoomId}>(app, 'POST', `${CLIENT}/createRoom`, {token, body});
	const move = (of: App, verb: string) =>
		call(of, 'POST', `${CLIENT}/rooms/${roomId}/${verb}`, {token: alice.access_token, body: {}});
	await move(app, 'join');
	const {next_batch: since} = await sync();
	const {memberships} = app.application.storage;
	const find = memberships.find.bind(memberships);
	let isBack = false;
	await move(app, 'leave');
	Object.assign(memberships, {
		find: async (...asked: Parameters<typeof find>) => {
			if (!isBack && asked[0] === roomId) {
				isBack = true;
				await move(other, 'join');
			}
			return find(...asked);
		},
	});
	const shown: EventId[] = [];
	let next = since;
	for (let n = 0; n < 3; n += 1) {
		const answer = await sync(next);
		next = answer.next_batch;
		const events = answer.rooms?.join?.[roomId]?.timeline.events ?? [];
		shown.push(...events.map(({event_id: eventId}) => eventId));
	}
	t.true(isBack);
	t.true(shown.length > 0);
	t.is(new Set(shown).size, shown.length);
});
