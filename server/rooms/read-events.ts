import {isEventId, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import type {EventNid, TimelinePlace} from '../../storage/index.ts';
import {pointAfter, pointBefore, type RenderedEvent, type TimelinePoint} from '../events/index.ts';
import type {CompiledRoomEventFilter} from '../filters/index.ts';
import {mayRead} from './access.ts';
import type {Actor, RoomsContext} from './context.ts';
import {RoomsError} from './errors.ts';
import {profileContent} from './member-content.ts';
import {listEntries, listSenders} from './read-state.ts';
import {type Page, readPage} from './timeline.ts';

/** An event with what came around it. */
export interface Surroundings {
	readonly event: StoredEvent;
	/** Newest first. */
	readonly before: readonly StoredEvent[];
	/** Oldest first. */
	readonly after: readonly StoredEvent[];
	readonly start: TimelinePoint;
	readonly end: TimelinePoint;
}

/** An event with what came around it, and the state at the last of these events. */
export interface EventContext extends Surroundings {
	readonly state: readonly RenderedEvent[];
}

/** How much around an event is wanted. */
export interface SurroundingsQuery {
	readonly before: number;
	readonly after: number;
	readonly filter: CompiledRoomEventFilter;
}

/**
 * Gives an event that somebody may see. Who may not see the room is told what the specification says: that there is no
 * such event. @throws RoomsError 'not-found'
 */
export async function getEvent(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	eventId: string,
): Promise<StoredEvent> {
	try {
		return await findVisible(context, actor, roomId, eventId);
	} catch (cause) {
		throw cause instanceof RoomsError && cause.code === 'not-in-room' ? noSuchEvent({cause}) : cause;
	}
}

/** Gives an event of any room that somebody may see; where they may not, there is none. @throws RoomsError 'not-found' */
export async function getEventOfAnyRoom(context: RoomsContext, actor: Actor, eventId: string): Promise<StoredEvent> {
	const found = isEventId(eventId) ? await context.engine.findEvent(eventId) : undefined;
	if (!found) throw noSuchEvent();
	return getEvent(context, actor, found.pdu.roomId, eventId);
}

async function findVisible(
	context: RoomsContext,
	{userId}: Pick<Actor, 'userId'>,
	roomId: RoomId,
	eventId: string,
): Promise<StoredEvent> {
	await mayRead(context, roomId, userId);
	const found = isEventId(eventId) ? await context.engine.findEvent(eventId) : undefined;
	const [event] = found?.row.roomId === roomId ? await context.events.filterVisible(userId, [found]) : [];
	if (!event) throw noSuchEvent();
	return event;
}

/** Gives an event with what came around it. @throws RoomsError 'not-in-room', 'not-found' */
export async function getSurroundings(
	context: RoomsContext,
	actor: Pick<Actor, 'userId'>,
	roomId: RoomId,
	eventId: string,
	{before: countBefore, after: countAfter, filter}: SurroundingsQuery,
): Promise<Surroundings> {
	const event = await findVisible(context, actor, roomId, eventId);
	const {anchor, minor} = event.row;
	if (anchor === null || minor === null) throw noSuchEvent();
	const place: TimelinePlace = {anchor, minor};
	const page = (direction: 'forwards' | 'backwards', from: TimelinePoint, count: number): Promise<Page> =>
		readPage(context, {roomId, userId: actor.userId}, {direction, from, limit: count, filter});
	const before = await page('backwards', pointBefore(place), countBefore);
	const after = await page('forwards', pointAfter(place), countAfter);
	return {event, before: before.events, after: after.events, start: before.end, end: after.end};
}

/**
 * Gives an event with what came around it, and the state there.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid
 * @throws RoomsError 'not-in-room', 'not-found'
 */
export async function getContext(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	eventId: string,
	query: SurroundingsQuery,
): Promise<EventContext> {
	const found = await getSurroundings(context, actor, roomId, eventId, query);
	const {event, before, after} = found;
	const last = after.at(-1) ?? event;
	return {...found, state: await listStateAt(context, last, query.filter, [event, ...before, ...after])};
}

/** Lists the state at an event: after it, where it is state itself. */
async function listStateAt(
	context: RoomsContext,
	{row}: StoredEvent,
	filter: CompiledRoomEventFilter,
	shown: readonly StoredEvent[],
): Promise<RenderedEvent[]> {
	if (row.stateBefore === null) return [];
	const senders = new Set<string>(shown.map(({pdu}) => pdu.sender));
	const isWanted = (type: string, stateKey: string) =>
		!filter.lazyLoadsMembers || type !== 'm.room.member' || senders.has(stateKey);
	const before = await listEntries(context, row.roomId, row.stateBefore, isWanted);
	const {type, stateKey} = row;
	const own = stateKey === null || !isWanted(type, stateKey) ? undefined : await findOne(context, row.nid);
	const state = own ? [...before.filter((entry) => entry.type !== type || entry.stateKey !== stateKey), own] : before;
	return state.filter((entry) => filter.matches?.(entry) !== false);
}

async function findOne({events}: RoomsContext, nid: EventNid): Promise<RenderedEvent | undefined> {
	return (await events.findRendered([nid])).get(nid);
}

/** Gives the names and avatars that senders had at an event, as their member events in the state before it say. */
export async function listProfilesAt(
	context: RoomsContext,
	{row}: StoredEvent,
	senders: readonly StoredEvent[],
): Promise<Map<UserId, JsonObject>> {
	const members = row.stateBefore === null ? [] : await listSenders(context, row.roomId, row.stateBefore, senders);
	const events = await context.engine.findEvents(members.map(({eventId}) => eventId));
	const shown = events.filter(({row: member}) => member.redactedBy === null);
	return new Map(shown.map(({pdu}) => [pdu.stateKey as UserId, profileContent(pdu.content)]));
}

function noSuchEvent(options?: ErrorOptions): RoomsError {
	return new RoomsError('not-found', 'There is no such event in the room', options);
}
