import {and, desc, eq, getTableColumns, sql} from 'drizzle-orm';
import type {RoomAlias, RoomId, UserId} from '../../crypto/index.ts';
import {above, atMost, bind, build, equals} from '../catalog.ts';
import type {Core, Write} from '../core.ts';
import type {EventRow} from '../interfaces/events.ts';
import type {AliasesRepository, AliasRow, RoomHead, RoomRow, RoomsRepository} from '../interfaces/rooms.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';
import {createFigures} from './room-figures.ts';
import {createRoomRemoval} from './room-removal.ts';

const {aliases, currentState, events, memberships, roomHeads, rooms} = tables;

/** Rooms of one user that are looked at for their state: a few milliseconds. */
const siftedMax = 1000;

function createHead(core: Core) {
	const {catalog} = core;
	const isThere = {expect: {changes: 1, condition: 'room_head'}} as const;
	type Move = {
		roomId: RoomId;
		fromVersion: number;
		fromExtremities: RoomRow['extremities'];
		root: number;
		extremities: RoomRow['extremities'];
		depth: number;
		notifyCount: number;
		isPartial: boolean;
	};
	const move = (withPos: boolean): Write<Move & {pos: number}> =>
		core.put(
			catalog.write<Move & {pos: number}>(
				(p) => sql`update ${rooms} set head_version = head_version + 1, head_root = ${bind(rooms.headRoot, p.root)},
					extremities = ${bind(rooms.extremities, p.extremities)}, depth = ${bind(rooms.depth, p.depth)},
					notify_count = ${bind(rooms.notifyCount, p.notifyCount)}, is_partial = ${bind(rooms.isPartial, p.isPartial)}
					${withPos ? sql`, head_pos = ${bind(rooms.headPos, p.pos)}` : sql``}
					where ${equals(rooms.roomId, p.roomId)} and ${equals(rooms.headVersion, p.fromVersion)}
					and ${equals(rooms.extremities, p.fromExtremities)}`,
			),
			isThere,
		);
	const expect = core.put(
		catalog.write<{roomId: RoomId; version: number}>(
			(p) => sql`update ${rooms} set head_version = head_version
				where ${equals(rooms.roomId, p.roomId)} and ${equals(rooms.headVersion, p.version)}`,
		),
		isThere,
	);
	// A row that is changed once positions are handed out is locked before: else two processes could hold, one the row
	// and one the head of the stream, and wait for each other.
	const lock = core.put(
		catalog.write<{roomId: RoomId}>(
			(p) => sql`update ${rooms} set head_version = head_version where ${equals(rooms.roomId, p.roomId)}`,
		),
	);
	const addHead = core.put(catalog.insert(roomHeads));
	const findAt = core.one<{roomId: RoomId; pos: number}, RoomHead>((p) =>
		build
			.select({pos: roomHeads.pos, version: roomHeads.version, root: roomHeads.root})
			.from(roomHeads)
			.where(and(equals(roomHeads.roomId, p.roomId), atMost(roomHeads.pos, p.pos)))
			.orderBy(desc(roomHeads.pos))
			.limit(1),
	);
	return {move: move(true), stay: move(false), lock, expect, addHead, findAt};
}

/** Finds entries of the state of many rooms by a part of their text. */
function createSieves(core: Core) {
	const {catalog} = core;
	const sift = core.many<{userId: UserId; type: string; stateKey: string; like: string; limit: number}, EventRow>(
		(p) => {
			const joined = build
				.select({roomId: memberships.roomId})
				.from(memberships)
				.where(and(equals(memberships.userId, p.userId), eq(memberships.membership, 'join')))
				.limit(siftedMax)
				.as('joined');
			return build
				.select(getTableColumns(events))
				.from(joined)
				.innerJoin(currentState, eq(currentState.roomId, joined.roomId))
				.innerJoin(events, eq(events.nid, currentState.eventNid))
				.where(
					and(
						equals(currentState.type, p.type),
						equals(currentState.stateKey, p.stateKey),
						sql`${events.json} like ${bind(events.json, p.like)}`,
					),
				)
				.limit(p.limit.placeholder);
		},
	);
	const siftRooms = core.many<{roomIds: readonly RoomId[]; type: string; stateKey: string; like: string}, EventRow>(
		(p) =>
			build
				.select(getTableColumns(events))
				.from(currentState)
				.innerJoin(events, eq(events.nid, currentState.eventNid))
				.where(
					and(
						catalog.isOneOf(currentState.roomId, p.roomIds),
						equals(currentState.type, p.type),
						equals(currentState.stateKey, p.stateKey),
						sql`${events.json} like ${bind(events.json, p.like)}`,
					),
				),
	);
	return {sift, siftRooms};
}

function createState(core: Core) {
	const {catalog} = core;
	type Key = {roomId: RoomId; type: string; stateKey: string};
	const set = core.put(catalog.upsert(currentState, ['roomId', 'type', 'stateKey']));
	const remove = core.put(catalog.delete(currentState, ['roomId', 'type', 'stateKey']));
	const find = core.one<Key, EventRow>((p) =>
		build
			.select(getTableColumns(events))
			.from(currentState)
			.innerJoin(events, eq(events.nid, currentState.eventNid))
			.where(
				and(
					equals(currentState.roomId, p.roomId),
					equals(currentState.type, p.type),
					equals(currentState.stateKey, p.stateKey),
				),
			),
	);
	const list = (useTypes: boolean, useAfter: boolean) =>
		core.many<Key & {types: readonly string[]; limit: number}, EventRow>((p) =>
			build
				.select(getTableColumns(events))
				.from(currentState)
				.innerJoin(events, eq(events.nid, currentState.eventNid))
				.where(
					and(
						equals(currentState.roomId, p.roomId),
						useTypes ? catalog.isOneOf(currentState.type, p.types) : undefined,
						useAfter
							? sql`(${currentState.type}, ${currentState.stateKey}) > (${bind(currentState.type, p.type)}, ${bind(currentState.stateKey, p.stateKey)})`
							: undefined,
					),
				)
				.orderBy(currentState.type, currentState.stateKey)
				.limit(p.limit.placeholder),
		);
	return {
		set,
		remove,
		find,
		...createSieves(core),
		lists: [list(false, false), list(true, false), list(false, true), list(true, true)],
	};
}

interface LastChange {
	readonly roomId: RoomId;
	readonly headPos: number;
	readonly anchor: number | null;
}

function createRoomReads(core: Core) {
	const find = core.one<{roomId: RoomId}, RoomRow>((p) =>
		build.select().from(rooms).where(equals(rooms.roomId, p.roomId)),
	);
	const findMany = core.many<{roomIds: readonly RoomId[]}, RoomRow>((p) =>
		build.select().from(rooms).where(core.catalog.isOneOf(rooms.roomId, p.roomIds)),
	);
	const lastChanges = core.many<{roomIds: readonly RoomId[]}, LastChange>((p) =>
		build
			.select({
				roomId: rooms.roomId,
				headPos: rooms.headPos,
				// Spelt with their tables: within one table's statement drizzle leaves those away.
				anchor: sql<number | null>`(select events.anchor from events where events.room_id = rooms.room_id
					and events.anchor is not null order by events.anchor desc limit 1)`,
			})
			.from(rooms)
			.where(core.catalog.isOneOf(rooms.roomId, p.roomIds)),
	);
	const list = (published: boolean, useAfter: boolean) =>
		core.many<{after: RoomId; limit: number}, RoomRow>((p) =>
			build
				.select()
				.from(rooms)
				.where(and(published ? sql`is_published = 1` : undefined, useAfter ? above(rooms.roomId, p.after) : undefined))
				.orderBy(rooms.roomId)
				.limit(p.limit.placeholder),
		);
	const lists = [list(false, false), list(true, false), list(false, true), list(true, true)];
	const page = (published: boolean, {after, limit}: {after?: RoomId | undefined; limit: number}) =>
		lists[(published ? 1 : 0) + (after === undefined ? 0 : 2)]!({after: after ?? ('' as RoomId), limit: pageOf(limit)});
	const findRows: RoomsRepository['findMany'] = async (roomIds) => {
		const rows = await readInChunks(roomIds, (chunk) => findMany({roomIds: chunk}));
		return new Map(rows.map((row) => [row.roomId, row]));
	};
	return {find, findRows, lastChanges, page};
}

/** Makes the repository of rooms. */
export function createRooms(core: Core): RoomsRepository {
	const {catalog} = core;
	const head = createHead(core);
	const state = createState(core);
	const reads = createRoomReads(core);
	const add = core.put(catalog.insert(rooms));
	const setPublished = core.put(catalog.update(rooms, ['isPublished'], ['roomId']));
	const setBlocked = core.put(catalog.update(rooms, ['isBlocked'], ['roomId']));
	const setVersion = core.put(catalog.update(rooms, ['version'], ['roomId']));
	return {
		add: (batch, {roomId, version, creator}) =>
			add(batch, {
				roomId,
				version,
				creator,
				headVersion: 0,
				headPos: 0,
				headRoot: null,
				extremities: [],
				depth: 0,
				notifyCount: 0,
				isPartial: false,
				isPublished: false,
				isBlocked: false,
			}),
		moveHead(batch, {pos, ...move}) {
			if (pos === null) {
				head.stay(batch, {...move, pos: 0});
				return;
			}
			head.lock(batch, {roomId: move.roomId});
			head.move(batch, {...move, pos});
			head.addHead(batch, {roomId: move.roomId, pos, version: move.fromVersion + 1, root: move.root});
		},
		expectHead: (batch, roomId, version) => head.expect(batch, {roomId, version}),
		setCurrentState(batch, roomId, changes) {
			for (const {type, stateKey, eventNid} of changes) {
				if (eventNid === null) state.remove(batch, {roomId, type, stateKey});
				else state.set(batch, {roomId, type, stateKey, eventNid});
			}
		},
		setPublished: (batch, roomId, isPublished) => setPublished(batch, {roomId, isPublished}),
		setBlocked: (batch, roomId, isBlocked) => setBlocked(batch, {roomId, isBlocked}),
		setVersion: (batch, roomId, version) => setVersion(batch, {roomId, version}),
		...createRoomRemoval(core),
		findFigures: createFigures(core),
		find: (roomId) => reads.find({roomId}),
		findMany: reads.findRows,
		async findLastChanges(roomIds) {
			const rows = await readInChunks(roomIds, (chunk) => reads.lastChanges({roomIds: chunk}));
			const found = rows.map(({roomId, headPos, anchor}) => [roomId, Math.max(headPos, anchor ?? 0)] as const);
			return new Map(found.filter(([, pos]) => pos > 0));
		},
		list: (page) => reads.page(false, page),
		listPublished: (page) => reads.page(true, page),
		findHeadAt: (roomId, pos) => head.findAt({roomId, pos}),
		listStateOfJoinedRooms: (userId, {type, like, limit}) =>
			state.sift({userId, type, stateKey: '', like, limit: pageOf(limit)}),
		listStateOfRooms: (roomIds, {type, like}) =>
			readInChunks(roomIds, (chunk) => state.siftRooms({roomIds: chunk, type, stateKey: '', like})),
		findCurrentState: (roomId, type, stateKey) => state.find({roomId, type, stateKey}),
		listCurrentState(roomId, {types, after, limit}) {
			const list = state.lists[(types === undefined ? 0 : 1) + (after === undefined ? 0 : 2)]!;
			const {type, stateKey} = after ?? {type: '', stateKey: ''};
			return list({roomId, types: types ?? [], type, stateKey, limit: pageOf(limit)});
		},
	};
}

/** Makes the repository of aliases. */
export function createAliases(core: Core): AliasesRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(aliases));
	const remove = core.put(catalog.delete(aliases, ['alias']));
	const find = core.one<{alias: RoomAlias}, AliasRow>((p) =>
		build.select().from(aliases).where(equals(aliases.alias, p.alias)),
	);
	const listOfRoom = core.many<{roomId: RoomId}, AliasRow>((p) =>
		build.select().from(aliases).where(equals(aliases.roomId, p.roomId)).orderBy(aliases.alias),
	);
	return {
		add,
		remove: (batch, alias) => remove(batch, {alias}),
		find: (alias) => find({alias}),
		listOfRoom: (roomId) => listOfRoom({roomId}),
	};
}
