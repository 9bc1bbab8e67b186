import type {DeviceId, EventId, JsonObject, RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import type {Engine} from '../../../federation/engine/index.ts';
import {toFederationEvent} from '../../../federation/rooms/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {onBoth, onPostgres, serverName, type TestDatabase} from '../../contract/databases.ts';
import {engineOver, firstEvents, gated} from '../../harness/engine.ts';
import {until} from '../../harness/index.ts';

const alice = `@alice:${serverName}` as UserId;

const message = (body: string) => ({
	type: 'm.room.message',
	sender: alice,
	content: {msgtype: 'm.text', body} as JsonObject,
});

const transaction = (roomId: RoomId, txnId: string) => ({
	userId: alice,
	deviceId: 'PHONE' as DeviceId,
	method: 'PUT',
	endpoint: 'sendMessage',
	roomId,
	txnId,
});

/** Two processes' engines over one database. */
async function openTwo(database: TestDatabase) {
	const storages = [await database.open(), await database.open()] as const;
	const [one, two] = storages.map((storage) => engineOver(storage, serverName)) as [Engine, Engine];
	return {one, two, storage: storages[0], other: storages[1]};
}

onPostgres('two processes send into one room at once: nothing is lost, and the order is one', async (t, database) => {
	const {one, two, storage} = await openTwo(database);
	const {roomId} = await one.createRoom({version: '12', events: firstEvents('12', alice)});
	const wanted: string[] = [];
	await Promise.all(
		Array.from({length: 30}, async (_, n) => {
			wanted.push(`one ${n}`, `two ${n}`);
			await Promise.all([
				one.send({roomId, event: message(`one ${n}`)}),
				two.send({roomId, event: message(`two ${n}`)}),
			]);
		}),
	);
	await storage.barrier();
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	const events = await one.readRows(rows);
	const bodies = events.map(({pdu}) => pdu.content['body']).filter((body) => typeof body === 'string');
	const compare = (a: string, b: string): number => (a < b ? -1 : 1);
	t.deepEqual(bodies.toSorted(compare), wanted.toSorted(compare));
	// Each event was built on a head that had all before it: the graph is one line.
	for (const [index, {pdu}] of events.entries()) {
		if (index > 0) t.deepEqual(pdu.prevEvents, [events[index - 1]?.pdu.eventId]);
	}
});

onPostgres('one transaction sent to two processes at once makes one event', async (t, database) => {
	const {one, two, storage} = await openTwo(database);
	const {roomId} = await one.createRoom({version: '11', events: firstEvents('11', alice)});
	for (let n = 0; n < 10; n += 1) {
		const request = {roomId, event: message(`${n}`), transaction: transaction(roomId, `${n}`)};
		const [a, b] = await Promise.all([one.send(request), two.send(request)]);
		t.is(a.eventId, b.eventId);
	}
	await storage.barrier();
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	t.is(rows.length, 5 + 10);
});

onPostgres('what one process commits, another one shows as soon as it has passed the barrier', async (t, database) => {
	const {one, two, other} = await openTwo(database);
	const events = firstEvents('11', alice, 'public');
	const {roomId} = await one.createRoom({version: '11', events});
	const bob = '@bob:b.example' as UserId;
	const join = (await two.findRoom(roomId))?.extremities ?? [];
	t.is(join.length, 1);
	for (let n = 0; n < 20; n += 1) {
		const topic = {type: 'm.room.topic', stateKey: '', sender: alice, content: {topic: `${n}`}};
		const sent = await one.send({roomId, event: topic});
		await other.barrier();
		const room = await two.findRoom(roomId);
		t.deepEqual(room?.extremities, [sent.eventId]);
		t.is((await room?.findState('m.room.topic', ''))?.eventId, sent.eventId);
		// Its own next event is built on what it has heard.
		const answer = await two.send({roomId, event: message(`answer ${n}`)});
		t.deepEqual(answer.pdu.prevEvents, [sent.eventId]);
	}
	// Who is in the room follows from what the states differ in.
	for (const membership of ['join', 'leave', 'join']) {
		const member = {type: 'm.room.member', stateKey: bob, sender: bob, content: {membership}};
		const proto = await one.makeProto(roomId, member);
		const pdu = one.signFromProto({
			...proto,
			roomId,
			event: member,
			prevEvents: proto.event['prev_events'] as EventId[],
			authEvents: proto.event['auth_events'] as EventId[],
			depth: Number(proto.event['depth']),
		});
		const origin = 'b.example' as ServerName;
		await one.receive({roomId, json: toFederationEvent(pdu), origin, relay: true});
		await other.barrier();
		t.is((await two.findRoom(roomId))?.isServerJoined(origin), membership === 'join');
	}
});

onPostgres('who asks while a moved head is being read waits for it as well', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()];
	let reading = Promise.resolve();
	const find: Storage['rooms']['find'] = async (roomId) => {
		await reading;
		return other.rooms.find(roomId);
	};
	const rooms = Object.create(other.rooms, {find: {value: find}});
	const one = engineOver(storage, serverName);
	const two = engineOver(Object.create(other, {rooms: {value: rooms}}), serverName);
	const {roomId} = await one.createRoom({version: '11', events: firstEvents('11', alice)});
	await two.findRoom(roomId);
	let open = (): void => undefined;
	reading = new Promise((resolve) => {
		open = resolve;
	});
	const {eventId} = await one.send({roomId, event: message('news')});
	await other.barrier();
	const asked = [two.findRoom(roomId), two.findRoom(roomId), two.findRoom(roomId)];
	for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
	open();
	for (const room of await Promise.all(asked)) t.deepEqual(room?.extremities, [eventId]);
});

onPostgres('nobody is refused by a head that another process has moved meanwhile', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()];
	const {wrapped, gate, close} = gated(other);
	const [one, two] = [engineOver(storage, serverName), engineOver(wrapped, serverName)];
	const {roomId} = await one.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	const bob = `@bob:${serverName}` as UserId;
	await two.findRoom(roomId);
	close();
	const first = two.send({roomId, event: message('built on the old head')});
	await until(() => gate.waiting === 1, 'the first message is on its way');
	const join = {type: 'm.room.member', stateKey: bob, sender: bob, content: {membership: 'join'}};
	const joined = await one.send({roomId, event: join});
	await other.barrier();
	const second = two.send({roomId, event: {...message('hello'), sender: bob}});
	for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
	gate.open();
	const [{eventId}, {pdu}] = await Promise.all([first, second]);
	t.true(pdu.prevEvents.includes(eventId) || pdu.prevEvents.includes(joined.eventId));
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	t.is(rows.length, 5 + 3);
});

onBoth('a room goes on after a restart as if nothing had been', async (t, database) => {
	const first = await database.open();
	const engine = engineOver(first, serverName);
	const {roomId} = await engine.createRoom({version: '12', events: firstEvents('12', alice)});
	const sent = await engine.send({roomId, event: message('before'), transaction: transaction(roomId, 'x')});
	await database.close(first);
	const second = await database.open();
	const again = engineOver(second, serverName);
	const repeated = await again.send({roomId, event: message('before'), transaction: transaction(roomId, 'x')});
	t.is(repeated.eventId, sent.eventId);
	const next = await again.send({roomId, event: message('after')});
	t.deepEqual(next.pdu.prevEvents, [sent.eventId]);
	t.is((await again.findRoom(roomId))?.depth, 7);
});
