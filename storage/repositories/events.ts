import {and, desc, eq, getTableColumns, isNotNull, sql} from 'drizzle-orm';
import type {EventId, RoomId} from '../../crypto/index.ts';
import {atMost, bind, build, equals, type Value} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {EventMark, EventNid, EventRow, EventsRepository, GapRow, TimelinePlace} from '../interfaces/events.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';
import {createRelationWrites} from './relations.ts';

const {events, gaps} = tables;

/** Places beyond every place of a timeline. */
const beginning: TimelinePlace = {anchor: -1, minor: 0};
const end: TimelinePlace = {anchor: Number.MAX_SAFE_INTEGER, minor: 0};

type Bounds = {
	fromAnchor: number;
	fromMinor: number;
	toAnchor: number;
	toMinor: number;
};

const isAfter = (anchor: Value<number>, minor: Value<number>) =>
	sql`(${events.anchor}, ${events.minor}) > (${bind(events.anchor, anchor)}, ${bind(events.minor, minor)})`;
const isBefore = (anchor: Value<number>, minor: Value<number>) =>
	sql`(${events.anchor}, ${events.minor}) < (${bind(events.anchor, anchor)}, ${bind(events.minor, minor)})`;

/** Orders a range of a timeline: `low` and `high` exclusive, from either end. */
function boundsOf(query: {
	direction: 'forwards' | 'backwards';
	from?: TimelinePlace | undefined;
	to?: TimelinePlace | undefined;
}): Bounds {
	const [first, last] = query.direction === 'forwards' ? [beginning, end] : [end, beginning];
	const from = query.from ?? first;
	const to = query.to ?? last;
	const [low, high] = query.direction === 'forwards' ? [from, to] : [to, from];
	return {fromAnchor: low.anchor, fromMinor: low.minor, toAnchor: high.anchor, toMinor: high.minor};
}

type Timeline = Bounds & {roomId: RoomId; limit: number};
type Related = Timeline & {eventId: EventId; relType: string; type: string};

const inRange = (p: {[K in keyof Bounds]: Value<number>}) =>
	and(isAfter(p.fromAnchor, p.fromMinor), isBefore(p.toAnchor, p.toMinor));

function createTimeline(core: Core) {
	const list = (isForwards: boolean) =>
		core.many<Timeline, EventRow>((p) =>
			build
				.select()
				.from(events)
				.where(and(equals(events.roomId, p.roomId), inRange(p)))
				.orderBy(...(isForwards ? [events.anchor, events.minor] : [desc(events.anchor), desc(events.minor)]))
				.limit(p.limit.placeholder),
		);
	const related = (isForwards: boolean, useRelType: boolean, useType: boolean) =>
		core.many<Related, EventRow>((p) =>
			build
				.select()
				.from(events)
				.where(
					and(
						equals(events.roomId, p.roomId),
						equals(events.relatesTo, p.eventId),
						inRange(p),
						sql`${events.rejected} is null and ${events.softFailed} = 0`,
						useRelType ? equals(events.relType, p.relType) : undefined,
						useType ? equals(events.type, p.type) : undefined,
					),
				)
				.orderBy(...(isForwards ? [events.anchor, events.minor] : [desc(events.anchor), desc(events.minor)]))
				.limit(p.limit.placeholder),
		);
	const relations = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => related((bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0));
	const latest = core.many<{roomId: RoomId; upto: number; limit: number}, EventRow>((p) =>
		build
			.select()
			.from(events)
			.where(and(equals(events.roomId, p.roomId), atMost(events.anchor, p.upto), eq(events.minor, 0)))
			.orderBy(desc(events.anchor))
			.limit(p.limit.placeholder),
	);
	const inThread = core.one<{roomId: RoomId; root: EventId; upto: number}, EventRow>((p) =>
		build
			.select()
			.from(events)
			.where(
				and(
					equals(events.roomId, p.roomId),
					equals(events.relatesTo, p.root),
					eq(events.relType, 'm.thread'),
					atMost(events.anchor, p.upto),
				),
			)
			.orderBy(desc(events.anchor), desc(events.minor))
			.limit(1),
	);
	return {forwards: list(true), backwards: list(false), relations, latest, inThread};
}

function createGaps(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(gaps, {orIgnore: true}));
	const removeAll = core.put(catalog.delete(gaps, ['eventNid']));
	const remove = core.put(catalog.delete(gaps, ['eventNid', 'missing']));
	const fields = {
		roomId: gaps.roomId,
		eventNid: gaps.eventNid,
		missing: gaps.missing,
		anchor: events.anchor,
		minor: events.minor,
	};
	const nearest = core.many<{roomId: RoomId; anchor: number; minor: number; limit: number}, GapRow>((p) =>
		build
			.select(fields)
			.from(gaps)
			.innerJoin(events, eq(events.nid, gaps.eventNid))
			.where(
				and(
					equals(gaps.roomId, p.roomId),
					sql`(${events.anchor}, ${events.minor}) <= (${bind(events.anchor, p.anchor)}, ${bind(events.minor, p.minor)})`,
				),
			)
			.orderBy(desc(events.anchor), desc(events.minor), gaps.missing)
			.limit(p.limit.placeholder),
	);
	const waiting = core.many<{missing: readonly EventId[]}, GapRow>((p) =>
		build
			.select(fields)
			.from(gaps)
			.innerJoin(events, eq(events.nid, gaps.eventNid))
			.where(catalog.isOneOf(gaps.missing, p.missing)),
	);
	const after = core.many<{nids: readonly EventNid[]}, {nid: EventNid}>((p) =>
		build
			.select({nid: events.nid})
			.from(events)
			.where(
				and(
					catalog.isOneOf(events.nid, p.nids),
					eq(events.minor, 0),
					sql`(exists (select 1 from ${gaps} where ${gaps.eventNid} = ${events.nid})
						or exists (select 1 from ${events} as earlier where earlier.room_id = ${events.roomId}
							and earlier.anchor = ${events.anchor} and earlier.minor < 0))`,
				),
			),
	);
	return {add, removeAll, remove, nearest, after, waiting};
}

function createLookups(core: Core) {
	const {catalog} = core;
	const {nid, eventId, roomId, depth, outlier, softFailed, rejected, stateBefore, statePartial, anchor} = events;
	const byIds = core.many<{ids: readonly EventId[]}, EventRow>((p) =>
		build.select().from(events).where(catalog.isOneOf(events.eventId, p.ids)),
	);
	const byNids = core.many<{nids: readonly EventNid[]}, EventRow>((p) =>
		build.select().from(events).where(catalog.isOneOf(events.nid, p.nids)),
	);
	const marks = core.many<{ids: readonly EventId[]}, EventMark>((p) =>
		build
			.select({nid, eventId, roomId, depth, outlier, softFailed, rejected, stateBefore, statePartial, anchor})
			.from(events)
			.where(catalog.isOneOf(events.eventId, p.ids)),
	);
	const byId = core.one<{id: EventId}, EventRow>((p) =>
		build.select().from(events).where(equals(events.eventId, p.id)),
	);
	const byNid = core.one<{nid: EventNid}, EventRow>((p) =>
		build.select().from(events).where(equals(events.nid, p.nid)),
	);
	const lowestMinor = core.one<{roomId: RoomId; anchor: number}, {minor: number}>((p) =>
		build
			.select({minor: sql<number>`coalesce(min(${events.minor}), 0)`})
			.from(events)
			.where(and(equals(events.roomId, p.roomId), equals(events.anchor, p.anchor))),
	);
	const byTime = (isForwards: boolean) =>
		core.one<{roomId: RoomId; ts: number}, EventRow>((p) =>
			build
				.select()
				.from(events)
				.where(
					and(
						equals(events.roomId, p.roomId),
						isNotNull(events.anchor),
						sql`${events.originServerTs} ${sql.raw(isForwards ? '>=' : '<=')} ${bind(events.originServerTs, p.ts)}`,
					),
				)
				.orderBy(
					...(isForwards
						? [events.originServerTs, events.anchor, events.minor]
						: [desc(events.originServerTs), desc(events.anchor), desc(events.minor)]),
				)
				.limit(1),
		);
	return {byIds, byNids, marks, byId, byNid, lowestMinor, forwards: byTime(true), backwards: byTime(false)};
}

function createWrites(core: Core) {
	const {catalog} = core;
	const {nid: _nid, eventId: _eventId, roomId: _roomId, redactedBy: _redactedBy, ...rest} = getTableColumns(events);
	const exists = {expect: {changes: 1, condition: 'event'}, isLate: true} as const;
	return {
		add: core.put(catalog.insert(events)),
		replace: core.put(catalog.update(events, Object.keys(rest) as (keyof typeof rest)[], ['nid']), exists),
		setRedactedBy: core.put(
			catalog.write<{nid: EventNid; redaction: EventNid}>(
				(p) => sql`update ${events} set redacted_by = ${bind(events.nid, p.redaction)},
					relates_to = case when rel_type = 'm.room.redaction' then relates_to end,
					rel_type = case when rel_type = 'm.room.redaction' then rel_type end
					where ${equals(events.nid, p.nid)} and redacted_by is null`,
			),
			{isLate: true},
		),
		setStateBefore: core.put(catalog.update(events, ['stateBefore', 'statePartial', 'rejected'], ['nid']), exists),
	};
}

/** Makes the repository of events. */
export function createEvents(core: Core): EventsRepository {
	const writes = createWrites(core);
	const lookups = createLookups(core);
	const timeline = createTimeline(core);
	const gap = createGaps(core);
	const relations = createRelationWrites(core);
	return {
		add(batch, event) {
			writes.add(batch, {...event, redactedBy: null});
			relations.noteAdded(batch, event);
		},
		replace(batch, event) {
			writes.replace(batch, event);
			relations.noteAdded(batch, event);
		},
		setRedactedBy(batch, nid, redaction) {
			relations.noteRedacted(batch, nid);
			writes.setRedactedBy(batch, {nid, redaction});
		},
		setStateBefore: (batch, nid, state) => writes.setStateBefore(batch, {nid, ...state}),
		findById: (id) => lookups.byId({id}),
		async findByIds(eventIds) {
			const rows = await readInChunks(eventIds, (ids) => lookups.byIds({ids}));
			return new Map(rows.map((row) => [row.eventId, row]));
		},
		findByNid: (nid) => lookups.byNid({nid}),
		async findByNids(eventNids) {
			const rows = await readInChunks(eventNids, (nids) => lookups.byNids({nids}));
			return new Map(rows.map((row) => [row.nid, row]));
		},
		async findMarks(eventIds) {
			const rows = await readInChunks(eventIds, (ids) => lookups.marks({ids}));
			return new Map(rows.map((row) => [row.eventId, row]));
		},
		listTimeline: (query) =>
			timeline[query.direction]({roomId: query.roomId, ...boundsOf(query), limit: pageOf(query.limit)}),
		listLatest: (roomId, upto, limit) => timeline.latest({roomId, upto, limit: pageOf(limit)}),
		findLatest: async (roomId, upto) => (await timeline.latest({roomId, upto, limit: 1}))[0],
		findLowestMinor: async (roomId, anchor) => (await lookups.lowestMinor({roomId, anchor}))?.minor ?? 0,
		findByTime: (roomId, ts, direction) => lookups[direction]({roomId, ts}),
		listRelations(query) {
			const {roomId, eventId, relType, type, direction, limit} = query;
			const bits = (direction === 'forwards' ? 1 : 0) + (relType === undefined ? 0 : 2) + (type === undefined ? 0 : 4);
			const bounds = boundsOf(query);
			return timeline.relations[bits]!({
				roomId,
				eventId,
				relType: relType ?? '',
				type: type ?? '',
				...bounds,
				limit: pageOf(limit),
			});
		},
		findLatestInThread: (roomId, root, upto) => timeline.inThread({roomId, root, upto}),
		addGap(batch, roomId, eventNid, missing) {
			for (const id of missing) gap.add(batch, {roomId, eventNid, missing: id});
		},
		removeGap(batch, eventNid, missing) {
			if (missing === undefined) gap.removeAll(batch, {eventNid});
			else for (const id of missing) gap.remove(batch, {eventNid, missing: id});
		},
		listGaps: (roomId, {anchor, minor}, limit) => gap.nearest({roomId, anchor, minor, limit: pageOf(limit)}),
		async listAfterGaps(nids) {
			return (await readInChunks(nids, (chunk) => gap.after({nids: chunk}))).map(({nid}) => nid);
		},
		listGapsWaitingFor: (missing) => readInChunks(missing, (chunk) => gap.waiting({missing: chunk})),
	};
}
