import type {LRUCache} from 'lru-cache';
import {type EventId, isEventId, isJsonObject, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import {
	type AlsoWrite,
	type Engine,
	EngineError,
	type EventTemplate,
	type RoomView,
	type SentEvent,
} from '../../federation/engine/index.ts';
import type {RemoteSpace} from '../../federation/outbound/index.ts';
import type {RoomVersionId} from '../../federation/rooms/index.ts';
import type {ClientTransactionKey, Storage} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import type {FactBudget, Visibility} from '../visibility/index.ts';
import {notInRoom, RoomsError} from './errors.ts';
import type {RemoteRooms} from './remote-rooms.ts';
import type {Turns} from './turns.ts';

/** How long a client waits for the members of a room that was entered just now: less than its own patience. */
const MEMBERS_MS_MAX = 25_000;

/** Who acts, as authentication has it. */
export interface Actor {
	readonly userId: UserId;
	readonly isAdmin: boolean;
	readonly isGuest: boolean;
	readonly isSuspended: boolean;
}

/** What the rooms domain is built from. */
export interface RoomsDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly serverName: ServerName;
	readonly defaultRoomVersion: RoomVersionId;
	readonly visibility: Visibility;
	readonly facts: FactBudget;
	readonly events: Events;
	readonly remote: RemoteRooms;
	/** Who tells people of their accounts: an invite of theirs is not refused. */
	readonly noticesSender: UserId | undefined;
	/** Gives a user for one room what they keep for another. */
	readonly carryOver: (userId: UserId, rooms: {readonly from: RoomId; readonly to: RoomId}) => Promise<void>;
}

/** What every verb of the domain works with. */
export interface RoomsContext extends RoomsDependencies {
	/** Changes of one person's membership in one room go one after the other. */
	readonly memberships: Turns;
	/** The same annotation, sent twice at once, goes one after the other. */
	readonly annotations: Turns;
	/** What servers said of rooms that this one is not in, by server and room. */
	readonly spaces: LRUCache<string, RemoteSpace>;
}

/** @throws RoomsError 'suspended' */
export function mustNotBeSuspended({isSuspended}: Actor): void {
	if (isSuspended) throw new RoomsError('suspended', 'The account is suspended: it may read and leave, no more');
}

/**
 * Tells whether somebody is in a room. Asked before anything of the room is loaded, so that a stranger learns nothing by
 * the time it takes.
 */
export async function isJoined({storage, events}: RoomsContext, roomId: RoomId, userId: UserId): Promise<boolean> {
	// Whoever was just put out by another process must not go on.
	if (storage.dialect === 'postgres') await storage.barrier();
	return (await events.findStanding(roomId, userId)).row?.membership === 'join';
}

/** @throws RoomsError 'not-in-room' */
export async function mustBeJoined(context: RoomsContext, roomId: RoomId, userId: UserId): Promise<void> {
	if (!(await isJoined(context, roomId, userId))) throw notInRoom();
}

/**
 * Waits until it is known who is in a room, and who is banned from it: at once but for one that was entered just now.
 * @throws RoomsError 'unreachable'
 */
export async function mustBeComplete({engine, storage}: RoomsContext, roomId: RoomId): Promise<void> {
	if ((await storage.rooms.find(roomId))?.isPartial !== true) return;
	if (await engine.waitUntilComplete(roomId, MEMBERS_MS_MAX)) return;
	throw new RoomsError('unreachable', 'No server has told yet who is in the room; try again later');
}

/** Gives the room that somebody was just found to be in. @throws RoomsError 'not-in-room' */
export async function getRoom({engine}: RoomsContext, roomId: RoomId): Promise<RoomView> {
	const view = await engine.findRoom(roomId);
	if (!view) throw notInRoom();
	return view;
}

/** Sends an event, telling a refusal by the room's rules from other failures. @throws RoomsError 'forbidden' */
export async function sendAllowed(
	{engine}: RoomsContext,
	roomId: RoomId,
	event: EventTemplate,
	options: {
		readonly transaction?: ClientTransactionKey | undefined;
		readonly condition?: (() => Promise<void>) | undefined;
		readonly alsoWrite?: AlsoWrite | undefined;
	} = {},
): Promise<SentEvent> {
	try {
		return await engine.send({roomId, event, ...options});
	} catch (cause) {
		throw cause instanceof EngineError && cause.code === 'forbidden' ? forbidden(cause) : cause;
	}
}

/** The refusal of a room's rules, for somebody who may know of the room. */
export function forbidden(cause: EngineError): RoomsError {
	return new RoomsError('forbidden', `The rules of the room do not allow it: ${cause.message}`, {cause});
}

/** Finds what a repeated request sent: it is answered alike whatever has become of the room meanwhile. */
export async function findSent(
	{storage}: RoomsContext,
	transaction: ClientTransactionKey,
): Promise<EventId | undefined> {
	const stored = await storage.clientTransactions.find(transaction);
	const answer = stored?.answer;
	return isJsonObject(answer) && isEventId(answer['event_id']) ? answer['event_id'] : undefined;
}
