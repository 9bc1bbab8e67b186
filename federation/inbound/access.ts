import {domainOf, type EventId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Engine, RoomView, StoredEvent} from '../engine/index.ts';
import {historyVisibilityOf, isServerAllowed, membershipOf, type Pdu, redactPdu} from '../rooms/index.ts';
import {InboundError, notFound} from './errors.ts';

/** What answering partner servers needs. */
export interface InboundContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly serverName: ServerName;
}

/** Gives a room that this server takes part in and that admits the asking server. @throws InboundError */
export async function openRoom(
	{engine, storage}: InboundContext,
	origin: ServerName,
	roomId: RoomId,
): Promise<RoomView> {
	const room = await engine.findRoom(roomId);
	if (!room || (await storage.memberships.listLocalJoined(roomId)).length === 0) throw notFound();
	if (!isServerAllowed(await room.findState('m.room.server_acl', ''), origin)) {
		throw new InboundError('forbidden', 'The room does not admit this server');
	}
	return room;
}

/** Gives a room for a server that has a member in it; whoever has not learns nothing, not even whether it exists. */
export async function openRoomForMember(
	context: InboundContext,
	origin: ServerName,
	roomId: RoomId,
): Promise<RoomView> {
	// Asked first, so that a stranger gets the same words for every room (threats row 41).
	const servers = await context.storage.memberships.listServers(roomId);
	if (!servers.includes(origin)) throw new InboundError('forbidden', 'Host not in room');
	return openRoom(context, origin, roomId);
}

/** Gives events as a server in their room may have them: those sent when it could not see them are redacted (C14). */
export async function listVisible(
	{engine}: InboundContext,
	origin: ServerName,
	events: readonly StoredEvent[],
): Promise<Pdu[]> {
	const visible: Pdu[] = [];
	for (const event of events) {
		if (event.row.rejected !== null) continue;
		visible.push((await maySee(engine, origin, event)) ? event.pdu : redactPdu(event.pdu));
	}
	return visible;
}

async function maySee(engine: Engine, origin: ServerName, event: StoredEvent): Promise<boolean> {
	if (domainOf(event.pdu.sender) === origin || event.pdu.stateKey !== undefined) return true;
	const [visibility] = (await engine.findStatesAt(event, [{type: 'm.room.history_visibility', stateKey: ''}])) ?? [];
	const rule = historyVisibilityOf(visibility);
	if (rule === 'shared' || rule === 'world_readable') return true;
	const before = (await engine.listStateBefore(event.pdu.eventId)) ?? [];
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
