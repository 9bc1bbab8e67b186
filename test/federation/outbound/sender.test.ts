import test from 'ava';
import type {JsonObject, RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import {OutboundError, RemoteError} from '../../../federation/outbound/index.ts';
import {StorageError} from '../../../storage/index.ts';
import {until} from '../../harness/client.ts';
import {alice, room, SenderWorld, sendToDevice, them, us} from './sender-world.ts';

const third = 'third.example' as ServerName;
const down = () => Promise.reject(new OutboundError('unreachable', 'down'));
const refuse = (status: number) => () =>
	Promise.reject(new RemoteError({status, errcode: undefined, retryAfterMs: undefined, roomVersion: undefined}));
const numbers = (from: number, to: number): string[] =>
	Array.from({length: to - from + 1}, (_, index) => `${from + index}`);

test('events go to the servers of their room, in order, 50 at a time', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, us, true);
	await world.sendEvents(1);
	await world.settle();
	await world.sendEvents(120);
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 121));
	t.deepEqual(
		world.sent.map(({pdus}) => pdus.length),
		[1, 50, 50, 20],
	);
	t.is(new Set(world.sent.map(({txnId}) => txnId)).size, 4);
	t.like(JSON.parse(world.sent[0]?.raw ?? ''), {origin: us, origin_server_ts: world.clock.now(), edus: []});
	t.deepEqual(world.bodies(us), []);
});

test('a server is told what happened while it was in the room, its own end in it included', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.sendEvents(2);
	await world.setServer(room, them, true);
	await world.sendEvents(2);
	await world.sendEvents(1, {outs: them});
	await world.sendEvents(2);
	await world.settle();
	t.deepEqual(world.bodies(), ['3', '4', '5']);
	await world.setServer(room, them, true);
	await world.sendEvents(1);
	await world.settle();
	t.deepEqual(world.bodies(), ['3', '4', '5', '8']);
});

test('a server is told of what is done to its people: a kick is about them and not by them', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(1, {about: '@bob:them.example' as UserId, outs: them});
	await world.settle();
	t.deepEqual(world.bodies(them), ['1']);
});

test("neither a server's own events nor those that are not ours to relay are sent to it", async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	await world.sendEvents(1, {sender: '@bob:them.example' as UserId});
	await world.sendEvents(1, {sender: '@bob:them.example' as UserId, relay: false});
	await world.settle();
	t.deepEqual(world.bodies(them), []);
	t.deepEqual(world.bodies(third), ['1']);
	t.is(
		await world.storage.cursors.find('federation:them.example'),
		undefined,
		'nothing is written for who is owed nothing',
	);
});

test('a server outside the partners is sent nothing', async (t) => {
	const world = await SenderWorld.open(t);
	world.isAllowed = (server) => server !== them;
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	await world.sendEvents(1);
	await world.settle();
	t.deepEqual(
		world.sent.map(({server}) => server),
		[third],
	);
});

test('what was not taken is sent again byte for byte, across a crash, before anything else', async (t) => {
	const world = await SenderWorld.open(t);
	world.answer = down;
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(2);
	await world.settle();
	await world.sendEvents(3);
	await world.restart({crash: true});
	await world.pass(60_000);
	t.true(world.sent.length >= 4, `${world.sent.length}`);
	t.deepEqual(new Set(world.sent.map(({txnId, raw}) => txnId + raw)).size, 1);
	world.answer = () => Promise.resolve({});
	world.sent.length = 0;
	await world.pass(60_000);
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 5));
	t.deepEqual(world.sender.figures(), {active: 0, failing: 0, waiting: 0, isIdle: true});
	t.deepEqual(
		world.notices.map(({kind}) => kind),
		['failing', 'recovered'],
	);
});

test('what was committed before a crash and not yet sent is found again, for new servers too', async (t) => {
	const world = await SenderWorld.open(t);
	await world.setServer(room, them, true);
	await world.sendEvents(3);
	await world.sender.start();
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 3));
	await world.pass(1000);
	await world.restart({crash: true});
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 3), 'what was taken a second ago is not sent again');
	await world.restart();
	await world.sender.stop();
	await world.setServer(room, third, true);
	await world.sendEvents(2);
	await world.restart();
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 5));
	t.deepEqual(world.bodies(third), numbers(4, 5));
});

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

test('however often and wherever it crashes, everything arrives, the first time in order, and an id has one body', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const taken = new Map<string, string>();
	const take = ({txnId, raw}: {txnId: string; raw: string}): void => {
		t.is(taken.get(txnId) ?? raw, raw);
		taken.set(txnId, raw);
	};
	for (let turn = 0; turn < 8; turn++) {
		let deliveries = 0;
		world.answer = async (transaction) => {
			if (++deliveries > turn) return down();
			take(transaction);
			return {};
		};
		await world.sendEvents(60);
		await until(() => deliveries > turn || world.sender.figures().active === 0, 'an attempt');
		await world.restart({crash: true});
		world.clock.advance(7 * 3_600_000);
	}
	world.answer = async (transaction) => {
		take(transaction);
		return {};
	};
	world.sender.noteContact(them);
	await world.pass(60_000);
	await world.settle();
	const received = [...taken.values()].flatMap((raw) =>
		(JSON.parse(raw).pdus as JsonObject[]).map(({content}) => (content as JsonObject)['body']),
	);
	t.deepEqual([...new Set(received)], numbers(1, 480));
});

test('a server that is down is asked less and less often, and at once when it shows itself', async (t) => {
	const world = await SenderWorld.open(t);
	const attempts: number[] = [];
	world.answer = () => {
		attempts.push(world.clock.now());
		return down();
	};
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(1);
	await world.settle();
	await world.pass(12 * 3_600_000);
	t.true(attempts.length > 10 && attempts.length < 40, `${attempts.length} attempts in 12 hours`);
	const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
	t.true(Math.max(...gaps) <= 6 * 3_600_000 * 1.2);
	const before = attempts.length;
	world.sender.noteContact(them);
	world.sender.noteContact(them);
	await until(() => attempts.length === before + 1, 'one attempt');
	await world.settle();
	for (let contact = 0; contact < 20; contact++) world.sender.noteContact(them);
	await world.pass(1000);
	t.is(attempts.length, before + 1, 'a server that talks but does not listen is not hammered');
	world.answer = () => Promise.resolve({});
	world.clock.advance(61_000);
	world.sender.noteContact(them);
	await until(() => world.sender.figures().active === 0, 'it is delivered');
	t.deepEqual(new Set(world.bodies()), new Set(['1']));
});

test('a server that does not answer keeps no other waiting', async (t) => {
	const world = await SenderWorld.open(t);
	world.answer = ({server}) => (server === them ? new Promise(() => undefined) : Promise.resolve({}));
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	await world.sendEvents(1);
	await world.sendEvents(1);
	await until(() => world.bodies(third).length === 2, 'the other server has both');
	await until(() => world.sender.figures().active === 1, 'only the silent one is left');
	t.is(world.bodies(them).length, 1);
});

test('a server that was away while much happened learns the newest of each room first, and every EDU', async (t) => {
	const world = await SenderWorld.open(t);
	const rooms = numbers(1, 60).map((name) => `!r${name}:us.example` as RoomId);
	const batch = world.storage.batch();
	for (const roomId of rooms) world.storage.rooms.add(batch, {roomId, version: '11', creator: alice});
	await world.storage.commit(batch);
	for (const roomId of rooms) await world.setServer(roomId, them, true);
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

test('an event that a peer refuses again and again is found out and left out, and the rest arrives', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const taken: string[] = [];
	world.answer = ({pdus}) => {
		const bodies = pdus.map(({content}) => (content as JsonObject)['body'] as string);
		if (bodies.includes('37')) return refuse(400)();
		taken.push(...bodies);
		return Promise.resolve({});
	};
	await world.sendEvents(60);
	await world.settle();
	for (let turn = 0; turn < 40 && world.sender.figures().active > 0; turn++) {
		await world.settle();
		await world.pass(10_000);
	}
	await world.settle();
	t.deepEqual(
		taken,
		numbers(1, 60).filter((body) => body !== '37'),
	);
	t.is(world.notices.filter(({kind}) => kind === 'item_dropped').length, 1);
});

test('errors that say nothing about the body never drop anything', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const statuses = [401, 403, 404, 429, 500, 502];
	world.answer = () => refuse(statuses[world.sent.length % statuses.length] as number)();
	await world.sendEvents(1);
	await world.settle();
	await world.pass(60_000);
	world.answer = () => Promise.resolve({pdus: {$a: {error: 'no'}, $b: {}}});
	await world.pass(60_000);
	await world.settle();
	t.is(new Set(world.sent.map(({txnId}) => txnId)).size, 1);
	t.is(world.sender.figures().active, 0);
	t.like(world.notices.at(-2), {kind: 'events_refused', count: 1});
});

test('a database that fails for a while costs time and nothing else', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const {storage} = world;
	const commit = storage.commit.bind(storage);
	const listSpans = storage.memberships.listServerSpansOfRoom.bind(storage.memberships);
	const broken = () => Promise.reject(new StorageError('unavailable', 'full'));
	await world.sendEvents(1);
	await world.settle();
	storage.memberships.listServerSpansOfRoom = broken;
	await world.sendEvents(2);
	await until(() => world.notices.length > 0, 'a notice');
	storage.memberships.listServerSpansOfRoom = listSpans;
	storage.commit = broken;
	world.clock.advance(5000);
	await until(() => world.notices.length > 1, 'another notice');
	storage.commit = commit;
	await world.pass(10_000);
	t.deepEqual(world.bodies(), numbers(1, 3));
	t.deepEqual(new Set(world.notices.map(({kind}) => kind)), new Set(['store_failed']));
});
