import type {EventId, RoomId, ServerName} from '../../crypto/index.ts';
import {findSeen, type InboundContext, openRoomForMember} from './access.ts';
import {notFound} from './errors.ts';

/** Events that are looked at in search of one that the server may see. */
const SEARCHED_MAX = 100;

/**
 * `GET /timestamp_to_event`: the event nearest to a time that a server in the room may see. Unlike elsewhere none is
 * given in its redacted form: that there was one at that time is what would be told.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid
 * @throws InboundError 'not_found', 'forbidden'
 */
export async function findEventByTime(
	context: InboundContext,
	{origin, roomId}: {readonly origin: ServerName; readonly roomId: RoomId},
	{ts, direction}: {readonly ts: number; readonly direction: 'forwards' | 'backwards'},
): Promise<{readonly eventId: EventId; readonly originServerTs: number}> {
	await openRoomForMember(context, origin, roomId);
	const {storage, engine} = context;
	const nearest = await storage.events.findByTime(roomId, ts, direction);
	if (!nearest || nearest.anchor === null || nearest.minor === null) throw notFound();
	const {anchor, minor} = nearest;
	// The bound itself is left out, and the nearest event is to be in.
	const from = {anchor, minor: direction === 'forwards' ? minor - 1 : minor + 1};
	const rows = await storage.events.listTimeline({roomId, direction, from, limit: SEARCHED_MAX});
	const found = await findSeen(context, origin, await engine.readRows(rows));
	if (!found) throw notFound();
	return {eventId: found.pdu.eventId, originServerTs: found.pdu.originServerTs};
}
