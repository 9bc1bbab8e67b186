import type {EventId, RoomId} from '../../crypto/index.ts';
import {isRelation, type StoredEvent} from '../../federation/engine/index.ts';
import type {EventNid, EventRow, TimelinePlace} from '../../storage/index.ts';
import {boundAt, pointAfter, pointBefore, type ThreadSummary, type TimelinePoint} from '../events/index.ts';
import {mayRead} from './access.ts';
import type {Actor, RoomsContext} from './context.ts';
import {getEvent} from './read-events.ts';

/** Levels of relations of relations that are followed; the specification asks for 3. */
export const RECURSION_DEPTH = 4;
/** Events that are followed at most: what relates to more is not looked at. */
const FOLLOWED_MAX = 2_000;
/** Related events that one request looks at, whatever of them the reader may and wants to see. */
const SCANNED_MAX = 1_000;
/** Threads that one request looks at. */
const THREADS_SCANNED_MAX = 400;
/** Read at a time at least. */
const CHUNK_MIN = 50;

/** Which of the events that relate to one are wanted. */
export interface RelationsWish {
	readonly relType?: string | undefined;
	readonly type?: string | undefined;
	readonly direction: 'forwards' | 'backwards';
	/** Absent: the end of the timeline where the direction begins. */
	readonly from?: TimelinePoint | undefined;
	readonly to?: TimelinePoint | undefined;
	readonly limit: number;
	/** Whether what relates to those is wanted too. */
	readonly isRecursive: boolean;
}

/** Events that relate to one, in the order of the direction that was asked for. */
export interface RelationsPage {
	readonly events: readonly StoredEvent[];
	/** Where to go on; absent: there is no more. */
	readonly next: TimelinePoint | undefined;
}

/** Reads rows beyond a point, in the direction that was asked for. */
type ReadRows = (point: TimelinePoint | undefined, limit: number) => Promise<EventRow[]>;

/**
 * Lists events that relate to one that somebody may see: those that they may see, of people whom they do not ignore.
 * @see https://spec.matrix.org/v1.19/client-server-api/#relationships-api
 * @throws RoomsError 'not-found'
 */
export async function listRelations(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	eventId: string,
	wish: RelationsWish,
): Promise<RelationsPage> {
	const {row} = await getEvent(context, actor, roomId, eventId);
	const read = wish.isRecursive ? await followRelations(context, row, wish) : readChildren(context, row, wish);
	const {users: ignored} = await context.events.findUnwanted(actor.userId);
	const shown: StoredEvent[] = [];
	let point = wish.from;
	for (let scanned = 0; shown.length < wish.limit && scanned < SCANNED_MAX; ) {
		const size = Math.max(CHUNK_MIN, wish.limit - shown.length);
		const rows = await read(point, size);
		scanned += rows.length;
		const wanted = rows.filter(
			({relType, sender, stateKey}) => isRelation(relType) && (stateKey !== null || !ignored.has(sender)),
		);
		const visible = await context.events.filterVisible(actor.userId, await context.engine.readRows(wanted));
		const fitting = visible.slice(0, wish.limit - shown.length);
		shown.push(...fitting);
		const last = shown.length === wish.limit ? fitting.at(-1)?.row : rows.at(-1);
		if (last) point = pointBeyond(last, wish.direction);
		if (shown.length < wish.limit && rows.length < size) return {events: shown, next: undefined};
	}
	const hasMore = (await read(point, 1)).length > 0;
	return {events: shown, next: hasMore ? point : undefined};
}

function pointBeyond({anchor, minor}: EventRow, direction: 'forwards' | 'backwards'): TimelinePoint {
	const place = {anchor: anchor ?? 0, minor: minor ?? 0};
	return direction === 'forwards' ? pointAfter(place) : pointBefore(place);
}

function readChildren(
	{storage}: RoomsContext,
	{roomId, eventId}: EventRow,
	{relType, type, direction, to}: RelationsWish,
): ReadRows {
	const opposite = direction === 'forwards' ? 'backwards' : 'forwards';
	return (point, limit) =>
		storage.events.listRelations({
			roomId,
			eventId,
			relType,
			type,
			direction,
			from: point && boundAt(point, direction),
			to: to && boundAt(to, opposite),
			limit,
		});
}

/**
 * Follows relations level by level; filters hold for what is between as well. What was seen is not followed again, so
 * events that relate to each other in a ring are no way without end.
 */
async function followRelations(
	{storage}: RoomsContext,
	{roomId, eventId}: EventRow,
	{relType, type, direction, to}: RelationsWish,
): Promise<ReadRows> {
	const places = new Map<EventId, TimelinePlace & {readonly nid: EventNid}>();
	let eventIds: EventId[] = [eventId];
	for (let depth = 0; depth < RECURSION_DEPTH && eventIds.length > 0 && places.size < FOLLOWED_MAX; depth += 1) {
		const related = await storage.relations.listRelated({roomId, eventIds, relType, type});
		const fresh = related.filter((child) => child.eventId !== eventId && !places.has(child.eventId));
		for (const {eventId: id, nid, anchor, minor} of fresh) places.set(id, {nid, anchor, minor});
		eventIds = fresh.map((child) => child.eventId);
	}
	const sign = direction === 'forwards' ? 1 : -1;
	const compare = (a: TimelinePlace, b: TimelinePlace): number => sign * (a.anchor - b.anchor || a.minor - b.minor);
	const sorted = [...places.values()].toSorted(compare);
	const end = to && boundAt(to, direction === 'forwards' ? 'backwards' : 'forwards');
	return async (point, limit) => {
		const start = point && boundAt(point, direction);
		const page = sorted
			.filter((place) => (!start || compare(place, start) > 0) && (!end || compare(place, end) < 0))
			.slice(0, limit);
		const rows = await storage.events.findByNids(page.map(({nid}) => nid));
		return page.map(({nid}) => rows.get(nid)).filter((row) => row !== undefined);
	};
}

/** Which threads of a room are wanted. */
export interface ThreadsWish {
	/** Only those in which the reader wrote. */
	readonly onlyOwn: boolean;
	readonly from?: TimelinePoint | undefined;
	readonly limit: number;
}

/** The first events of threads, that with the latest event first. */
export interface ThreadsPage {
	readonly roots: readonly StoredEvent[];
	/** Those by people whom the reader ignores: they are shown as if they were redacted. */
	readonly hidden: ReadonlySet<EventNid>;
	/** Where to go on; absent: there is no more. */
	readonly next: TimelinePoint | undefined;
}

/**
 * Lists the threads of a room in which there is something for the reader.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads
 * @throws RoomsError 'not-in-room'
 */
export async function listThreads(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	{onlyOwn, from, limit}: ThreadsWish,
): Promise<ThreadsPage> {
	await mayRead(context, roomId, userId);
	const {storage, events} = context;
	const found: {readonly root: StoredEvent; readonly latest: TimelinePlace}[] = [];
	let before = from && boundAt(from, 'backwards');
	let isEnd = false;
	for (let scanned = 0; !isEnd && found.length < limit && scanned < THREADS_SCANNED_MAX; ) {
		const threads = await storage.relations.listThreads(roomId, {before, limit: CHUNK_MIN});
		const summaries = await summarize(context, userId, roomId, threads);
		scanned += threads.length;
		isEnd = threads.length < CHUNK_MIN;
		for (const {root: eventId, latest} of threads) {
			if (found.length === limit) {
				isEnd = false;
				break;
			}
			before = latest;
			const {root, summary} = summaries.get(eventId) ?? {};
			if (root && summary && (!onlyOwn || summary.hasParticipated)) found.push({root, latest: placeOf(summary.latest)});
		}
	}
	const {users: ignored} = await events.findUnwanted(userId);
	// Who ignores the last to write, or left before, sees another event as the latest.
	const roots = found
		.toSorted((a, b) => b.latest.anchor - a.latest.anchor || b.latest.minor - a.latest.minor)
		.map(({root}) => root);
	const hidden = roots.filter(({pdu}) => ignored.has(pdu.sender)).map(({row}) => row.nid);
	return {roots, hidden: new Set(hidden), next: isEnd || !before ? undefined : pointBefore(before)};
}

/** Says of threads what the reader is told of them; those in which there is nothing for the reader are left out. */
async function summarize(
	{storage, engine, events}: RoomsContext,
	userId: Actor['userId'],
	roomId: RoomId,
	threads: readonly {readonly root: EventId}[],
): Promise<Map<EventId, {readonly root: StoredEvent; readonly summary: ThreadSummary}>> {
	const rows = await storage.events.findByIds(threads.map(({root}) => root));
	const ofRoom = [...rows.values()].filter((row) => row.roomId === roomId);
	const roots = await events.filterVisible(userId, await engine.readRows(ofRoom));
	const summaries = await events.summarizeThreads(userId, roots);
	const told = new Map<EventId, {readonly root: StoredEvent; readonly summary: ThreadSummary}>();
	for (const [index, root] of roots.entries()) {
		const summary = summaries[index];
		if (summary) told.set(root.row.eventId, {root, summary});
	}
	return told;
}

function placeOf({row}: StoredEvent): TimelinePlace {
	return {anchor: row.anchor ?? 0, minor: row.minor ?? 0};
}
