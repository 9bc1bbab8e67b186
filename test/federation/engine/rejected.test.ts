import test from 'ava';
import type {EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {EventTemplate} from '../../../federation/engine/index.ts';
import {type Pdu, toFederationEvent} from '../../../federation/rooms/index.ts';
import {firstEvents, message, state, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;
const carol = '@carol:two.test' as UserId;

const levels = (bobs: number): JsonObject => ({users: {[alice]: 100, [bob]: bobs}});

/** A room of two servers, the second of which makes events that rest on whatever it likes. */
async function setUp(network: EngineNetwork, bobs: number) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	await joinThrough(one, two, roomId, carol);
	await grant(one, two, roomId, bobs);
	const makeUp = (event: EventTemplate, prevEvents: readonly Pdu[], authEvents: readonly Pdu[]): Pdu =>
		two.engine.signFromProto({
			version: '11',
			roomId,
			event,
			prevEvents: prevEvents.map(({eventId}) => eventId),
			authEvents: authEvents.map(({eventId}) => eventId),
			depth: 100,
		});
	return {one, two, roomId, makeUp};
}

/** Alice says what Bob may do; both servers hear of it. */
async function grant(one: TestEngine, two: TestEngine, roomId: RoomId, bobs: number): Promise<Pdu> {
	const {pdu} = await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', levels(bobs))});
	await deliver(one, two, pdu);
	return pdu;
}

async function present({engine}: TestEngine, roomId: RoomId, type: string, stateKey = ''): Promise<Pdu> {
	const pdu = await (await engine.findRoom(roomId))?.findState(type, stateKey);
	if (!pdu) throw new Error(`no ${type}`);
	return pdu;
}

async function isRejected({storage}: TestEngine, {eventId}: {readonly eventId: EventId}): Promise<boolean> {
	return ((await storage.events.findById(eventId))?.rejected ?? null) !== null;
}

test('C2: what rests on a rejected event is rejected, and stays so when its sender is given the right later', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, makeUp} = await setUp(network, 0);
	const [create, power] = [
		await present(one, roomId, 'm.room.create'),
		await present(one, roomId, 'm.room.power_levels'),
	];
	const member = await present(one, roomId, 'm.room.member', bob);
	const grab = makeUp(state(bob, 'm.room.power_levels', levels(100)), [power], [create, power, member]);
	const topic = makeUp(state(bob, 'm.room.topic', {topic: 'mine'}), [grab], [create, grab, member]);
	const chain = [create, power, member, grab].map((pdu) => toFederationEvent(pdu));
	network.lies.getEventAuth = () => Promise.resolve(chain);
	network.lies.getMissingEvents = () => Promise.resolve([]);
	// The rejected event comes as an auth event, before it comes by itself.
	t.is((await deliver(two, one, topic)).status, 'rejected');
	t.true(await isRejected(one, grab));
	t.true((await one.storage.events.findById(grab.eventId))?.outlier);
	await grant(one, two, roomId, 100);
	const before = await stateOf(one, roomId);
	t.is((await deliver(two, one, grab)).status, 'rejected');
	for (const pdu of [grab, topic]) {
		t.is((await deliver(two, one, pdu)).status, 'known');
		t.true(await isRejected(one, pdu));
	}
	t.deepEqual(await stateOf(one, roomId), before);
	t.is(await (await one.engine.findRoom(roomId))?.findState('m.room.topic', ''), undefined);
	// The chain of a state that is asked for does not make it right either.
	network.lies.getStateIds = () =>
		Promise.resolve({
			state: [create, member, grab, topic].map(({eventId}) => eventId),
			authChain: [create, power, member, grab].map(({eventId}) => eventId),
		});
	const unknown = `$${'U'.repeat(43)}` as EventId;
	const trick = two.engine.signFromProto({
		version: '11',
		roomId,
		event: message(bob, 'trust me'),
		prevEvents: [topic.eventId, unknown],
		authEvents: [create, power, member].map(({eventId}) => eventId),
		depth: 101,
	});
	t.is((await deliver(two, one, trick)).status, 'accepted');
	t.is(await (await one.engine.findRoom(roomId))?.findState('m.room.topic', ''), undefined);
	t.deepEqual((await present(one, roomId, 'm.room.power_levels')).sender, alice);
});

test('C2: what only the state before it refused stays rejected, and so does what rests on it', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, makeUp} = await setUp(network, 60);
	const create = await present(one, roomId, 'm.room.create');
	const granted = await present(one, roomId, 'm.room.power_levels');
	const member = await present(one, roomId, 'm.room.member', bob);
	const target = await present(one, roomId, 'm.room.member', carol);
	const taken = await grant(one, two, roomId, 0);
	// By the levels that it cites Bob may do it; by those before it he may not.
	const promotion = makeUp(
		state(bob, 'm.room.power_levels', {users: {[alice]: 100, [bob]: 60, [carol]: 60}}),
		[taken],
		[create, granted, member],
	);
	t.is((await deliver(two, one, promotion)).status, 'rejected');
	const topic = makeUp(state(carol, 'm.room.topic', {topic: 'mine'}), [taken], [create, promotion, target]);
	t.is((await deliver(two, one, topic)).status, 'rejected');
	await grant(one, two, roomId, 60);
	for (const pdu of [promotion, topic]) {
		t.is((await deliver(two, one, pdu)).status, 'known');
		t.true(await isRejected(one, pdu));
	}
	t.is(await (await one.engine.findRoom(roomId))?.findState('m.room.topic', ''), undefined);
});

test('C2: an event on top of rejected ones, that rests on none of them, is accepted without asking for the state', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, makeUp} = await setUp(network, 0);
	const [create, power] = [
		await present(one, roomId, 'm.room.create'),
		await present(one, roomId, 'm.room.power_levels'),
	];
	const member = await present(one, roomId, 'm.room.member', bob);
	const rights = [create, power, member];
	const grab = makeUp(state(bob, 'm.room.power_levels', levels(100)), [power], rights);
	const topic = makeUp(state(bob, 'm.room.topic', {topic: 'mine'}), [grab], [create, grab, member]);
	for (const pdu of [grab, topic]) t.is((await deliver(two, one, pdu)).status, 'rejected');
	network.lies.getStateIds = () => Promise.reject(new Error('asked for a state'));
	network.lies.getMissingEvents = () => Promise.reject(new Error('asked for events'));
	t.is((await deliver(two, one, makeUp(message(bob, 'on top'), [topic], rights))).status, 'accepted');
	const room = await stateOf(one, roomId);
	t.deepEqual(room.state, room.table);
	t.is((await present(one, roomId, 'm.room.power_levels')).eventId, power.eventId);
	t.is(await (await one.engine.findRoom(roomId))?.findState('m.room.topic', ''), undefined);
});

test('C12: of a tower of refused events the state is walked through up to a bound, and asked for beyond', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, makeUp} = await setUp(network, 0);
	const [create, power] = [
		await present(one, roomId, 'm.room.create'),
		await present(one, roomId, 'm.room.power_levels'),
	];
	const member = await present(one, roomId, 'm.room.member', bob);
	const rights = [create, power, member];
	const tower = [power];
	for (let floor = 0; floor < 101; floor += 1) {
		tower.push(makeUp(state(bob, 'm.room.topic', {topic: String(floor)}), tower.slice(-1), rights));
	}
	for (const pdu of tower.slice(1)) t.is((await deliver(two, one, pdu)).status, 'rejected');
	const ids = ((await (await two.engine.findRoom(roomId))?.listState()) ?? []).map(({eventId}) => eventId);
	const asked: EventId[] = [];
	network.lies.getStateIds = (_server: unknown, _roomId: unknown, eventId: EventId) => {
		asked.push(eventId);
		return Promise.resolve({state: ids, authChain: ids});
	};
	const roof = makeUp(message(bob, 'the roof'), tower.slice(-1), rights);
	t.is((await deliver(two, one, roof)).status, 'accepted');
	t.deepEqual(asked, [roof.eventId]);
	const lower = makeUp(message(bob, 'below it'), tower.slice(-2, -1), rights);
	t.is((await deliver(two, one, lower)).status, 'accepted');
	t.deepEqual(asked, [roof.eventId]);
});
