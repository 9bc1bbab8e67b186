/** What sending costs where there are many servers, many rooms, or much to catch up on. */
import test from 'ava';
import type {JsonObject, RoomId, ServerName} from '../../../crypto/index.ts';
import {OutboundError} from '../../../federation/outbound/index.ts';
import {until} from '../../harness/client.ts';
import {alice, room, SenderWorld, sendToDevice, them} from './sender-world.ts';

const third = 'third.example' as ServerName;
const down = () => Promise.reject(new OutboundError('unreachable', 'down'));
const numbers = (from: number, to: number): string[] =>
	Array.from({length: to - from + 1}, (_, index) => `${from + index}`);

/** Makes rooms that the peer is in. */
async function makeRooms(world: SenderWorld, count: number): Promise<RoomId[]> {
	const rooms = numbers(1, count).map((name) => `!r${name}:us.example` as RoomId);
	const batch = world.storage.batch();
	for (const roomId of rooms) world.storage.rooms.add(batch, {roomId, version: '11', creator: alice});
	await world.storage.commit(batch);
	for (const roomId of rooms) await world.setServer(roomId, them, true);
	return rooms;
}

test('a crash between sending and the answer: what may have been taken is sent again, the same bytes under the same id', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(1);
	await world.settle();
	await world.pass(1000);
	world.answer = () => new Promise(() => undefined);
	world.clock.advance(1234);
	await world.sendEvents(2);
	await until(() => world.sent.length === 2, 'it is on its way');
	t.is(await world.storage.cursors.find('federation:them.example'), undefined, 'nothing is written for the server');
	world.clock.advance(999_999);
	await world.restart({crash: true});
	await until(() => world.sent.length === 3, 'it is on its way again');
	t.deepEqual(world.sent[2], world.sent[1]);
	await world.restart();
	t.like(await world.storage.cursors.find('federation:them.example'), {inFlight: {body: world.sent[1]?.raw}});
	world.answer = () => Promise.resolve({});
	await world.restart();
	await world.settle();
	t.deepEqual(world.sent.slice(3), [world.sent[1], world.sent[1]], 'after a clean end too');
	t.is(await world.storage.cursors.find('federation:them.example'), undefined);
});

test('a server that is slow to answer holds nobody back: its body is written down while it is on its way', async (t) => {
	const world = await SenderWorld.open(t);
	let answer: (() => void) | undefined;
	world.answer = ({server}) =>
		server === them ? new Promise((resolve) => (answer = () => resolve({}))) : Promise.resolve({});
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	const first = await world.sendEvents(1);
	await until(() => world.sent.length === 2, 'both are sent it');
	const mark = async () => (await world.storage.cursors.find('federation-out'))?.acked ?? 0;
	world.clock.advance(1000);
	t.true((await mark()) < first);
	world.clock.advance(4000);
	await until(async () => (await world.storage.cursors.find('federation:them.example')) !== undefined, 'a row');
	await world.sendEvents(1);
	await until(() => world.bodies(third).length === 2, 'the other one is told');
	world.clock.advance(60_000);
	await until(async () => (await mark()) > first, 'the mark moves on');
	answer?.();
	await until(() => world.bodies().length === 2, 'the next');
	const row = await world.storage.cursors.find('federation:them.example');
	t.is(row?.acked, first, 'what the mark has passed is written before it is sent');
	answer?.();
	await world.settle();
	t.is(await world.storage.cursors.find('federation:them.example'), undefined);
	t.deepEqual([world.bodies(), world.bodies(third)], [numbers(1, 2), numbers(1, 2)]);
});

test('an event in a room of 5,000 servers writes nothing for each of them', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	const servers = numbers(1, 5000).map((number) => `s${number}.example` as ServerName);
	const batch = world.storage.batch();
	const pos = batch.announce({kind: 'state', roomId: room});
	for (const server of servers) world.storage.memberships.addServer(batch, room, server, pos);
	await world.storage.commit(batch);
	const failing = new Set(servers.slice(0, 3));
	world.answer = ({server}) => (failing.has(server) ? down() : Promise.resolve({}));
	await world.sendEvents(1);
	await until(() => world.sent.length >= 5000 && world.sender.figures().isIdle, 'all are told');
	await world.pass(1000);

	let statements = 0;
	const commit = world.storage.commit.bind(world.storage);
	world.storage.commit = (written) => {
		statements += written.operations.length;
		return commit(written);
	};
	world.sent.length = 0;
	for (let event = 0; event < 3; event++) {
		await world.sendEvents(1);
		// The event and the stream's row of it.
		statements -= 1;
		await until(() => world.sent.length >= 4997 * (event + 1) && world.sender.figures().isIdle, 'all are told');
	}
	t.is(statements, 0, 'while it is told');
	await world.pass(1000);
	t.true(statements <= 1 + 2 * failing.size, `${statements} rows afterwards: the mark, and failures`);
	t.is(new Set(world.sent.filter(({server}) => !failing.has(server)).map(({server}) => server)).size, 4997);
	t.is((await world.storage.cursors.list('federation:', {limit: 100})).length, failing.size);
});

test('a server that was away while much happened learns the newest of each room first, and every EDU', async (t) => {
	const world = await SenderWorld.open(t);
	const rooms = await makeRooms(world, 60);
	world.answer = down;
	await world.sender.start();
	await world.sendEvents(1, {roomId: rooms[0] as RoomId});
	await world.settle();
	for (let turn = 0; turn < 2; turn++) {
		for (const roomId of rooms) await world.sendEvents(10, {roomId});
		for (let message = 0; message < 60; message++) await sendToDevice(world, `${turn}.${message}`);
	}
	world.sent.length = 0;
	world.answer = () => Promise.resolve({});
	world.clock.advance(3_600_000);
	await until(() => world.sender.figures().active === 0, 'all is delivered');
	const caughtUp = world.sent.slice(1);
	t.true(world.sent.length < 8, `${world.sent.length} transactions`);
	const last = world.bodies().slice(1);
	t.deepEqual(
		last.slice(0, 60),
		numbers(1, 60).map((index) => `${1201 - (Number(index) - 1) * 10}`),
	);
	t.deepEqual(
		caughtUp.flatMap(({edus}) => edus.map(({content}) => (content as JsonObject)['message_id'])),
		[0, 1].flatMap((turn) => Array.from({length: 60}, (_, message) => `${turn}.${message}`)),
	);
	await world.sendEvents(2, {roomId: rooms[3] as RoomId});
	await world.settle();
	t.deepEqual(world.bodies().slice(-2), ['1202', '1203']);
});

test('R7: a server that is away for seven days is asked twenty times, and knows the newest of every room a minute after', async (t) => {
	const world = await SenderWorld.open(t);
	const rooms = await makeRooms(world, 500);
	world.answer = down;
	await world.sender.start();
	for (let day = 0; day < 7; day++) {
		for (const roomId of rooms) await world.sendEvents(day === 6 ? 2 : 3, {roomId});
		await world.pass(86_400_000);
	}
	const probes = world.sent.length - 1;
	t.true(probes <= 20, `${probes} probes`);
	t.is(new Set(world.sent.map(({txnId}) => txnId)).size, 1);
	t.is(
		(await world.storage.cursors.list('federation', {limit: 10})).length,
		2,
		'the mark, and one body: all that waits',
	);
	world.sent.length = 0;
	const taken = new Set<unknown>();
	world.answer = ({pdus}) => {
		for (const pdu of pdus) taken.add((pdu['content'] as JsonObject)['body']);
		return Promise.resolve({});
	};
	const begunMs = world.clock.now();
	world.sender.noteContact(them);
	await until(() => world.sender.figures().active === 0, 'all is delivered', 60_000);
	t.true(world.clock.now() - begunMs <= 60_000);
	for (const [index] of rooms.entries()) t.true(taken.has(`${9000 + 2 * (index + 1)}`), `the newest of room ${index}`);
	t.true(world.sent.length <= 12, `${world.sent.length} transactions`);
});

test('D9: servers wait for a place in the order in which they came, and nobody looks whether there is one', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	const servers = numbers(1, 230).map((number) => `s${number}.example` as ServerName);
	const release = new Map<ServerName, () => void>();
	world.answer = ({server}) => new Promise((resolve) => release.set(server, () => resolve({})));
	for (const server of servers) await world.setServer(room, server, true);
	await world.sendEvents(1);
	await until(() => world.sent.length === 200, 'as many as there are places');
	const order = world.sent.map(({server}) => server);
	t.deepEqual(order, servers.slice(0, 200));
	const timers = world.clock.waiting;
	world.clock.advance(1);
	t.is(world.clock.waiting, timers, 'no timer of those who wait has run');
	for (const [index, server] of order.slice(0, 30).entries()) {
		release.get(server)?.();
		await until(() => world.sent.length === 201 + index, 'the next');
		t.is(world.sent.at(-1)?.server, servers[200 + index]);
	}
	for (const open of release.values()) open();
	await world.settle();
});
