import test from 'ava';
import {
	domainOf,
	type EventId,
	type JsonObject,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../../crypto/index.ts';
import {EngineError, type EventTemplate} from '../../../federation/engine/index.ts';
import {InboundError, makeMemberProto, readStateIds} from '../../../federation/inbound/index.ts';
import {type Pdu, toFederationEvent} from '../../../federation/rooms/index.ts';
import {onPostgres, serverName} from '../../contract/databases.ts';
import {engineOver, firstEvents, type TestEngine} from '../../harness/engine.ts';
import {askToJoin, deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const anna = '@anna:one.test' as UserId;
const bob = '@bob:two.test' as UserId;
const carol = '@carol:three.test' as UserId;
const dave = '@dave:one.test' as UserId;

const message = (sender: UserId, body: string): EventTemplate => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body},
});
const membership = (sender: UserId, target: UserId, value: string): EventTemplate => ({
	type: 'm.room.member',
	stateKey: target,
	sender,
	content: {membership: value},
});
const state = (sender: UserId, type: string, content: JsonObject): EventTemplate => ({
	type,
	stateKey: '',
	sender,
	content,
});

const sorted = (list: readonly string[]): string[] => list.toSorted((a, b) => (a < b ? -1 : 1));

interface World {
	readonly network: EngineNetwork;
	readonly one: TestEngine;
	readonly two: TestEngine;
	readonly three: TestEngine;
	readonly roomId: RoomId;
	/** Bob's entry. */
	readonly eventId: EventId;
}

/** A room of the first server with people of the third, that Bob of the second enters without being told who is there. */
async function setUp(
	network: EngineNetwork,
	change?: (world: Omit<World, 'eventId'>) => Promise<void>,
): Promise<World> {
	const [one, two, three] = [
		await network.add('one.test'),
		await network.add('two.test'),
		await network.add('three.test'),
	];
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	for (const userId of [anna, dave]) await one.engine.send({roomId, event: membership(userId, userId, 'join')});
	await joinThrough(one, three, roomId, carol);
	const world = {network, one, two, three, roomId};
	await change?.(world);
	return {...world, eventId: await enter(world)};
}

async function enter({one, two, roomId}: Omit<World, 'eventId'>, userId = bob): Promise<EventId> {
	const request = await askToJoin(one, two, roomId, userId);
	const servers = await one.storage.memberships.listServers(roomId);
	const sent = await two.engine.importRoom({
		...request,
		state: request.state.filter(({type, stateKey}) => type !== 'm.room.member' || stateKey === userId),
		authChain: request.authChain.filter(
			({type, stateKey}) => type !== 'm.room.member' || stateKey?.startsWith('@alice:'),
		),
		withoutMembers: {servers: [one.serverName, ...servers]},
	});
	return sent.eventId;
}

/** Two processes of a server of one database: one enters the room and talks, the other learns who is there. */
onPostgres('two processes of a server complete a room between them', async (t, database) => {
	await using network = new EngineNetwork();
	const far = await network.add('far.test');
	const [creator, guest] = ['@alice:far.test' as UserId, `@bob:${serverName}` as UserId];
	const {roomId} = await far.engine.createRoom({version: '12', events: firstEvents('12', creator, 'public')});
	for (const userId of ['@anna:far.test' as UserId, '@dave:far.test' as UserId]) {
		await far.engine.send({roomId, event: membership(userId, userId, 'join')});
	}
	const storages = [await database.open(), await database.open()] as const;
	const [first, second] = storages.map((storage) => ({
		storage,
		serverName: serverName as ServerName,
		engine: engineOver(storage, serverName, {remote: network.remoteOfProcess()}),
		url: '',
		[Symbol.asyncDispose]: () => Promise.resolve(),
	})) as unknown as [TestEngine, TestEngine];
	const eventId = await enter({network, one: far, two: first, three: far, roomId}, guest);
	await storages[1].barrier();
	t.true((await second.engine.findRoom(roomId))?.isPartial);
	const talk = Array.from({length: 5}, (_, n) => first.engine.send({roomId, event: message(guest, `${n}`)}));
	await Promise.all([...talk, second.engine.completeRoom(roomId, {eventId, server: far.serverName})]);
	for (const {storage, engine} of [first, second]) {
		await storage.barrier();
		const view = await engine.findRoom(roomId);
		t.false(view?.isPartial);
		const members = (await view?.listState())?.filter(({type}) => type === 'm.room.member');
		t.is(members?.length, 4);
		t.is((await storage.memberships.count(roomId)).join, 4);
	}
	const next = await first.engine.send({roomId, event: message(guest, 'after')});
	t.is((await second.engine.listStateBefore(next.eventId))?.filter(({type}) => type === 'm.room.member').length, 4);
});

const complete = ({two, one, roomId, eventId}: World, server = one.serverName): Promise<void> =>
	two.engine.completeRoom(roomId, {eventId, server});

/** Builds an event that a server signs, whatever its rules say. */
async function forge(
	{network, one, roomId}: World,
	event: EventTemplate,
	prev: Pdu,
	authEvents: readonly Pdu[],
): Promise<Pdu> {
	const chain = [...authEvents, ...(await one.engine.listAuthChain(authEvents.map(({eventId}) => eventId)))];
	network.lies.getEventAuth = () => Promise.resolve(chain.map((pdu) => toFederationEvent(pdu)));
	return one.engine.signFromProto({
		version: '11',
		roomId,
		event,
		prevEvents: [prev.eventId],
		authEvents: authEvents.map(({eventId}) => eventId),
		depth: prev.depth + 1,
	});
}

async function find({engine}: TestEngine, roomId: RoomId, type: string, stateKey = ''): Promise<Pdu> {
	const found = await (await engine.findRoom(roomId))?.findState(type, stateKey);
	if (!found) throw new Error(`no ${type}`);
	return found;
}

async function authOf(home: TestEngine, roomId: RoomId, member: Pdu): Promise<Pdu[]> {
	return [await find(home, roomId, 'm.room.create'), await find(home, roomId, 'm.room.power_levels'), member];
}

test('a room without its members is used at once, and is the same room as elsewhere once they are known', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, three, roomId} = world;
	const view = await two.engine.findRoom(roomId);
	t.true(view?.isPartial);
	t.deepEqual((await two.storage.memberships.listServers(roomId)).toSorted(), [one.serverName, three.serverName]);
	// Both ways, with somebody of whom nothing is known.
	const sent = await two.engine.send({roomId, event: message(bob, 'here I am')});
	t.is((await deliver(two, one, sent.pdu)).status, 'accepted');
	const heard = await one.engine.send({roomId, event: message(dave, 'welcome')});
	t.is((await deliver(one, two, heard.pdu)).status, 'accepted');
	const topic = await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'later'})});
	t.is((await deliver(one, two, topic.pdu)).status, 'accepted');
	const come = await one.engine.send({
		roomId,
		event: membership('@erin:one.test' as UserId, '@erin:one.test' as UserId, 'join'),
	});
	t.is((await deliver(one, two, come.pdu)).status, 'accepted');
	await complete(world);
	t.false((await two.engine.findRoom(roomId))?.isPartial);
	const [here, there] = [await stateOf(two, roomId), await stateOf(one, roomId)];
	t.deepEqual(here.state, there.state);
	t.deepEqual(here.table, there.state);
	t.deepEqual(here.joined, there.joined);
	t.deepEqual(here.servers, [one.serverName, three.serverName]);
	// The states of what came meanwhile are whole as well, and the room goes on.
	for (const {eventId} of [sent, heard, topic, come, {eventId: world.eventId}]) {
		const before = async ({engine}: TestEngine) =>
			((await engine.listStateBefore(eventId)) ?? []).map((pdu) => pdu.eventId).toSorted((a, b) => (a < b ? -1 : 1));
		t.deepEqual(await before(two), await before(one), eventId);
		t.false((await two.engine.findEvent(eventId))?.row.statePartial);
	}
	const next = await two.engine.send({roomId, event: message(bob, 'now I know you')});
	t.is((await deliver(two, one, next.pdu)).status, 'accepted');
});

test('who left before is believed by a partial room, and is not any more when it is complete', async (t) => {
	await using network = new EngineNetwork();
	let joined: Pdu | undefined;
	const world = await setUp(network, async ({one, roomId}) => {
		joined = await find(one, roomId, 'm.room.member', dave);
		await one.engine.send({
			roomId,
			event: state(alice, 'm.room.power_levels', {users: {[alice]: 100, [dave]: 50}}),
		});
		await one.engine.send({roomId, event: membership(dave, dave, 'leave')});
	});
	const {one, two, roomId, eventId} = world;
	const entry = (await two.engine.findEvent(eventId))!.pdu;
	const bad = await forge(
		world,
		state(dave, 'm.room.topic', {topic: 'ghost'}),
		entry,
		await authOf(one, roomId, joined!),
	);
	const reception = await two.engine.receive({roomId, json: toFederationEvent(bad), origin: one.serverName});
	t.is(reception.status, 'accepted');
	t.is((await find(two, roomId, 'm.room.topic')).eventId, bad.eventId);
	await complete(world);
	t.not((await two.engine.findEvent(bad.eventId))?.row.rejected, null);
	t.is(await (await two.engine.findRoom(roomId))?.findState('m.room.topic', ''), undefined);
	await two.engine.send({roomId, event: message(bob, 'on we go')});
});

test('what a partial room refused because of somebody it should not have believed is in the state of the whole one', async (t) => {
	await using network = new EngineNetwork();
	let joined: Pdu | undefined;
	const world = await setUp(network, async ({one, roomId}) => {
		joined = await find(one, roomId, 'm.room.member', dave);
		const users = {[alice]: 100, [dave]: 100, [anna]: 50};
		await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', {users})});
		await one.engine.send({roomId, event: membership(dave, dave, 'leave')});
	});
	const {one, two, roomId, eventId} = world;
	const entry = (await two.engine.findEvent(eventId))!.pdu;
	const annaJoined = await find(one, roomId, 'm.room.member', anna);
	const auth = await authOf(one, roomId, joined!);
	const kick = await forge(world, membership(dave, anna, 'leave'), entry, [...auth, annaJoined]);
	const receive = (pdu: Pdu) => two.engine.receive({roomId, json: toFederationEvent(pdu), origin: one.serverName});
	t.is((await receive(kick)).status, 'accepted');
	const refused = await forge(
		world,
		state(anna, 'org.example.state', {is: 'kept'}),
		kick,
		await authOf(one, roomId, annaJoined),
	);
	t.is((await receive(refused)).status, 'rejected');
	const after = await forge(
		world,
		message(alice, 'so'),
		refused,
		await authOf(one, roomId, await find(one, roomId, 'm.room.member', alice)),
	);
	t.is((await receive(after)).status, 'accepted');
	await complete(world);
	t.not((await two.engine.findEvent(kick.eventId))?.row.rejected, null);
	t.is((await find(two, roomId, 'm.room.member', anna)).eventId, annaJoined.eventId);
	t.is((await find(two, roomId, 'org.example.state')).eventId, refused.eventId);
});

test('events that their auth events refuse hide nothing of what came while the room was partial', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId, eventId} = world;
	const entry = (await two.engine.findEvent(eventId))!.pdu;
	const alices = await authOf(one, roomId, await find(one, roomId, 'm.room.member', alice));
	const annas = await authOf(one, roomId, await find(one, roomId, 'm.room.member', anna));
	const receive = async (pdu: Pdu) =>
		(await two.engine.receive({roomId, json: toFederationEvent(pdu), origin: one.serverName})).status;
	const first = await forge(world, message(alice, 'one'), entry, alices);
	t.is(await receive(first), 'accepted');
	let top = first;
	for (const topic of ['mine', 'mine as well']) {
		top = await forge(world, state(anna, 'm.room.topic', {topic}), top, annas);
		t.is(await receive(top), 'rejected');
	}
	const last = await forge(world, message(alice, 'two'), top, alices);
	t.is(await receive(last), 'accepted');
	await complete(world);
	for (const id of [first.eventId, last.eventId]) {
		t.is((await two.engine.findEvent(id))?.row.rejected, null);
		const members = (await two.engine.listStateBefore(id))?.filter(({type}) => type === 'm.room.member');
		t.is(members?.length, 5);
	}
	t.not((await two.engine.findEvent(top.eventId))?.row.rejected, null);
});

test('a room stays partial while no server tells its members, and any server of it may', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, three, roomId} = world;
	await deliver(two, three, (await two.engine.findEvent(world.eventId))!.pdu);
	network.down.add(one.serverName);
	await t.throwsAsync(complete(world), {instanceOf: EngineError, code: 'unavailable'});
	t.true((await two.engine.findRoom(roomId))?.isPartial);
	await complete(world, three.serverName);
	t.false((await two.engine.findRoom(roomId))?.isPartial);
	await complete(world);
	network.down.delete(one.serverName);
	t.deepEqual((await stateOf(two, roomId)).joined, (await stateOf(one, roomId)).joined);
});

test('B1: who tells the members can change nothing else of the room, and cannot say that we were never let in', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId, eventId} = world;
	const before = await find(two, roomId, 'm.room.join_rules');
	const rules = await one.engine.send({roomId, event: state(alice, 'm.room.join_rules', {join_rule: 'invite'})});
	const ban = await forge(world, membership(alice, bob, 'ban'), rules.pdu, [
		...(await authOf(one, roomId, await find(one, roomId, 'm.room.member', alice))),
		(await two.engine.findEvent(eventId))!.pdu,
	]);
	const truth = (await one.engine.listStateBefore(eventId)) ?? [];
	const chain = await one.engine.listAuthChain([rules.eventId, ban.eventId, ...truth.map((pdu) => pdu.eventId)]);
	const lie = (instead: readonly Pdu[]) => {
		const told = [...truth.filter(({type}) => type !== 'm.room.join_rules'), ...instead];
		network.lies.getStateIds = () =>
			Promise.resolve({state: told.map((pdu) => pdu.eventId), authChain: chain.map((pdu) => pdu.eventId)});
		const wire = (pdus: readonly Pdu[]) => pdus.map((pdu) => toFederationEvent(pdu));
		network.lies.getState = () => Promise.resolve({state: wire(told), authChain: wire([...chain, ...instead])});
		network.lies.getEvent = (_server, id) => {
			const event = [...told, ...chain].find((pdu) => pdu.eventId === id);
			return Promise.resolve(event && toFederationEvent(event));
		};
	};
	lie([rules.pdu, ban]);
	await t.throwsAsync(complete(world), {instanceOf: EngineError, code: 'bad_response'});
	t.true((await two.engine.findRoom(roomId))?.isPartial);
	lie([rules.pdu]);
	await complete(world);
	t.is((await find(two, roomId, 'm.room.join_rules')).eventId, before.eventId);
	t.true((await stateOf(two, roomId)).joined.includes(carol));
});

test('another process, or the same after a restart, completes a room, and the first one knows', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId, eventId} = world;
	const sent = await two.engine.send({roomId, event: message(bob, 'before')});
	const waiting = two.engine.waitUntilComplete(roomId, 60_000);
	const again = engineOver(two.storage, 'two.test', {remote: network.remoteOfProcess()});
	t.true((await again.findRoom(roomId))?.isPartial);
	await again.completeRoom(roomId, {eventId, server: one.serverName});
	t.true(await waiting);
	const view = await two.engine.findRoom(roomId);
	t.false(view?.isPartial);
	t.deepEqual((await stateOf(two, roomId)).joined.toSorted(), [alice, anna, bob, carol, dave].toSorted());
	t.true(view?.isServerJoined(one.serverName));
	const next = await two.engine.send({roomId, event: message(bob, 'after')});
	t.deepEqual(next.pdu.prevEvents, [sent.eventId]);
	t.is((await two.engine.listStateBefore(next.eventId))?.filter(({type}) => type === 'm.room.member').length, 5);
});

test('a partial room lets nobody in, and says nothing of its state to other servers', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId, eventId} = world;
	const inbound = {storage: two.storage, engine: two.engine, serverName: two.serverName};
	const userId = '@erin:three.test' as UserId;
	const origin = domainOf(userId);
	const question = {origin: one.serverName, roomId};
	const ask = () => makeMemberProto(inbound, {origin, roomId, userId, membership: 'join', versions: ['11']});
	await t.throwsAsync(ask(), {instanceOf: InboundError, code: 'not_found'});
	await t.throwsAsync(readStateIds(inbound, question, eventId), {instanceOf: InboundError, code: 'forbidden'});
	await complete(world);
	t.is((await ask()).version, '11');
	const {pdu_ids: ids} = await readStateIds(inbound, question, eventId);
	const before = (await one.engine.listStateBefore(eventId)) ?? [];
	t.deepEqual(sorted(ids as string[]), sorted(before.map((pdu) => pdu.eventId)));
});

test('waiting for the members ends when the time is up', async (t) => {
	await using network = new EngineNetwork();
	const {two, roomId} = await setUp(network);
	t.false(await two.engine.waitUntilComplete(roomId, 1));
	t.true(await two.engine.waitUntilComplete('!nowhere:one.test' as RoomId, 1));
});

test('who leaves a partial room and comes back enters it anew', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId} = world;
	const left = await two.engine.send({roomId, event: membership(bob, bob, 'leave')});
	t.is((await deliver(two, one, left.pdu)).status, 'accepted');
	const eventId = await enter(world);
	t.true((await two.engine.findRoom(roomId))?.isPartial);
	await complete({...world, eventId});
	const [here, there] = [await stateOf(two, roomId), await stateOf(one, roomId)];
	t.deepEqual([here.state, here.table, here.joined, here.servers.length], [there.state, there.state, there.joined, 2]);
});

test('a fork in a partial room heals to the state that it has elsewhere', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId} = world;
	await deliver(two, one, (await two.engine.findEvent(world.eventId))!.pdu);
	const ours = await two.engine.send({roomId, event: message(bob, 'ours')});
	const theirs = [
		await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'one'})}),
		await one.engine.send({roomId, event: membership(alice, dave, 'ban')}),
		await one.engine.send({roomId, event: membership(anna, anna, 'leave')}),
	];
	for (const {pdu} of theirs) t.is((await deliver(one, two, pdu)).status, 'accepted');
	t.is((await deliver(two, one, ours.pdu)).status, 'accepted');
	await complete(world);
	const joint = await two.engine.send({roomId, event: message(bob, 'together')});
	t.is((await deliver(two, one, joint.pdu)).status, 'accepted');
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
});

test('somebody of ours who had left, and whom a fork showed as joined, is out when the room is complete', async (t) => {
	await using network = new EngineNetwork();
	const bella = '@bella:two.test' as UserId;
	let fork: Pdu | undefined;
	const world = await setUp(network, async ({one, two, roomId}) => {
		await joinThrough(one, two, roomId, bella);
		fork = (await one.engine.send({roomId, event: message(alice, 'before she left')})).pdu;
		t.is((await deliver(one, two, fork)).status, 'accepted');
		const left = await two.engine.send({roomId, event: membership(bella, bella, 'leave')});
		t.is((await deliver(two, one, left.pdu)).status, 'accepted');
	});
	const {one, two, roomId} = world;
	const late = await forge(world, message(dave, 'late'), fork!, [
		...(await authOf(one, roomId, await find(one, roomId, 'm.room.member', dave))),
	]);
	const wire = {roomId, json: toFederationEvent(late), origin: one.serverName};
	t.is((await two.engine.receive(wire)).status, 'accepted');
	t.is((await one.engine.receive(wire)).status, 'accepted');
	t.true((await stateOf(two, roomId)).joined.includes(bella), 'half a state does not say that she left');
	await complete(world);
	const [here, there] = [await stateOf(two, roomId), await stateOf(one, roomId)];
	t.deepEqual([here.state, here.table, here.joined], [there.state, there.state, there.joined]);
	t.deepEqual(await two.storage.memberships.listLocalJoined(roomId), [bob]);
});

test('who comes back to a room that they left before it was whole judges what others built on their first join by the whole', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId} = world;
	const entry = (await two.engine.findEvent(world.eventId))!.pdu;
	const late = await forge(
		world,
		message(dave, 'late'),
		entry,
		await authOf(one, roomId, await find(one, roomId, 'm.room.member', dave)),
	);
	const left = await two.engine.send({roomId, event: membership(bob, bob, 'leave')});
	t.is((await deliver(two, one, left.pdu)).status, 'accepted');
	const eventId = await enter(world);
	await complete({...world, eventId});
	t.is((await deliver(one, one, late)).status, 'accepted');
	const next = await one.engine.send({roomId, event: message(alice, 'on top of it')});
	t.true(next.pdu.prevEvents.includes(late.eventId));
	delete network.lies.getEventAuth;
	t.is((await deliver(one, two, next.pdu)).status, 'accepted');
	t.is((await two.engine.findEvent(late.eventId))?.row.rejected, null);
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
});
