import test from 'ava';
import type {EventId, RoomId, UserId} from '../../../crypto/index.ts';
import {firstEvents, message, state, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;
const carol = '@carol:three.test' as UserId;

const membership = (sender: UserId, value: string, target: UserId) =>
	state(sender, 'm.room.member', {membership: value}, target);

async function bodies({engine, storage}: TestEngine, roomId: RoomId): Promise<unknown[]> {
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	const events = await engine.readRows(rows);
	return events.filter(({pdu}) => pdu.type === 'm.room.message').map(({pdu}) => pdu.content['body']);
}

async function extremities({engine}: TestEngine, roomId: RoomId): Promise<readonly EventId[]> {
	return (await engine.findRoom(roomId))?.extremities ?? [];
}

/** A room of three servers, all of whose events so far all of them have. */
async function setUp(network: EngineNetwork) {
	const [one, two, three] = [
		await network.add('one.test'),
		await network.add('two.test'),
		await network.add('three.test'),
	];
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	await joinThrough(one, three, roomId, carol);
	await joinThrough(one, two, roomId, bob);
	const hello = await one.engine.send({roomId, event: message(alice, 'hello')});
	for (const other of [two, three]) await deliver(one, other, hello.pdu);
	return {one, two, three, roomId};
}

/** Bob leaves and comes back; gives what was sent while he was away, which his server has not. */
async function goAndComeBack({one, two, three, roomId}: Awaited<ReturnType<typeof setUp>>) {
	const leave = await two.engine.send({roomId, event: membership(bob, 'leave', bob)});
	for (const other of [one, three]) await deliver(two, other, leave.pdu);
	const missed = [
		await one.engine.send({roomId, event: state(alice, 'm.room.join_rules', {join_rule: 'knock'})}),
		await one.engine.send({roomId, event: message(alice, 'while he was away')}),
		await one.engine.send({roomId, event: state(alice, 'm.room.join_rules', {join_rule: 'public'})}),
	];
	for (const {pdu} of missed) await deliver(one, three, pdu);
	await joinThrough(one, two, roomId, bob);
	return {missed, entry: await extremities(two, roomId)};
}

test('what was sent while a server was away, and comes after its return, is history and no news', async (t) => {
	await using network = new EngineNetwork();
	const room = await setUp(network);
	const {one, two, roomId} = room;
	const {missed, entry} = await goAndComeBack(room);
	const before = await stateOf(two, roomId);
	const told = new Set<string>();
	two.storage.onCommitted((changes) => {
		for (const {kind} of changes) told.add(kind);
	});
	for (const {pdu} of missed) t.is((await deliver(one, two, pdu)).status, 'known');
	t.deepEqual(await extremities(two, roomId), entry);
	t.deepEqual(await stateOf(two, roomId), before);
	t.deepEqual([...told], ['history'], 'nobody is woken');
	t.deepEqual(await bodies(two, roomId), ['hello', 'while he was away']);
	const next = await two.engine.send({roomId, event: message(bob, 'back again')});
	t.deepEqual(next.pdu.prevEvents, entry);
});

test('what forks from before a return is news, though it is as old as what was missed', async (t) => {
	await using network = new EngineNetwork();
	const room = await setUp(network);
	const {one, two, three, roomId} = room;
	// Carol's server hears of nothing of this.
	const leave = await two.engine.send({roomId, event: membership(bob, 'leave', bob)});
	await deliver(two, one, leave.pdu);
	for (const body of ['a', 'b', 'c']) await one.engine.send({roomId, event: message(alice, body)});
	await joinThrough(one, two, roomId, bob);
	const entry = await extremities(two, roomId);
	const beside = await three.engine.send({roomId, event: message(carol, 'beside')});
	t.is((await deliver(three, two, beside.pdu)).status, 'accepted');
	t.deepEqual(await extremities(two, roomId), [...entry, beside.eventId]);
	await deliver(three, one, beside.pdu);
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
});

test('what may be history is not judged while its server does not answer, and dropped where it will not say', async (t) => {
	await using network = new EngineNetwork();
	const room = await setUp(network);
	const {one, two, three, roomId} = room;
	const {missed, entry} = await goAndComeBack(room);
	const [, late] = missed;
	network.down.add(one.serverName).add(three.serverName);
	await t.throwsAsync(deliver(one, two, late!.pdu), {code: 'unavailable'});
	network.down.clear();
	network.lies.backfill = () => Promise.resolve([]);
	t.is((await deliver(one, two, late!.pdu)).status, 'rejected');
	t.is(await two.engine.findEvent(late!.eventId), undefined);
	t.deepEqual(await extremities(two, roomId), entry);
	delete network.lies.backfill;
	t.is((await deliver(one, two, late!.pdu)).status, 'known');
});

test('a server that leaves out an event before its own cannot replace the state that is known', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, three, roomId} = await setUp(network);
	const ban = await one.engine.send({roomId, event: membership(alice, 'ban', carol)});
	await deliver(one, two, ban.pdu);
	// Bob's server claims that something unknown lies before its event, and that the ban never was.
	const truth = await two.engine.listStateBefore(ban.eventId);
	const chain = await two.engine.listAuthChain((truth ?? []).map(({eventId}) => eventId));
	const ids = (pdus: readonly {readonly eventId: EventId}[]) => pdus.map(({eventId}) => eventId);
	network.lies.getStateIds = () => Promise.resolve({state: ids(truth ?? []), authChain: ids(chain)});
	const room = await two.engine.findRoom(roomId);
	const event = message(bob, 'trust me');
	const proto = await two.engine.makeProto(roomId, event);
	const lie = two.engine.signFromProto({
		version: '11',
		roomId,
		event,
		prevEvents: [ban.eventId, `$${'A'.repeat(43)}` as EventId],
		authEvents: proto.event['auth_events'] as EventId[],
		depth: (room?.depth ?? 0) + 1,
	});
	t.is((await deliver(two, one, lie)).status, 'accepted');
	t.is((await (await one.engine.findRoom(roomId))?.findState('m.room.member', carol))?.eventId, ban.eventId);
	t.is((await one.storage.memberships.find(roomId, carol))?.membership, 'ban');
	t.false((await stateOf(one, roomId)).servers.includes(three.serverName));
});

test('a state whose events are not given one by one is asked for whole', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network);
	const topic = await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'unseen'})});
	const last = await one.engine.send({roomId, event: message(alice, 'last')});
	network.lies.getMissingEvents = () => Promise.resolve([]);
	network.lies.getEvent = () => Promise.resolve(undefined);
	t.is((await deliver(one, two, last.pdu)).status, 'accepted');
	t.is((await (await two.engine.findRoom(roomId))?.findState('m.room.topic', ''))?.eventId, topic.eventId);
});

test('an event is an end of the graph though one that was refused names it', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, three, roomId} = await setUp(network);
	const first = await two.engine.send({roomId, event: message(bob, 'first')});
	const theirs = await two.engine.send({roomId, event: membership(bob, 'leave', bob)});
	await deliver(two, three, first.pdu);
	await deliver(two, three, theirs.pdu);
	const second = await three.engine.send({roomId, event: message(carol, 'second')});
	const ban = await one.engine.send({roomId, event: membership(alice, 'ban', carol)});
	// Of what it names nothing can be had but the state; by the present state its sender is banned.
	network.lies.getMissingEvents = () => Promise.resolve([]);
	t.is((await deliver(three, one, second.pdu)).status, 'soft_failed');
	t.is((await deliver(two, one, first.pdu)).status, 'accepted');
	t.is((await deliver(two, one, theirs.pdu)).status, 'accepted');
	t.deepEqual(new Set(await extremities(one, roomId)), new Set([ban.eventId, theirs.eventId]));
	t.is((await one.storage.memberships.find(roomId, bob))?.membership, 'leave');
});

test('what an event rests on comes with the gap before it, and nobody is asked for its auth chain', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network);
	const levels = {users: {[alice]: 100, [bob]: 50}};
	await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', levels)});
	const late = await one.engine.send({roomId, event: message(alice, 'rests on new levels')});
	network.asked.length = 0;
	t.is((await deliver(one, two, late.pdu)).status, 'accepted');
	t.deepEqual(network.asked, ['missing']);
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
});

test('where neither the gap nor the auth chain is told, what an event rests on comes by itself or with the state', async (t) => {
	for (const refusesEvents of [false, true]) {
		await using network = new EngineNetwork();
		const {one, two, roomId} = await setUp(network);
		const refused = () => Promise.reject(new Error('not for you'));
		network.lies.getMissingEvents = refused;
		network.lies.getEventAuth = refused;
		if (refusesEvents) network.lies.getEvent = refused;
		const levels = {users: {[alice]: 100, [bob]: 50}};
		await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', levels)});
		const late = await one.engine.send({roomId, event: message(alice, 'rests on new levels')});
		t.is((await deliver(one, two, late.pdu)).status, 'accepted');
		t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
	}
});
