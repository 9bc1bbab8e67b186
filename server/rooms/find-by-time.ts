import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import type {EventRow} from '../../storage/index.ts';
import {boundAt, pointAfter} from '../events/index.ts';
import {mayRead} from './access.ts';
import type {Actor, RoomsContext} from './context.ts';
import {RoomsError} from './errors.ts';

/** Events that are looked at in search of one that the reader may see. */
const SEARCHED_MAX = 200;
/** After every place of a timeline. */
const END = {anchor: Number.MAX_SAFE_INTEGER, minor: 0};

interface TimeQuestion {
	readonly roomId: RoomId;
	readonly userId: UserId;
	readonly ts: number;
	readonly direction: 'forwards' | 'backwards';
}

/** An event, and when it was sent by what its server says. */
interface Found {
	readonly eventId: EventId;
	readonly originServerTs: number;
}

/**
 * Finds the event nearest to a time that somebody may see. Where something is missing here that may be nearer, other
 * servers in the room are asked first.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event
 * @throws RoomsError 'not-in-room', 'not-found'
 */
export async function findByTime(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	ts: number,
	direction: 'forwards' | 'backwards',
): Promise<Found> {
	const {until} = await mayRead(context, roomId, userId);
	const {storage, engine} = context;
	const question = {roomId, userId, ts, direction};
	let nearest = await storage.events.findByTime(roomId, ts, direction);
	// Who has left is shown what is here: nobody owes this server more of the room on their account.
	if (until === Number.POSITIVE_INFINITY && (await isBesideGap(context, question, nearest))) {
		const hasCome = await engine.fetchByTime(roomId, {ts, direction, known: nearest?.originServerTs});
		if (hasCome) nearest = await storage.events.findByTime(roomId, ts, direction);
	}
	const found = nearest && (await findVisibleFrom(context, question, nearest));
	if (!found) throw new RoomsError('not-found', 'There is no event that near to the time');
	return found;
}

/** Whether events are missing between the one nearest to a time and the time itself, as far as the timeline shows. */
async function isBesideGap(
	{storage}: RoomsContext,
	{roomId, ts, direction}: TimeQuestion,
	nearest: EventRow | undefined,
): Promise<boolean> {
	if (!nearest || nearest.anchor === null || nearest.minor === null) {
		return (await storage.events.listGaps(roomId, END, 1)).length > 0;
	}
	if (nearest.originServerTs === ts) return false;
	const place = {anchor: nearest.anchor, minor: nearest.minor};
	// What is missing lies before the event that names it: the nearest itself, or the one that comes after it.
	let named: {readonly anchor: number | null; readonly minor: number | null} | undefined = place;
	if (direction === 'backwards') {
		const from = boundAt(pointAfter(place), 'forwards');
		[named] = await storage.events.listTimeline({roomId, direction: 'forwards', from, limit: 1});
	}
	if (!named || named.anchor === null || named.minor === null) return false;
	const [gap] = await storage.events.listGaps(roomId, {anchor: named.anchor, minor: named.minor + 1}, 1);
	return gap?.anchor === named.anchor && gap.minor === named.minor;
}

/** Finds the first event from one on, in the order of the timeline, that the reader may see. */
async function findVisibleFrom(
	{storage, engine, events}: RoomsContext,
	{roomId, userId, direction}: TimeQuestion,
	{anchor, minor}: EventRow,
): Promise<Found | undefined> {
	if (anchor === null || minor === null) return undefined;
	const point = {anchor, minor};
	const from = boundAt(direction === 'forwards' ? point : pointAfter(point), direction);
	const rows = await storage.events.listTimeline({roomId, direction, from, limit: SEARCHED_MAX});
	const [found] = await events.filterVisible(userId, await engine.readRows(rows));
	return found && {eventId: found.pdu.eventId, originServerTs: found.pdu.originServerTs};
}
