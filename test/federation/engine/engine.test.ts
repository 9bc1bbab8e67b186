import test from 'ava';
import type {DeviceId, EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import {type Engine, EngineError} from '../../../federation/engine/index.ts';
import type {RoomVersionId} from '../../../federation/rooms/index.ts';
import {ConflictError, type Storage, StorageError} from '../../../storage/index.ts';
import {engineOver, firstEvents, makeEngine} from '../../harness/engine.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:one.test' as UserId;
const versions: readonly RoomVersionId[] = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];

const message = (body: string, sender = alice) => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body} as JsonObject,
});

const transaction = (roomId: RoomId, txnId: string, deviceId = 'PHONE') => ({
	userId: alice,
	deviceId: deviceId as DeviceId,
	method: 'PUT',
	endpoint: 'sendMessage',
	roomId,
	txnId,
});

async function makeRoom(engine: Engine, version: RoomVersionId = '12', joinRule = 'invite'): Promise<RoomId> {
	return (await engine.createRoom({version, events: firstEvents(version, alice, joinRule)})).roomId;
}

async function bodies(storage: Storage, engine: Engine, roomId: RoomId): Promise<unknown[]> {
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	const events = await engine.readRows(rows);
	return events.filter(({pdu}) => pdu.type === 'm.room.message').map(({pdu}) => pdu.content['body']);
}

/** A promise that the test settles. */
function deferred(): {readonly promise: Promise<void>; readonly resolve: () => void} {
	let resolve = (): void => undefined;
	const promise = new Promise<void>((settle) => {
		resolve = settle;
	});
	return {promise, resolve};
}

/** Lets a test decide what becomes of the next commits. */
function faulty(storage: Storage) {
	const faults: ((commit: () => Promise<void>) => Promise<void>)[] = [];
	const wrapped: Storage = Object.create(storage, {
		commit: {
			value: (batch: Parameters<Storage['commit']>[0]) => {
				const fault = faults.shift();
				return fault ? fault(() => storage.commit(batch)) : storage.commit(batch);
			},
		},
	});
	return {wrapped, faults};
}

for (const version of versions) {
	test(`a room of version ${version} is made, and takes messages and state`, async (t) => {
		await using home = await makeEngine();
		const {engine, storage} = home;
		const roomId = await makeRoom(engine, version, 'public');
		await engine.send({
			roomId,
			event: {...message('x', bob), type: 'm.room.member', stateKey: bob, content: {membership: 'join'}},
		});
		await engine.send({roomId, event: message('hello', bob)});
		const named = await engine.send({
			roomId,
			event: {type: 'm.room.name', stateKey: '', sender: alice, content: {name: 'Desk'}},
		});
		const room = await engine.findRoom(roomId);
		t.is(room?.version, version);
		t.is((await room?.findState('m.room.name', ''))?.eventId, named.eventId);
		t.is((await storage.rooms.findCurrentState(roomId, 'm.room.name', ''))?.eventId, named.eventId);
		t.deepEqual(await bodies(storage, engine, roomId), ['hello']);
		t.deepEqual(room?.extremities, [named.eventId]);
		t.is((await storage.memberships.find(roomId, bob))?.membership, 'join');
		t.is(roomId.includes(':'), Number(version) < 12);
	});
}

test('a room is made in one commit, or not at all', async (t) => {
	const box: {faults: ReturnType<typeof faulty>['faults']} = {faults: []};
	await using home = await makeEngine('one.test', {
		wrap: (storage) => {
			const {wrapped, faults} = faulty(storage);
			box.faults = faults;
			return wrapped;
		},
	});
	const {engine, storage} = home;
	const head = storage.stream.head();
	box.faults.push(() => Promise.reject(new StorageError('unavailable', 'disk full')));
	await t.throwsAsync(makeRoom(engine), {instanceOf: StorageError});
	t.is(storage.stream.head(), head);
	t.deepEqual(await storage.rooms.list({limit: 10}), []);
	await makeRoom(engine);
	t.is(storage.stream.head(), head + 5);
});

test('who is not in a room cannot send, and nothing is written', async (t) => {
	await using home = await makeEngine();
	const {engine, storage} = home;
	const roomId = await makeRoom(engine);
	const head = storage.stream.head();
	const error = await t.throwsAsync(engine.send({roomId, event: message('let me in', bob)}), {instanceOf: EngineError});
	t.is(error?.code, 'forbidden');
	t.is(storage.stream.head(), head);
	await t.throwsAsync(engine.send({roomId: '!nowhere' as RoomId, event: message('x')}), {code: 'not_in_room'});
});

test('64 people talk at once: every message has its place, each is built on the one before, none is lost', async (t) => {
	await using home = await makeEngine();
	const {engine, storage} = home;
	const roomId = await makeRoom(engine);
	const sent = await Promise.all(Array.from({length: 256}, (_, n) => engine.send({roomId, event: message(`${n}`)})));
	t.is(new Set(sent.map(({pos}) => pos)).size, 256);
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	const events = await engine.readRows(rows);
	for (const [index, {pdu}] of events.entries()) {
		if (index > 0) t.deepEqual(pdu.prevEvents, [events[index - 1]?.pdu.eventId as EventId]);
	}
	t.is((await bodies(storage, engine, roomId)).length, 256);
	t.is((await storage.events.findLatest(roomId, storage.stream.head()))?.notifyCount, 256);
});

test('one transaction id makes one event, however often and from whatever process it is asked for', async (t) => {
	await using home = await makeEngine();
	const {engine, storage} = home;
	const roomId = await makeRoom(engine);
	const request = {roomId, event: message('once'), transaction: transaction(roomId, 'a')};
	const all = await Promise.all(Array.from({length: 64}, () => engine.send(request)));
	t.is(new Set(all.map(({eventId}) => eventId)).size, 1);
	const other = await engine.send({...request, transaction: transaction(roomId, 'a', 'LAPTOP')});
	t.not(other.eventId, all[0]?.eventId);
	t.is((await bodies(storage, engine, roomId)).length, 2);
});

test('two engines over one database lose races to each other and no message', async (t) => {
	await using one = await makeEngine();
	const {engine, storage} = one;
	const roomId = await makeRoom(engine);
	const rival = engineOver(storage, one.serverName);
	const wanted: string[] = [];
	for (let round = 0; round < 10; round += 1) {
		const names = [`a${round}`, `b${round}`];
		wanted.push(...names);
		await Promise.all([
			engine.send({roomId, event: message(`a${round}`)}),
			rival.send({roomId, event: message(`b${round}`)}),
		]);
	}
	const compare = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));
	t.deepEqual((await bodies(storage, engine, roomId)).toSorted(compare), wanted.toSorted(compare));
});

test('a lost compare-and-swap rebuilds every intent, at most five times', async (t) => {
	const box: {faults: ReturnType<typeof faulty>['faults']} = {faults: []};
	await using home = await makeEngine('one.test', {
		wrap: (storage) => {
			const {wrapped, faults} = faulty(storage);
			box.faults = faults;
			return wrapped;
		},
	});
	const {engine, storage} = home;
	const roomId = await makeRoom(engine);
	const lose = () => Promise.reject(new ConflictError('room_head'));
	box.faults.push(lose, lose, lose);
	await Promise.all([engine.send({roomId, event: message('x')}), engine.send({roomId, event: message('y')})]);
	t.deepEqual(await bodies(storage, engine, roomId), ['x', 'y']);
	box.faults.push(...Array.from({length: 12}, () => lose));
	await t.throwsAsync(engine.send({roomId, event: message('never')}), {code: 'unavailable'});
	box.faults.length = 0;
	await engine.send({roomId, event: message('z')});
	t.deepEqual(await bodies(storage, engine, roomId), ['x', 'y', 'z']);
});

test('a failing disk answers everybody who waits, and the room goes on when it is well again', async (t) => {
	const box: {faults: ReturnType<typeof faulty>['faults']} = {faults: []};
	await using home = await makeEngine('one.test', {
		wrap: (storage) => {
			const {wrapped, faults} = faulty(storage);
			box.faults = faults;
			return wrapped;
		},
	});
	const {engine, storage} = home;
	const roomId = await makeRoom(engine);
	box.faults.push(() => Promise.reject(new StorageError('unavailable', 'disk full')));
	const results = await Promise.allSettled(['a', 'b', 'c'].map((body) => engine.send({roomId, event: message(body)})));
	t.deepEqual(
		results.map(({status}) => status),
		['rejected', 'rejected', 'rejected'],
	);
	await engine.send({roomId, event: message('d')});
	t.deepEqual(await bodies(storage, engine, roomId), ['d']);
});

for (const isWritten of [true, false]) {
	test(`a COMMIT of unknown outcome that was ${isWritten ? '' : 'not '}written makes exactly one event`, async (t) => {
		const box: {faults: ReturnType<typeof faulty>['faults']} = {faults: []};
		await using home = await makeEngine('one.test', {
			wrap: (storage) => {
				const {wrapped, faults} = faulty(storage);
				box.faults = faults;
				return wrapped;
			},
		});
		const {engine, storage} = home;
		const roomId = await makeRoom(engine);
		box.faults.push(async (commit) => {
			if (isWritten) await commit();
			throw new StorageError('outcome_unknown', 'connection lost');
		});
		const sent = await engine.send({roomId, event: message('once'), transaction: transaction(roomId, 't')});
		t.deepEqual(await bodies(storage, engine, roomId), ['once']);
		t.is(
			(await engine.send({roomId, event: message('once'), transaction: transaction(roomId, 't')})).eventId,
			sent.eventId,
		);
	});
}

test('readers never see what is not on disk', async (t) => {
	const box: {faults: ReturnType<typeof faulty>['faults']} = {faults: []};
	await using home = await makeEngine('one.test', {
		wrap: (storage) => {
			const {wrapped, faults} = faulty(storage);
			box.faults = faults;
			return wrapped;
		},
	});
	const {engine} = home;
	const roomId = await makeRoom(engine);
	const gate = deferred();
	const begun = deferred();
	box.faults.push(async (commit) => {
		begun.resolve();
		await gate.promise;
		await commit();
	});
	const before = (await engine.findRoom(roomId))?.extremities;
	const sending = engine.send({
		roomId,
		event: {type: 'm.room.topic', stateKey: '', sender: alice, content: {topic: 'x'}},
	});
	await begun.promise;
	const during = await engine.findRoom(roomId);
	t.deepEqual(during?.extremities, before);
	t.is(await during?.findState('m.room.topic', ''), undefined);
	gate.resolve();
	const {eventId} = await sending;
	t.deepEqual((await engine.findRoom(roomId))?.extremities, [eventId]);
});

test('more than 512 intents for one room are told to come back', async (t) => {
	await using home = await makeEngine();
	const {engine} = home;
	const roomId = await makeRoom(engine);
	const results = await Promise.allSettled(
		Array.from({length: 600}, (_, n) => engine.send({roomId, event: message(`${n}`)})),
	);
	const refused = results.filter((result) => result.status === 'rejected').map(({reason}) => reason as EngineError);
	t.is(refused.length, 88);
	t.true(refused.every(({code, retryAfterMs}) => code === 'overloaded' && (retryAfterMs ?? 0) > 0));
});

test('a redaction takes effect for who may redact, whichever order the two come in', async (t) => {
	await using home = await makeEngine();
	const {engine, storage} = home;
	for (const version of ['9', '11', '12'] as const) {
		const roomId = await makeRoom(engine, version);
		const {eventId} = await engine.send({roomId, event: message('secret')});
		const redaction = await engine.send({
			roomId,
			event: {type: 'm.room.redaction', sender: alice, content: {}, redacts: eventId},
		});
		const row = await storage.events.findById(eventId);
		t.is((await storage.events.findByNid(row?.redactedBy ?? -1))?.eventId, redaction.eventId);
	}
});

test('a state that has let go of what it knew long ago can still be changed there', async (t) => {
	await using home = await makeEngine();
	const {engine} = home;
	const roomId = await makeRoom(engine);
	const change = (key: number, round: number) =>
		engine.send({
			roomId,
			event: {type: 'org.example.part', sender: alice, stateKey: `part ${key}`, content: {round}},
		});
	// Every change makes nodes; after some hundred the snapshot drops those it need not hold.
	for (const round of [1, 2]) {
		for (let key = 0; key < 400; key += 20) {
			await Promise.all(Array.from({length: 20}, (_, index) => change(key + index, round)));
		}
	}
	const room = await engine.findRoom(roomId);
	for (const key of [0, 200, 399]) {
		t.deepEqual((await room?.findState('org.example.part', `part ${key}`))?.content, {round: 2});
	}
});

test('D9: who sends into a room at once is served in the order in which they came', async (t) => {
	await using home = await makeEngine();
	const {engine, storage} = home;
	const roomId = await makeRoom(engine);
	const names = Array.from({length: 300}, (_, index) => `${index}`);
	await Promise.all(names.map((body) => engine.send({roomId, event: message(body)})));
	t.deepEqual(await bodies(storage, engine, roomId), names);
});
