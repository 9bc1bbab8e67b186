import type {JsonObject, ServerName, UserId} from '../../crypto/index.ts';
import type {RoomView} from '../engine/index.ts';
import {type Pdu, toFederationEvent} from '../rooms/index.ts';
import type {InboundContext} from './access.ts';
import {listFirstMembers} from './first-members.ts';

/** Members that a room without a name is called by, as in `m.heroes`. */
const HEROES_MAX = 5;

/** What the asking server wants of the answer to its join. */
export interface JoinWish {
	/** Whether it takes an answer without members: it can use the room before it knows who is in it. */
	readonly omitMembers: boolean;
}

/** A join that is in its room. */
interface Joined {
	readonly join: Pdu;
	readonly room: RoomView;
}

/**
 * Gives a server what it needs to take part in a room. Without the members these are few events, however many people are
 * in the room: what the join rests on, and by whom a room without a name is called.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export async function answerJoin(context: InboundContext, joined: Joined, wish: JoinWish): Promise<JsonObject> {
	const {engine, serverName} = context;
	const {join} = joined;
	const told = wish.omitMembers ? new Set([join.stateKey, ...(await listHeroes(context, joined))]) : undefined;
	const state =
		(await engine.listStateBefore(
			join.eventId,
			({type, stateKey}) => type !== 'm.room.member' || told === undefined || told.has(stateKey),
		)) ?? [];
	const given = new Set(state.map(({eventId}) => eventId));
	const authChain = await engine.listAuthChain([join.eventId, ...given]);
	// Who takes less need not be told anything twice.
	const rest = wish.omitMembers ? authChain.filter(({eventId}) => !given.has(eventId)) : authChain;
	return {
		origin: serverName,
		event: toFederationEvent(join),
		state: state.map((event) => toFederationEvent(event)),
		auth_chain: rest.map((event) => toFederationEvent(event)),
		members_omitted: wish.omitMembers,
		servers_in_room: await listServersBefore(context, join),
	};
}

/** Lists by whom a room without a name is called, for the one who joins. */
async function listHeroes({storage}: InboundContext, {join, room}: Joined): Promise<UserId[]> {
	const names = [
		{type: 'm.room.name', stateKey: ''},
		{type: 'm.room.canonical_alias', stateKey: ''},
	];
	const isNamed = (await room.findStates(names)).some(
		({content}) => isText(content['name']) || isText(content['alias']),
	);
	if (isNamed) return [];
	const first = await listFirstMembers(storage, join.roomId, HEROES_MAX + 1);
	return first.filter((userId) => userId !== join.stateKey).slice(0, HEROES_MAX);
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** Lists the servers that were in a room before somebody joined, and still are. */
async function listServersBefore({storage, serverName}: InboundContext, join: Pdu): Promise<ServerName[]> {
	const [row, spans] = await Promise.all([
		storage.events.findById(join.eventId),
		storage.memberships.listServerSpansOfRoom(join.roomId),
	]);
	const pos = row?.anchor ?? Number.MAX_SAFE_INTEGER;
	const before = spans.filter(({fromPos, toPos}) => toPos === null && fromPos < pos).map(({server}) => server);
	return [...new Set([serverName, ...before])];
}
