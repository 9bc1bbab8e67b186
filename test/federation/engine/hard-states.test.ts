import test from 'ava';
import type {EventId, RoomId, UserId} from '../../../crypto/index.ts';
import {firstEvents, message, state, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';
import {until} from '../../harness/index.ts';
import {ManualClock} from '../../harness/manual-clock.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;

/** A room of two servers whose people may all do everything. */
async function openRoom(one: TestEngine, two: TestEngine): Promise<RoomId> {
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	const content = {users: {[alice]: 100, [bob]: 100}};
	const levels = await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', content)});
	await deliver(one, two, levels.pdu);
	return roomId;
}

/** Both servers change the same entries without hearing of each other; gives what the second one sent. */
async function fork(one: TestEngine, two: TestEngine, roomId: RoomId, entries: number, from = 0) {
	const change = ({engine}: TestEngine, sender: UserId) =>
		Promise.all(
			Array.from({length: entries}, (_, n) =>
				engine.send({roomId, event: state(sender, 'test.key', {by: sender}, `${from + n}`)}),
			),
		);
	await change(one, alice);
	return change(two, bob);
}

/** Whoever resolves with so little gives up any conflict of more than a handful of events. */
const hardly = {resolutionUnitsMax: 2_000};

async function ends({engine}: TestEngine, roomId: RoomId): Promise<readonly EventId[]> {
	return (await engine.findRoom(roomId))?.extremities ?? [];
}

test('C11: others have their turn again and again while a wide conflict is resolved', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const roomId = await openRoom(one, two);
	for (let part = 0; part < 2; part += 1) await fork(one, two, roomId, 400);
	for (let n = 0; n < 100; n += 1) {
		const content = {users: {[alice]: 100, [bob]: 100}, events_default: n % 2};
		await two.engine.send({roomId, event: state(bob, 'm.room.power_levels', content)});
	}
	const last = await two.engine.send({roomId, event: message(bob, 'after all of it')});
	// What lies between is too much to be fetched: the state before the last one is asked for.
	network.lies.getMissingEvents = () => Promise.resolve([]);
	let turns = 0;
	const counting = setInterval(() => {
		turns += 1;
	}, 1);
	t.is((await deliver(two, one, last.pdu)).status, 'accepted');
	clearInterval(counting);
	t.true(turns >= 10, `${turns} turns`);
	const merge = await one.engine.send({roomId, event: message(alice, 'merge')});
	t.is((await deliver(one, two, merge.pdu)).status, 'accepted');
	t.deepEqual((await stateOf(one, roomId)).state, (await stateOf(two, roomId)).state);
});

test('C11: a room whose state takes too much keeps the state it has, goes on, and is told of once', async (t) => {
	await using network = new EngineNetwork();
	const strained: RoomId[] = [];
	const one = await network.add('one.test', undefined, {...hardly, onStrain: (roomId) => strained.push(roomId)});
	const two = await network.add('two.test');
	const roomId = await openRoom(one, two);
	const theirs = await fork(one, two, roomId, 150);
	const before = await stateOf(one, roomId);
	for (const {pdu} of theirs) t.is((await deliver(two, one, pdu)).status, 'soft_failed');
	const talk = await two.engine.send({roomId, event: message(bob, 'on the other fork')});
	t.is((await deliver(two, one, talk.pdu)).status, 'accepted');
	t.deepEqual(strained, [roomId]);
	t.deepEqual(await stateOf(one, roomId), before);
	const change = await two.engine.send({roomId, event: state(bob, 'm.room.topic', {topic: 'from there'})});
	t.is((await deliver(two, one, change.pdu)).status, 'soft_failed');
	t.is(await (await one.engine.findRoom(roomId))?.findState('m.room.topic', ''), undefined);
	// People here go on, with state as well.
	const own = await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'from here'})});
	t.is((await (await one.engine.findRoom(roomId))?.findState('m.room.topic', ''))?.eventId, own.eventId);
	const after = await stateOf(one, roomId);
	t.deepEqual(after.state, after.table);
	t.deepEqual(strained, [roomId], 'once');
});

test('C11: an event before which the state takes too much is refused once and for all, and those after it are not', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test', undefined, hardly), await network.add('two.test')];
	const three = await network.add('three.test');
	const carol = '@carol:three.test' as UserId;
	const roomId = await openRoom(one, two);
	await joinThrough(one, three, roomId, carol);
	for (const eventId of await ends(one, roomId)) {
		const join = await one.engine.findEvent(eventId);
		if (join) await deliver(one, two, join.pdu);
	}
	const theirs = await fork(one, two, roomId, 150);
	const ours = (await one.engine.findEvents(await ends(one, roomId)))[0];
	for (const {pdu} of theirs) await deliver(two, three, pdu);
	if (ours) await deliver(one, three, ours.pdu);
	t.is((await ends(three, roomId)).length, 2);
	// It names both forks: before it is what follows from both.
	const merge = await three.engine.send({roomId, event: message(carol, 'merge')});
	for (const {pdu} of theirs) await deliver(two, one, pdu);
	let written = 0;
	const alsoWrite = (): void => {
		written += 1;
	};
	const json = merge.pdu.json;
	const reception = await one.engine.receive({roomId, json, origin: three.serverName, alsoWrite});
	t.is(reception.status, 'rejected');
	t.is(written, 1, 'nobody need try again');
	t.is(await one.engine.findEvent(merge.eventId), undefined);
	const next = await three.engine.send({roomId, event: message(carol, 'after the merge')});
	t.is((await deliver(three, one, next.pdu)).status, 'accepted');
});

test('C11: no other room is the worse for one that takes too much', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test', undefined, hardly), await network.add('two.test')];
	const [hard, other] = [await openRoom(one, two), await openRoom(one, two)];
	const theirs = await fork(one, two, hard, 150);
	for (const {pdu} of theirs) await deliver(two, one, pdu);
	const here = await one.engine.send({roomId: other, event: state(alice, 'm.room.topic', {topic: 'one'})});
	const there = await two.engine.send({roomId: other, event: state(bob, 'm.room.topic', {topic: 'two'})});
	t.is((await deliver(two, one, there.pdu)).status, 'accepted');
	t.is((await deliver(one, two, here.pdu)).status, 'accepted');
	t.deepEqual((await stateOf(one, other)).state, (await stateOf(two, other)).state);
});

test('C11: people talk on where the many ends of a graph cannot be brought together', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test', undefined, hardly), await network.add('two.test')];
	const roomId = await openRoom(one, two);
	const [base] = await ends(one, roomId);
	await fork(one, two, roomId, 150);
	for (let n = 0; n < 15; n += 1) {
		const event = message(bob, `fork ${n}`);
		const proto = await two.engine.makeProto(roomId, event);
		const authEvents = proto.event['auth_events'] as EventId[];
		const prevEvents = [base as EventId];
		const pdu = two.engine.signFromProto({version: '11', roomId, event, prevEvents, authEvents, depth: 100});
		t.is((await deliver(two, one, pdu)).status, 'accepted');
	}
	t.true((await ends(one, roomId)).length > 10);
	const sent = await one.engine.send({roomId, event: message(alice, 'still here')});
	t.is(sent.pdu.prevEvents.length, 1);
	const room = await stateOf(one, roomId);
	t.deepEqual(room.state, room.table);
});

test('C11: a room that takes much again and again waits for its turn, and no other room does', async (t) => {
	await using network = new EngineNetwork();
	const clock = new ManualClock();
	const [one, two] = [await network.add('one.test', undefined, {clock}), await network.add('two.test')];
	const [hard, other] = [await openRoom(one, two), await openRoom(one, two)];
	for (const from of [0, 400]) await fork(one, two, hard, 400, from);
	await one.engine.send({roomId: other, event: state(alice, 'm.room.topic', {topic: 'one'})});
	const beside = await two.engine.send({roomId: other, event: state(bob, 'm.room.topic', {topic: 'two'})});
	// Each is resolved against all that was changed here.
	const theirs = [];
	for (let n = 0; n < 60; n += 1) {
		theirs.push(await two.engine.send({roomId: hard, event: state(bob, 'test.beside', {n}, `${n}`)}));
	}
	network.lies.getMissingEvents = () => Promise.resolve([]);
	let done = 0;
	const delivering = (async () => {
		for (const {pdu} of theirs) {
			await deliver(two, one, pdu);
			done += 1;
		}
	})();
	// Until then it takes between one and two seconds of the processor.
	await until(() => clock.nextDelay() !== undefined, 'the room waits', 90_000);
	const before = done;
	t.true(before > 0 && before < theirs.length, `${before} were received`);
	t.is((await deliver(two, one, beside.pdu)).status, 'accepted');
	t.is(done, before);
	const moving = setInterval(() => clock.advance(1_000), 1);
	await delivering;
	clearInterval(moving);
	t.is(done, theirs.length);
});
