import {domainOf, type EventId, type JsonValue, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Engine, RoomView, StoredEvent} from '../engine/index.ts';
import {
	type HistoryVisibility,
	historyVisibilityOf,
	isKnockable,
	isRestricted,
	isServerAllowed,
	joinRuleOf,
	type Membership,
	membershipOf,
	type Pdu,
	redactPdu,
	roomVersion,
} from '../rooms/index.ts';
import {findCondition} from './conditions.ts';
import {InboundError, notFound} from './errors.ts';

/** What answering partner servers needs. */
export interface InboundContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly serverName: ServerName;
}

/** Gives a room that this server takes part in. @throws InboundError('not_found') */
async function findOwn({engine, serverName}: InboundContext, roomId: RoomId): Promise<RoomView | undefined> {
	const room = await engine.findRoom(roomId);
	// Of a room that this server has just entered it does not know enough yet to let others in.
	return room?.isServerJoined(serverName) && !room.isPartial ? room : undefined;
}

/** Refuses a server that a room's access list shuts out. @throws InboundError('forbidden') */
export async function checkAcl(room: RoomView, origin: ServerName): Promise<void> {
	if (!isServerAllowed(await room.findState('m.room.server_acl', ''), origin)) {
		throw new InboundError('forbidden', 'The room does not admit this server');
	}
}

/**
 * Gives a room to a server that wants a user of its own in or out of it. A room that is closed to the user is none for
 * that server: the same words as for a room that does not exist (threats row 40).
 */
export async function openRoomForOutsider(
	context: InboundContext,
	request: {
		readonly origin: ServerName;
		readonly roomId: RoomId;
		readonly userId: JsonValue | undefined;
		readonly membership: Membership;
	},
): Promise<RoomView> {
	const room = await findOwn(context, request.roomId);
	if (!room || !(await mayAskToEnter(context, room, request))) throw notFound();
	await checkAcl(room, request.origin);
	return room;
}

/**
 * Whether a user's server may be told of a room: the user is named in it, or it lets in whoever nobody named, or, for the
 * ways in, others of that server are there and know it anyway. A restricted room is closed to who meets none of its
 * conditions, as far as this server can tell: those who do are told that by a server that can.
 */
async function mayAskToEnter(
	context: InboundContext,
	room: RoomView,
	{origin, userId, membership}: Parameters<typeof openRoomForOutsider>[1],
): Promise<boolean> {
	const user = typeof userId === 'string' ? (userId as UserId) : undefined;
	if (user !== undefined && (await room.findState('m.room.member', user)) !== undefined) return true;
	if (membership === 'leave') return false;
	if (room.isServerJoined(origin)) return true;
	const joinRules = await room.findState('m.room.join_rules', '');
	const rule = joinRuleOf(joinRules);
	const version = roomVersion(room.version);
	if (rule === 'public' || isKnockable(version, rule)) return true;
	if (membership !== 'join' || user === undefined || !isRestricted(version, rule)) return false;
	return (await findCondition(context, joinRules, user)) === 'met';
}

/**
 * Gives a room for a server that has a member in it; whoever has not learns nothing, not even whether it exists. A server
 * that was in the room when the events in question came, or later, may still ask about those: it needs what lies before
 * its own removal to believe it. What it may read of that, history visibility says, as for members.
 */
export async function openRoomForMember(
	context: InboundContext,
	origin: ServerName,
	roomId: RoomId,
	about: readonly EventId[] = [],
): Promise<RoomView> {
	// This server may have left: what it knows of the room it still tells those who were there with it.
	const room = await context.engine.findRoom(roomId);
	const isAdmitted = room?.isServerJoined(origin) === true || (await wasOwed(context, origin, roomId, about));
	// The same words for every room, whether there is one or not (threats row 41).
	// Nor can it say of a partial room what the state is, or who may see what.
	if (!room || room.isPartial || !isAdmitted) throw new InboundError('forbidden', 'Host not in room');
	await checkAcl(room, origin);
	return room;
}

/** Whether a server was in the room when each of these events came, or came into it afterwards. */
async function wasOwed(
	{engine, storage}: InboundContext,
	origin: ServerName,
	roomId: RoomId,
	about: readonly EventId[],
): Promise<boolean> {
	if (about.length === 0) return false;
	const all = await storage.memberships.listServerSpansOfRoom(roomId);
	const spans = all.filter(({server}) => server === origin);
	if (spans.length === 0) return false;
	const events = await engine.findEvents(about);
	return (
		events.length === about.length &&
		events.every(({pdu, row: {anchor}}) => {
			if (pdu.roomId !== roomId || anchor === null) return false;
			return spans.some(({toPos}) => toPos === null || anchor <= toPos);
		})
	);
}

/**
 * Gives events as a server in their room may have them: those sent when it could not see them are redacted (C14), and
 * those of people of this server who wanted to be forgotten before it came into the room; rejected ones are left out.
 */
export async function listVisible(
	context: InboundContext,
	origin: ServerName,
	events: readonly StoredEvent[],
): Promise<Pdu[]> {
	const {engine} = context;
	// Messages after one another share the state before them, which then is read once.
	const memberships = new Map<string, Promise<boolean>>();
	const isForgotten = await findForgetting(context, origin, events);
	const visible: Pdu[] = [];
	for (const event of events) {
		if (event.row.rejected !== null) continue;
		const isVisible = !isForgotten(event) && (await maySee(engine, origin, event, memberships));
		visible.push(isVisible ? event.pdu : redactPdu(event.pdu));
	}
	return visible;
}

/** Finds whose events a server is shown redacted only, because it came into the room when they wanted to be forgotten. */
async function findForgetting(
	{storage, serverName}: InboundContext,
	origin: ServerName,
	events: readonly StoredEvent[],
): Promise<(event: StoredEvent) => boolean> {
	const ours = events.filter(({pdu}) => domainOf(pdu.sender) === serverName);
	const erased = ours.length === 0 ? [] : await storage.erasures.list();
	if (erased.length === 0) return () => false;
	const erasedAt = new Map(erased.map(({userId, pos}) => [userId, pos]));
	const cameAt = new Map<RoomId, number>();
	for (const roomId of new Set(ours.map(({pdu}) => pdu.roomId))) {
		const spans = await storage.memberships.listServerSpansOfRoom(roomId);
		const starts = spans.filter(({server}) => server === origin).map(({fromPos}) => fromPos);
		cameAt.set(roomId, Math.min(...starts));
	}
	return ({pdu}) => {
		const pos = erasedAt.get(pdu.sender);
		return pos !== undefined && (cameAt.get(pdu.roomId) ?? 0) > pos;
	};
}

/** Finds the first of these events that a server may see whole. */
export async function findSeen(
	{engine}: InboundContext,
	origin: ServerName,
	events: readonly StoredEvent[],
): Promise<StoredEvent | undefined> {
	const memberships = new Map<string, Promise<boolean>>();
	for (const event of events) {
		if (event.row.rejected !== null || event.row.softFailed) continue;
		if (await maySee(engine, origin, event, memberships)) return event;
	}
	return undefined;
}

async function maySee(
	engine: Engine,
	origin: ServerName,
	event: StoredEvent,
	memberships: Map<string, Promise<boolean>>,
): Promise<boolean> {
	if (domainOf(event.pdu.sender) === origin || event.pdu.stateKey !== undefined) return true;
	const states = await engine.findStatesAt(event, [{type: 'm.room.history_visibility', stateKey: ''}]);
	// Of what has no place in the graph it is not known who could see it.
	if (states === undefined) return false;
	const [visibility] = states;
	const rule = historyVisibilityOf(visibility);
	if (rule === 'shared' || rule === 'world_readable') return true;
	const key = `${event.row.stateBefore ?? event.pdu.eventId} ${rule}`;
	const known = memberships.get(key) ?? isPresentAt(engine, origin, event.pdu.eventId, rule);
	memberships.set(key, known);
	return known;
}

/** Whether somebody of a server was in a room, or by the rule `invited` was asked into it, before an event. */
async function isPresentAt(
	engine: Engine,
	origin: ServerName,
	eventId: EventId,
	rule: HistoryVisibility,
): Promise<boolean> {
	const before = (await engine.listStateBefore(eventId)) ?? [];
	return before.some((pdu) => {
		if (pdu.type !== 'm.room.member' || domainOf(pdu.stateKey as UserId) !== origin) return false;
		const membership = membershipOf(pdu);
		return membership === 'join' || (rule === 'invited' && membership === 'invite');
	});
}

/** Gives a stored event of a room that is part of the graph. @throws InboundError('not_found') */
export async function getEventOf({engine}: InboundContext, roomId: RoomId, eventId: EventId): Promise<StoredEvent> {
	const found = await engine.findEvent(eventId);
	if (!found || found.pdu.roomId !== roomId) throw notFound();
	return found;
}
