import {domainOf, type EventId, type RoomId} from '../../crypto/index.ts';
import {type Pdu, powerLevelsOf, userLevel} from '../../federation/rooms/index.ts';
import {type Actor, getRoom, type RoomsContext} from './context.ts';
import {RoomsError} from './errors.ts';

/** Without these events a room would be another, or closed to everybody. */
const LASTING_TYPES: ReadonlySet<string> = new Set(['m.room.create', 'm.room.server_acl']);

/**
 * Gives the event that a member wants to redact, if they may: their own, anybody's with the room's `redact` level, and
 * administrators those of this server's people.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid
 * @throws RoomsError 'not-found', 'forbidden'
 */
export async function mayRedact(context: RoomsContext, actor: Actor, roomId: RoomId, eventId: EventId): Promise<Pdu> {
	const {engine, serverName} = context;
	const found = await engine.findEvent(eventId);
	if (!found || found.row.roomId !== roomId || found.row.rejected !== null || found.row.softFailed) {
		throw new RoomsError('not-found', 'There is no such event in the room');
	}
	const {pdu} = found;
	if (LASTING_TYPES.has(pdu.type)) throw new RoomsError('forbidden', 'Events of this type cannot be redacted');
	if (pdu.sender === actor.userId || (actor.isAdmin && domainOf(pdu.sender) === serverName)) return pdu;
	const view = await getRoom(context, roomId);
	const levels = powerLevelsOf(
		await view.findState('m.room.create', ''),
		await view.findState('m.room.power_levels', ''),
	);
	if (userLevel(levels, actor.userId) < levels.redact) {
		throw new RoomsError('forbidden', 'The power level is too low to redact events of others');
	}
	return pdu;
}
