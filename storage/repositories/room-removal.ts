import {getTableColumns, getTableName, sql} from 'drizzle-orm';
import type {SQLiteTable} from 'drizzle-orm/sqlite-core';
import type {RoomId} from '../../crypto/index.ts';
import {type Batch, Outcome} from '../batch.ts';
import {bind, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {RoomsRepository} from '../interfaces/rooms.ts';
import {columnName, shapeOf} from '../schema/columns.ts';
import {tables} from '../schema/index.ts';

const {aliases, currentState, memberships, rooms} = tables;

/** Everything that is kept for a room and goes with it, but for its own row. */
const ofRoom = [
	tables.events,
	tables.gaps,
	tables.trieNodes,
	tables.roomHeads,
	currentState,
	memberships,
	tables.roomServers,
	aliases,
	tables.receipts,
	tables.threads,
	tables.annotations,
] as const;

/** Rows of one kind that one piece has at most: a commit with so many deletions takes the writer some milliseconds. */
const PIECE = 500;

/** Makes a removal of some of a table's rows of one room. */
function createPiece(core: Core, table: SQLiteTable, condition = sql``) {
	const {roomId} = getTableColumns(table) as {roomId: typeof rooms.roomId};
	const name = getTableName(table);
	const key = sql.raw(shapeOf(name).key.map(columnName).join(', '));
	return core.putReturning<{roomId: RoomId}, {count: number}>(
		core.catalog.write<{roomId: RoomId}>(
			(p) => sql`delete from ${table} where (${key}) in (select ${key} from ${table}
				where ${equals(roomId, p.roomId)}${condition} limit ${sql.raw(String(PIECE))}) returning 1 as count`,
			{count: sql<number>`1`},
		),
	);
}

/** Makes what takes rooms away. */
export function createRoomRemoval(core: Core): Pick<RoomsRepository, 'close' | 'remove' | 'removePiece'> {
	const {catalog} = core;
	const removals = [...ofRoom, rooms].map((table) => core.put<{roomId: RoomId}>(catalog.delete(table, ['roomId'])));
	const removeAliases = core.put<{roomId: RoomId}>(catalog.delete(aliases, ['roomId']));
	const empty = core.put(
		catalog.write<{roomId: RoomId; extremities: readonly never[]}>(
			(p) => sql`update ${rooms} set head_version = head_version + 1, head_root = null, head_pos = 0, depth = 0,
				extremities = ${bind(rooms.extremities, p.extremities)}, notify_count = 0, is_partial = 0, is_published = 0,
				is_blocked = 1 where ${equals(rooms.roomId, p.roomId)}`,
		),
	);
	// Members of other servers go; people here are told by their rows that they have left.
	const pieces = ofRoom.map((table) =>
		createPiece(core, table, table === memberships ? sql` and is_local = 0` : undefined),
	);
	// What was indexed of it goes piece by piece, by who follows the stream: each word costs a write.
	const announce = (batch: Batch, roomId: RoomId) => batch.announce({kind: 'history', roomId});
	return {
		close(batch, roomId) {
			empty(batch, {roomId, extremities: []});
			removeAliases(batch, {roomId});
			announce(batch, roomId);
		},
		removePiece(batch, roomId) {
			const outcomes = pieces.map((remove) => remove(batch, {roomId}));
			return new Outcome(() => outcomes.reduce((sum, {value}) => sum + value.length, 0));
		},
		remove(batch, roomId) {
			for (const remove of removals) remove(batch, {roomId});
			announce(batch, roomId);
		},
	};
}
