import test from 'ava';
import type {EventId, RoomId, UserId} from '../../../crypto/index.ts';
import type {EventTemplate} from '../../../federation/engine/index.ts';
import type {Pdu} from '../../../federation/rooms/index.ts';
import {firstEvents, message, state, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:one.test' as UserId;
const charlie = '@charlie:two.test' as UserId;
const eve = '@eve:two.test' as UserId;

/** A room of version 12 of Alice and Bob on one server; the other one's people come later. */
async function setUp(network: EngineNetwork) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	const join = await one.engine.send({roomId, event: state(bob, 'm.room.member', {membership: 'join'}, bob)});
	await joinThrough(one, two, roomId, charlie);
	const send = async (event: EventTemplate): Promise<Pdu> => {
		const {pdu} = await one.engine.send({roomId, event});
		await deliver(one, two, pdu);
		return pdu;
	};
	return {one, two, roomId, send, join};
}

/** Gives the present state, with other events in some places, as a server would claim it. */
async function claim({engine}: TestEngine, roomId: RoomId, others: readonly Pdu[]): Promise<Pdu[]> {
	const entries = (await (await engine.findRoom(roomId))?.listState()) ?? [];
	const isReplaced = (pdu: Pdu): boolean =>
		others.some((other) => other.type === pdu.type && other.stateKey === pdu.stateKey);
	return [...entries.filter((pdu) => !isReplaced(pdu)), ...others];
}

/** Has the other server send a message on top of what is known and of something that is not, and claim a state before it. */
async function attack(
	network: EngineNetwork,
	room: {readonly one: TestEngine; readonly two: TestEngine; readonly roomId: RoomId},
	sender: UserId,
	claimed: readonly Pdu[],
): Promise<string> {
	const {one, two, roomId} = room;
	const ids = claimed.map(({eventId}) => eventId);
	const chain = (await two.engine.listAuthChain(ids)).map(({eventId}) => eventId);
	network.lies.getStateIds = () => Promise.resolve({state: ids, authChain: [...ids, ...chain]});
	network.lies.getMissingEvents = () => Promise.resolve([]);
	const view = await two.engine.findRoom(roomId);
	const event = message(sender, 'this is how it was');
	const proto = await two.engine.makeProto(roomId, event);
	const lie = two.engine.signFromProto({
		version: '12',
		roomId,
		event,
		prevEvents: [...(view?.extremities ?? []), `$${'U'.repeat(43)}` as EventId],
		authEvents: proto.event['auth_events'] as EventId[],
		depth: (view?.depth ?? 0) + 1,
	});
	return (await deliver(two, one, lie)).status;
}

async function present({engine}: TestEngine, roomId: RoomId, type: string, stateKey = ''): Promise<Pdu | undefined> {
	return (await engine.findRoom(roomId))?.findState(type, stateKey);
}

test('C5: who claims the old join rule after the one who closed the room has left does not open it again', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, send} = await setUp(network);
	const open = await present(two, roomId, 'm.room.join_rules');
	const closed = await send(state(alice, 'm.room.join_rules', {join_rule: 'invite'}));
	const leave = await send(state(alice, 'm.room.member', {membership: 'leave'}, alice));
	const claimed = await claim(two, roomId, open ? [open] : []);
	t.is(await attack(network, {one, two, roomId}, charlie, claimed), 'accepted');
	t.is((await present(one, roomId, 'm.room.join_rules'))?.eventId, closed.eventId);
	t.is((await present(one, roomId, 'm.room.member', alice))?.eventId, leave.eventId);
	const room = await stateOf(one, roomId);
	t.deepEqual(room.state, room.table);
});

test('C5: who claims the first power levels beside what rests on the third does not bring them back', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, send} = await setUp(network);
	await send(state(alice, 'm.room.power_levels', {users: {[bob]: 50}}));
	const demoted = await send(state(alice, 'm.room.power_levels', {users: {}}));
	await send(state(alice, 'm.room.power_levels', {users: {[bob]: 60}}));
	const third = await send(state(bob, 'm.room.power_levels', {users: {[bob]: 60, [charlie]: 55}}));
	await joinThrough(one, two, roomId, eve);
	const name = await send(state(bob, 'm.room.member', {membership: 'join', displayname: 'B'}, bob));
	const claimed = await claim(two, roomId, [demoted]);
	t.is(await attack(network, {one, two, roomId}, eve, claimed), 'accepted');
	t.is((await present(one, roomId, 'm.room.power_levels'))?.eventId, third.eventId);
	t.is((await present(one, roomId, 'm.room.member', bob))?.eventId, name.eventId);
	t.truthy(await present(one, roomId, 'm.room.member', eve));
	const room = await stateOf(one, roomId);
	t.deepEqual(room.state, room.table);
});

test('C5: who claims that nothing but the beginning of the room ever was takes nothing away', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, send} = await setUp(network);
	await send(state(alice, 'm.room.topic', {topic: 'kept'}));
	await send(state(alice, 'm.room.power_levels', {users: {[bob]: 50}, state_default: 50}));
	const before = await stateOf(one, roomId);
	const entries = await claim(two, roomId, []);
	const first = entries.filter(({type, stateKey}) => type === 'm.room.create' || stateKey === charlie);
	await attack(network, {one, two, roomId}, charlie, first);
	const after = await stateOf(one, roomId);
	t.deepEqual(after.state, before.state);
	t.deepEqual(after.joined, before.joined);
	t.deepEqual(after.state, after.table);
});
