import {and, desc, isNotNull, ne, sql} from 'drizzle-orm';
import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import {bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {EventNid, NewEvent} from '../interfaces/events.ts';
import type {Batch} from '../batch.ts';
import type {ChildCount, ChildRow, RelationsRepository, ThreadRow} from '../interfaces/relations.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';

const {annotations, events, threads} = tables;

/** Counts that one read gives at most: a thread in which more people wrote is counted too low. */
const countsMax = 10_000;
/** Related events that one read gives at most. */
const relatedMax = 1_000;

/** The relation of a redaction to the event it names; the engine's word, and no relation between what people say. */
const redactionRelation = 'm.room.redaction';

const childFields = {
	nid: events.nid,
	eventId: events.eventId,
	relatesTo: events.relatesTo,
	sender: events.sender,
	originServerTs: events.originServerTs,
	anchor: events.anchor,
	minor: events.minor,
};

/** Every child has both, whatever the columns of other events may be. */
type Child<Row> = Row extends unknown ? {[K in keyof Row]: NonNullable<Row[K]>} : never;
const isShown = sql`${events.rejected} is null and ${events.softFailed} = 0`;

/** Writes that follow from events: which threads there are, and which annotations stand. */
export function createRelationWrites(core: Core) {
	const {catalog} = core;
	const isNewer = sql`(${threads.latestAnchor} is null or
		(excluded.latest_anchor, excluded.latest_minor) > (${threads.latestAnchor}, ${threads.latestMinor}))`;
	const newer = (column: string) =>
		sql`case when ${isNewer} then excluded.${sql.identifier(column)} else ${threads}.${sql.identifier(column)} end`;
	const addToThread = core.put(
		catalog.insertOrUpdate(threads, ['roomId', 'root'], {
			latestAnchor: newer('latest_anchor'),
			latestMinor: newer('latest_minor'),
		}),
	);
	const removeFromThread = core.put(
		catalog.write<{nid: EventNid}>(
			(p) => sql`update ${threads} set (latest_anchor, latest_minor) = (
					select anchor, minor from ${events}
					where ${events.roomId} = ${threads.roomId} and ${events.relatesTo} = ${threads.root}
					and ${events.relType} = 'm.thread' and ${events.anchor} >= 0 and ${events.nid} <> ${bind(events.nid, p.nid)}
					order by ${events.anchor} desc, ${events.minor} desc limit 1)
				where (room_id, root) = (
					select room_id, relates_to from ${events}
					where ${equals(events.nid, p.nid)} and rel_type = 'm.thread' and redacted_by is null)`,
		),
		{isLate: true},
	);
	const removeAnnotation = core.put(
		catalog.write<{nid: EventNid}>(
			(p) => sql`delete from ${annotations} where ${annotations.eventId} in (
				select event_id from ${events} where ${equals(events.nid, p.nid)} and rel_type = 'm.annotation')`,
		),
		{isLate: true},
	);
	return {
		/** An event came: the thread it belongs to has a newer one. */
		noteAdded(batch: Batch, {roomId, relType, relatesTo, anchor, minor}: NewEvent): void {
			if (relType !== 'm.thread' || relatesTo === null || anchor === null || minor === null) return;
			addToThread(batch, {roomId, root: relatesTo, latestAnchor: anchor, latestMinor: minor});
		},
		/** An event is about to be redacted, and will relate to nothing any more. */
		noteRedacted(batch: Batch, nid: EventNid): void {
			removeFromThread(batch, {nid});
			removeAnnotation(batch, {nid});
		},
	};
}

function createChildren(core: Core) {
	const {catalog} = core;
	const count = core.many<{roomId: RoomId; ids: readonly EventId[]; relTypes: readonly string[]}, Child<ChildCount>>(
		(p) =>
			build
				.select({
					relatesTo: sql<EventId>`${events.relatesTo}`.mapWith(events.relatesTo),
					relType: sql<string>`${events.relType}`.mapWith(events.relType),
					sender: events.sender,
					count: sql<number>`count(*)`,
				})
				.from(events)
				.where(
					and(
						equals(events.roomId, p.roomId),
						catalog.isOneOf(events.relatesTo, p.ids),
						catalog.isOneOf(events.relType, p.relTypes),
						sql`${events.anchor} >= 0`,
					),
				)
				.groupBy(events.relatesTo, events.relType, events.sender)
				.limit(countsMax),
	);
	type Params = {roomId: RoomId; eventId: EventId; relType: string; sender: UserId; limit: number};
	const list = (isForwards: boolean, ofSender: boolean) =>
		core.many<Params, ChildRow>(
			(p) =>
				build
					.select(childFields)
					.from(events)
					.where(
						and(
							equals(events.roomId, p.roomId),
							equals(events.relatesTo, p.eventId),
							equals(events.relType, p.relType),
							sql`${events.anchor} >= 0`,
							ofSender ? equals(events.sender, p.sender) : undefined,
							isShown,
						),
					)
					.orderBy(...(isForwards ? [events.anchor, events.minor] : [desc(events.anchor), desc(events.minor)]))
					.limit(p.limit.placeholder) as never,
		);
	return {count, lists: [list(false, false), list(true, false), list(false, true), list(true, true)]};
}

function createRelated(core: Core) {
	type Params = {roomId: RoomId; ids: readonly EventId[]; relType: string; type: string};
	const list = (useRelType: boolean, useType: boolean) =>
		core.many<Params, ChildRow & {relType: string}>(
			(p) =>
				build
					.select({...childFields, relType: events.relType})
					.from(events)
					.where(
						and(
							equals(events.roomId, p.roomId),
							core.catalog.isOneOf(events.relatesTo, p.ids),
							useRelType ? equals(events.relType, p.relType) : ne(events.relType, sql.raw(`'${redactionRelation}'`)),
							useType ? equals(events.type, p.type) : undefined,
							isNotNull(events.anchor),
							isShown,
						),
					)
					// The plus keeps planners from walking the whole timeline for the sake of its order.
					.orderBy(sql`+${events.anchor} desc, +${events.minor} desc`)
					.limit(relatedMax) as never,
		);
	return [list(false, false), list(true, false), list(false, true), list(true, true)];
}

function createThreads(core: Core) {
	type Row = {root: EventId; latestAnchor: number; latestMinor: number};
	const list = core.many<{roomId: RoomId; anchor: number; minor: number; limit: number}, Row>(
		(p) =>
			build
				.select({root: threads.root, latestAnchor: threads.latestAnchor, latestMinor: threads.latestMinor})
				.from(threads)
				.where(
					and(
						equals(threads.roomId, p.roomId),
						sql`(${threads.latestAnchor}, ${threads.latestMinor}) < (${bind(threads.latestAnchor, p.anchor)}, ${bind(threads.latestMinor, p.minor)})`,
					),
				)
				.orderBy(desc(threads.latestAnchor), desc(threads.latestMinor))
				.limit(p.limit.placeholder) as never,
	);
	const rowOf = ({root, latestAnchor, latestMinor}: Row): ThreadRow => ({
		root,
		latest: {anchor: latestAnchor, minor: latestMinor},
	});
	return async (roomId: RoomId, anchor: number, minor: number, limit: number) =>
		(await list({roomId, anchor, minor, limit})).map(rowOf);
}

/** Makes the repository of relations. */
export function createRelations(core: Core): RelationsRepository {
	const children = createChildren(core);
	const related = createRelated(core);
	const listThreads = createThreads(core);
	const addAnnotation = core.put(core.catalog.insert(annotations));
	const findAnnotation = core.one<{roomId: RoomId; digest: string}, {eventId: EventId}>((p) =>
		build
			.select({eventId: annotations.eventId})
			.from(annotations)
			.where(and(equals(annotations.roomId, p.roomId), equals(annotations.digest, p.digest))),
	);
	return {
		countChildren: (roomId, eventIds, relTypes) =>
			readInChunks(eventIds, (ids) => children.count({roomId, ids, relTypes})),
		listChildren({roomId, eventId, relType, sender, direction, limit}) {
			const list = children.lists[(direction === 'forwards' ? 1 : 0) + (sender === undefined ? 0 : 2)]!;
			return list({roomId, eventId, relType, sender: sender ?? ('' as UserId), limit: pageOf(limit)});
		},
		listRelated({roomId, eventIds, relType, type}) {
			if (relType === redactionRelation) return Promise.resolve([]);
			const list = related[(relType === undefined ? 0 : 1) + (type === undefined ? 0 : 2)]!;
			return readInChunks(eventIds, (ids) => list({roomId, ids, relType: relType ?? '', type: type ?? ''}));
		},
		listThreads: (roomId, {before, limit}) =>
			listThreads(roomId, before?.anchor ?? Number.MAX_SAFE_INTEGER, before?.minor ?? 0, pageOf(limit)),
		addAnnotation: (batch, row) => addAnnotation(batch, row),
		findAnnotation: async (roomId, digest) => (await findAnnotation({roomId, digest}))?.eventId,
	};
}
