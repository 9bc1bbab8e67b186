/** What becomes of a room, and of what came meanwhile, when its members are learned. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {EngineError} from '../../../federation/engine/index.ts';
import {type Pdu, toFederationEvent} from '../../../federation/rooms/index.ts';
import {engineOver} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';
import {
	alice,
	anna,
	authOf,
	bob,
	carol,
	complete,
	dave,
	enter,
	find,
	forge,
	membership,
	message,
	setUp,
	state,
	type World,
} from './partial-world.ts';

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

/** Has Bob leave while he does not know who is there; gives what Dave has built on his entry, which he was not told. */
async function leaveEarly(t: ExecutionContext, world: World): Promise<Pdu> {
	const {one, two, roomId} = world;
	const entry = (await two.engine.findEvent(world.eventId))!.pdu;
	const auth = await authOf(one, roomId, await find(one, roomId, 'm.room.member', dave));
	const late = await forge(world, message(dave, 'late'), entry, auth);
	const left = await two.engine.send({roomId, event: membership(bob, bob, 'leave')});
	t.is((await deliver(two, one, left.pdu)).status, 'accepted');
	return late;
}

test('who comes back to a room that they left before it was whole judges what others built on their first join by the whole', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, roomId} = world;
	const late = await leaveEarly(t, world);
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

test('the same is learned from another server where the one that lets them in again has not heard of their first join', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network);
	const {one, two, three} = world;
	const late = await leaveEarly(t, world);
	const eventId = await enter({...world, one: three});
	await complete({...world, eventId}, three.serverName);
	t.is((await deliver(two, one, (await two.engine.findEvent(eventId))!.pdu)).status, 'accepted');
	t.is((await deliver(one, two, late)).status, 'accepted');
	t.is((await two.engine.findEvent(late.eventId))?.row.rejected, null);
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
