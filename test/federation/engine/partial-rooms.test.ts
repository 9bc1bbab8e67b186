import test from 'ava';
import {domainOf, type RoomId, type ServerName, type UserId} from '../../../crypto/index.ts';
import {EngineError} from '../../../federation/engine/index.ts';
import {InboundError, makeMemberProto, readStateIds} from '../../../federation/inbound/index.ts';
import {onPostgres, serverName} from '../../contract/databases.ts';
import {engineOver, firstEvents, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, stateOf} from '../../harness/engine-network.ts';
import {alice, bob, complete, dave, enter, membership, message, setUp, state} from './partial-world.ts';

const sorted = (list: readonly string[]): string[] => list.toSorted((a, b) => (a < b ? -1 : 1));

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

test('where nobody tells who was there the last time, what came after that is judged by what is told of its own time', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId} = world;
	const said = await one.engine.send({roomId, event: message(dave, 'while you could not hear us')});
	const left = await two.engine.send({roomId, event: membership(bob, bob, 'leave')});
	t.is((await deliver(two, one, left.pdu)).status, 'accepted');
	network.lies.getStateIds = () => Promise.reject(new EngineError('unavailable', 'nobody answers'));
	network.lies.getState = network.lies.getStateIds as never;
	const eventId = await enter(world);
	delete network.lies.getStateIds;
	delete network.lies.getState;
	await complete({...world, eventId});
	t.false((await two.engine.findRoom(roomId))?.isPartial);
	t.is((await two.storage.events.findById(world.eventId))?.statePartial, true);
	const end = {anchor: two.storage.stream.head(), minor: 1};
	while (await two.engine.backfill(roomId, end, 50)) continue;
	const row = await two.storage.events.findById(said.eventId);
	t.is(row?.rejected, null);
	t.not(row?.anchor ?? null, null);
	const [here, there] = [await stateOf(two, roomId), await stateOf(one, roomId)];
	t.deepEqual([here.state, here.joined], [there.state, there.joined]);
	// A third time, with the members of the second known.
	const gone = await two.engine.send({roomId, event: membership(bob, bob, 'leave')});
	t.is((await deliver(two, one, gone.pdu)).status, 'accepted');
	await complete({...world, eventId: await enter(world)});
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
});
