/** Rooms that a server has entered before it knows who is there. */
import type {EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {EventTemplate} from '../../../federation/engine/index.ts';
import {type Pdu, toFederationEvent} from '../../../federation/rooms/index.ts';
import {firstEvents, type TestEngine} from '../../harness/engine.ts';
import {askToJoin, EngineNetwork, joinThrough} from '../../harness/engine-network.ts';

export const alice = '@alice:one.test' as UserId;
export const anna = '@anna:one.test' as UserId;
export const bob = '@bob:two.test' as UserId;
export const carol = '@carol:three.test' as UserId;
export const dave = '@dave:one.test' as UserId;

export const message = (sender: UserId, body: string): EventTemplate => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body},
});
export const membership = (sender: UserId, target: UserId, value: string): EventTemplate => ({
	type: 'm.room.member',
	stateKey: target,
	sender,
	content: {membership: value},
});
export const state = (sender: UserId, type: string, content: JsonObject): EventTemplate => ({
	type,
	stateKey: '',
	sender,
	content,
});

export interface World {
	readonly network: EngineNetwork;
	readonly one: TestEngine;
	readonly two: TestEngine;
	readonly three: TestEngine;
	readonly roomId: RoomId;
	/** Bob's entry. */
	readonly eventId: EventId;
}

/** A room of the first server with people of the third, that Bob of the second enters without being told who is there. */
export async function setUp(
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

export async function enter({one, two, roomId}: Omit<World, 'eventId'>, userId = bob): Promise<EventId> {
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

export const complete = ({two, one, roomId, eventId}: World, server = one.serverName): Promise<void> =>
	two.engine.completeRoom(roomId, {eventId, server});

/** Builds an event that a server signs, whatever its rules say. */
export async function forge(
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

export async function find({engine}: TestEngine, roomId: RoomId, type: string, stateKey = ''): Promise<Pdu> {
	const found = await (await engine.findRoom(roomId))?.findState(type, stateKey);
	if (!found) throw new Error(`no ${type}`);
	return found;
}

export async function authOf(home: TestEngine, roomId: RoomId, member: Pdu): Promise<Pdu[]> {
	return [await find(home, roomId, 'm.room.create'), await find(home, roomId, 'm.room.power_levels'), member];
}
