import type {RoomId, UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import type {EventRow, Position} from '../../storage/index.ts';
import {boundAt, pointAfter, pointBefore, type RenderedEvent, type TimelinePoint} from '../events/index.ts';
import type {CompiledRoomEventFilter} from '../filters/index.ts';
import {mayRead} from './access.ts';
import type {Actor, RoomsContext} from './context.ts';
import {listSenders} from './read-state.ts';

/** Events that one request looks at, whatever of them the reader may and wants to see: then it says where to go on. */
const SCANNED_MAX = 1_000;
/** Events that are read at a time at least, so that a narrow filter does not cost a read for each event. */
const CHUNK_MIN = 50;
/** Times that partner servers are asked for older events in one request. */
const BACKFILLS_MAX = 3;

/** What of a timeline is wanted. */
export interface PageQuery {
	readonly direction: 'forwards' | 'backwards';
	/** Absent: the end of the timeline where that begins. */
	readonly from?: TimelinePoint | undefined;
	readonly to?: TimelinePoint | undefined;
	readonly limit: number;
	readonly filter: CompiledRoomEventFilter;
	/** Whether partner servers are asked for what is missing here. */
	readonly asksOthers?: boolean | undefined;
}

/** Events in the order of the direction that was asked for. */
export interface Page {
	readonly events: readonly StoredEvent[];
	readonly start: TimelinePoint;
	/** Where to go on. */
	readonly end: TimelinePoint;
	/** Whether there may be more beyond `end`. */
	readonly hasMore: boolean;
}

/** Points that no event lies before, or after. */
const beginning: TimelinePoint = {anchor: 0, minor: 0};
const afterAll: TimelinePoint = {anchor: 2 ** 50, minor: 0};

/**
 * Lists a page of a room's history that somebody may see, with the member events that go with it where the filter asks
 * for those.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages
 * @throws RoomsError 'not-in-room'
 */
export async function listMessages(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	query: PageQuery,
): Promise<Page & {readonly state: readonly RenderedEvent[] | undefined}> {
	const {until} = await mayRead(context, roomId, userId);
	const {direction, filter} = query;
	// Who has left begins with the leaving, and would not be shown what came later anyway.
	const newest = () => (until === Number.POSITIVE_INFINITY ? findNewest(context, roomId) : afterLive(until));
	const from = query.from ?? (direction === 'backwards' ? await newest() : beginning);
	const page = await readPage(context, {roomId, userId}, {...query, from});
	const root = page.events[0]?.row.stateBefore ?? null;
	if (!filter.lazyLoadsMembers || root === null) return {...page, state: undefined};
	return {...page, state: await listSenders(context, roomId, root, page.events)};
}

/** The point after the live event of a position. */
const afterLive = (anchor: Position): TimelinePoint => pointAfter({anchor, minor: 0});

async function findNewest({storage}: RoomsContext, roomId: RoomId): Promise<TimelinePoint> {
	const row = await storage.events.findLatest(roomId, storage.stream.head());
	return row ? afterLive(row.anchor ?? 0) : beginning;
}

/** Reads a page of a timeline, as far as somebody may see it and the filter lets it through. */
export async function readPage(
	context: RoomsContext,
	reader: {readonly roomId: RoomId; readonly userId: UserId},
	query: PageQuery & {readonly from: TimelinePoint},
): Promise<Page> {
	const {direction, limit, from} = query;
	const shown: StoredEvent[] = [];
	let point = from;
	let scanned = 0;
	let backfills = query.asksOthers === true && direction === 'backwards' ? BACKFILLS_MAX : 0;
	while (shown.length < limit && scanned < SCANNED_MAX) {
		const size = Math.max(CHUNK_MIN, limit - shown.length);
		const rows = await readChunk(context, reader.roomId, query, point, size);
		if (backfills > 0 && (await fillGap(context, reader.roomId, point, rows, size))) {
			backfills -= 1;
			continue;
		}
		if (rows.length === 0) return {events: shown, start: from, end: point, hasMore: false};
		for (const event of await visibleOf(context, reader, query, rows)) {
			if (shown.length === limit) break;
			shown.push(event);
		}
		const isFull = shown.length === limit;
		point = isFull ? pointBeyond(shown.at(-1)!.row, direction) : pointBeyond(rows.at(-1)!, direction);
		scanned += rows.length;
		if (!isFull && rows.length < size) break;
	}
	// Who gets nothing new has come to the end, even if others, out of reach now, know what was before.
	const hasMore = scanned > 0 && (await hasBeyond(context, reader.roomId, query, point));
	return {events: shown, start: from, end: point, hasMore};
}

function readChunk(
	{storage}: RoomsContext,
	roomId: RoomId,
	{direction, to}: PageQuery,
	point: TimelinePoint,
	limit: number,
): Promise<EventRow[]> {
	const opposite = direction === 'forwards' ? 'backwards' : 'forwards';
	return storage.events.listTimeline({
		roomId,
		direction,
		from: boundAt(point, direction),
		to: boundAt(to ?? (direction === 'forwards' ? afterAll : beginning), opposite),
		limit,
	});
}

async function hasBeyond(
	context: RoomsContext,
	roomId: RoomId,
	query: PageQuery,
	point: TimelinePoint,
): Promise<boolean> {
	if ((await readChunk(context, roomId, query, point, 1)).length > 0) return true;
	if (query.direction === 'forwards' || query.asksOthers !== true) return false;
	// What comes before is not here, but others may have it.
	return (await context.storage.events.listGaps(roomId, point, 1)).length > 0;
}

/** Asks others for what is missing within a page, or before it where it is short; whether something came. */
async function fillGap(
	{storage, engine}: RoomsContext,
	roomId: RoomId,
	point: TimelinePoint,
	rows: readonly EventRow[],
	size: number,
): Promise<boolean> {
	const [gap] = await storage.events.listGaps(roomId, point, 1);
	if (!gap || gap.anchor === null || gap.minor === null) return false;
	const last = rows.at(-1);
	const isReached =
		!last ||
		rows.length < size ||
		last.anchor === null ||
		gap.anchor > last.anchor ||
		(gap.anchor === last.anchor && gap.minor >= (last.minor ?? 0));
	return isReached && engine.backfill(roomId, point, size);
}

async function visibleOf(
	{engine, events}: RoomsContext,
	{roomId, userId}: {readonly roomId: RoomId; readonly userId: UserId},
	{filter}: PageQuery,
	rows: readonly EventRow[],
): Promise<StoredEvent[]> {
	if (!filter.mayShowRoom(roomId)) return [];
	const stored = await engine.readRows(rows);
	const {matches} = filter;
	const {users: ignored} = await events.findUnwanted(userId);
	const heard = stored.filter(({row}) => row.stateKey !== null || !ignored.has(row.sender));
	const wanted = matches
		? heard.filter(({pdu, row}) =>
				matches({
					type: pdu.type,
					sender: pdu.sender,
					// A redacted event has no content to speak of.
					hasUrl: row.redactedBy === null && typeof pdu.content['url'] === 'string',
				}),
			)
		: heard;
	return events.filterVisible(userId, wanted);
}

function pointBeyond({anchor, minor}: EventRow, direction: 'forwards' | 'backwards'): TimelinePoint {
	const place = {anchor: anchor ?? 0, minor: minor ?? 0};
	return direction === 'forwards' ? pointAfter(place) : pointBefore(place);
}
