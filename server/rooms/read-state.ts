import type {JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import {type Membership, membershipOf} from '../../federation/rooms/index.ts';
import type {EventNid, StateRoot} from '../../storage/index.ts';
import {boundAt, type RenderedEvent, type TimelinePoint} from '../events/index.ts';
import {findRoot, mayRead, type Reading} from './access.ts';
import {type Actor, mustBeComplete, mustBeJoined, type RoomsContext} from './context.ts';
import {isRedacted} from './current-state.ts';
import {RoomsError} from './errors.ts';

/** Members that are read at a time. */
const MEMBERS_PAGE = 1_000;

/** Which members of a room are wanted. */
export interface MembersQuery {
	/** The point of the timeline to look at; absent: now. */
	readonly at?: TimelinePoint | undefined;
	/** Either of the two suffices where both are given. */
	readonly membership?: Membership | undefined;
	readonly notMembership?: Membership | undefined;
}

/** An entry of a room's state. */
export interface StateOfRoom {
	readonly event: RenderedEvent;
	/** What the event says, without what a redaction took away. */
	readonly content: JsonObject;
}

/** Gives an entry of the state that somebody may see. @throws RoomsError 'not-in-room', 'not-found' */
export async function getState(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	type: string,
	stateKey: string,
): Promise<StateOfRoom> {
	const reading = await mayRead(context, roomId, userId);
	const nid = await findEntry(context, reading, type, stateKey);
	const event = nid === undefined ? undefined : (await context.events.findRendered([nid])).get(nid);
	if (!event) throw new RoomsError('not-found', 'The room has no such state');
	const {content} = JSON.parse(`${event.open}}`) as {content: JsonObject};
	return {event, content};
}

async function findEntry(
	context: RoomsContext,
	reading: Reading,
	type: string,
	stateKey: string,
): Promise<EventNid | undefined> {
	const {storage} = context;
	if (reading.until === Number.POSITIVE_INFINITY) {
		return (await storage.rooms.findCurrentState(reading.roomId, type, stateKey))?.nid;
	}
	const state = storage.state.open(reading.roomId, await findRoot(context, reading));
	await state.load([{type, stateKey}]);
	return state.get(type, stateKey);
}

/** Lists the whole state that somebody may see. @throws RoomsError 'not-in-room', 'unreachable' */
export async function listState(context: RoomsContext, {userId}: Actor, roomId: RoomId): Promise<RenderedEvent[]> {
	const reading = await mayRead(context, roomId, userId);
	if (reading.until === Number.POSITIVE_INFINITY) await mustBeComplete(context, reading.roomId);
	return listEntries(context, roomId, await findRoot(context, reading));
}

/** Lists the entries of a state, those of some kinds only. */
export async function listEntries(
	{storage, events}: RoomsContext,
	roomId: RoomId,
	root: StateRoot,
	isWanted: (type: string, stateKey: string) => boolean = () => true,
): Promise<RenderedEvent[]> {
	const entries = await storage.state.entries(roomId, root);
	const nids = entries.filter(({type, stateKey}) => isWanted(type, stateKey)).map(({eventNid}) => eventNid);
	return [...(await events.findRendered(nids)).values()];
}

/** Lists the member events of senders in a state, for clients that load members lazily. */
export async function listSenders(
	{storage, events}: RoomsContext,
	roomId: RoomId,
	root: StateRoot,
	shown: readonly StoredEvent[],
): Promise<RenderedEvent[]> {
	const state = storage.state.open(roomId, root);
	const senders = [...new Set(shown.map(({pdu}) => pdu.sender))];
	await state.load(senders.map((stateKey) => ({type: 'm.room.member', stateKey})));
	const nids = senders.map((stateKey) => state.get('m.room.member', stateKey)).filter((nid) => nid !== undefined);
	return [...(await events.findRendered(nids)).values()];
}

/**
 * Lists the member events that somebody may see.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers
 * @throws RoomsError 'not-in-room'
 */
export async function listMembers(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	query: MembersQuery,
): Promise<RenderedEvent[]> {
	const reading = await mayRead(context, roomId, userId);
	if (reading.until === Number.POSITIVE_INFINITY) await mustBeComplete(context, reading.roomId);
	const wanted = wantedMemberships(query);
	if (query.at === undefined && reading.until === Number.POSITIVE_INFINITY) {
		const rows = await listMemberRows(context, roomId, wanted);
		return rendered(context, rows);
	}
	const root = await findRootAt(context, reading, query.at);
	const entries = await context.storage.state.entries(roomId, root);
	const nids = entries.filter(({type}) => type === 'm.room.member').map(({eventNid}) => eventNid);
	if (!wanted) return rendered(context, nids);
	const rows = await context.storage.events.findByNids(nids);
	const members = await context.engine.readRows([...rows.values()]);
	const matching = members.filter(({pdu}) => wanted.includes(membershipOf(pdu)));
	return rendered(
		context,
		matching.map(({row}) => row.nid),
	);
}

const MEMBERSHIPS: readonly Membership[] = ['invite', 'join', 'knock', 'leave', 'ban'];

function wantedMemberships({membership, notMembership}: MembersQuery): Membership[] | undefined {
	if (membership === undefined && notMembership === undefined) return undefined;
	return MEMBERSHIPS.filter((one) => one === membership || (notMembership !== undefined && one !== notMembership));
}

async function listMemberRows(
	{storage}: RoomsContext,
	roomId: RoomId,
	memberships: readonly Membership[] | undefined,
): Promise<EventNid[]> {
	const nids: EventNid[] = [];
	let after: UserId | undefined;
	do {
		const page = await storage.memberships.listOfRoom(roomId, {memberships, after, limit: MEMBERS_PAGE});
		nids.push(...page.map(({eventNid}) => eventNid).filter((nid) => nid !== null));
		after = page.length === MEMBERS_PAGE ? page.at(-1)?.userId : undefined;
	} while (after !== undefined);
	return nids;
}

async function rendered({events}: RoomsContext, nids: readonly EventNid[]): Promise<RenderedEvent[]> {
	return [...(await events.findRendered(nids)).values()];
}

/**
 * Finds the state at a point of the timeline: that before the event which follows it, where the reader may see so far. A
 * room that was made here begins with its creator's entry: before that nobody was in it, and it was none.
 */
async function findRootAt(context: RoomsContext, reading: Reading, at: TimelinePoint | undefined): Promise<StateRoot> {
	const isPast = at !== undefined && at.anchor <= reading.until;
	const following = isPast
		? await context.storage.events.listTimeline({
				roomId: reading.roomId,
				direction: 'forwards',
				from: boundAt(at, 'forwards'),
				limit: FIRST_EVENTS,
			})
		: [];
	const next = following[0]?.type === 'm.room.create' ? following.at(FIRST_EVENTS - 1) : following[0];
	return next?.stateBefore ?? findRoot(context, reading);
}

/** The creation of a room, its creator's entry, and the first event with somebody in the room before it. */
const FIRST_EVENTS = 3;

/** Somebody in a room, as other people of it see them. */
export interface JoinedMember {
	readonly displayName: string | undefined;
	readonly avatarUrl: string | undefined;
}

/** Lists who is in a room that the caller is in. @throws RoomsError 'not-in-room' */
export async function listJoinedMembers(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
): Promise<Map<UserId, JoinedMember>> {
	await mustBeJoined(context, roomId, userId);
	await mustBeComplete(context, roomId);
	const rows = await context.storage.events.findByNids(await listMemberRows(context, roomId, ['join']));
	const members = await context.engine.readRows([...rows.values()]);
	return new Map(members.map((event) => [event.pdu.stateKey as UserId, toJoinedMember(event)]));
}

function toJoinedMember({pdu, row}: StoredEvent): JoinedMember {
	// A redacted member event says no more than that somebody is there.
	const {displayname, avatar_url: avatarUrl} = isRedacted(row) ? {} : pdu.content;
	return {
		displayName: typeof displayname === 'string' ? displayname : undefined,
		avatarUrl: typeof avatarUrl === 'string' ? avatarUrl : undefined,
	};
}

/** Lists the rooms that somebody is in. */
export async function listJoinedRooms({storage}: RoomsContext, userId: UserId): Promise<RoomId[]> {
	return (await storage.memberships.listOfUser(userId, ['join'])).map(({roomId}) => roomId);
}
