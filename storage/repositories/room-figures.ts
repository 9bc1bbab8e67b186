import {sql} from 'drizzle-orm';
import type {RoomId} from '../../crypto/index.ts';
import {build} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {RoomFigures, RoomsRepository} from '../interfaces/rooms.ts';
import {tables} from '../schema/index.ts';
import {readInChunks} from './page.ts';

const {currentState, memberships, rooms} = tables;

/** Makes the read that counts what is in rooms. */
export function createFigures(core: Core): RoomsRepository['findFigures'] {
	// Spelt with their tables: within one table's statement drizzle leaves those away.
	const joined = (also: string) => sql<number>`(select count(*) from ${memberships}
		where memberships.room_id = rooms.room_id and memberships.membership = 'join'${sql.raw(also)})`;
	const read = core.many<{roomIds: readonly RoomId[]}, RoomFigures & {roomId: RoomId}>((p) =>
		build
			.select({
				roomId: rooms.roomId,
				joinedMembers: joined(''),
				joinedLocalMembers: joined(' and memberships.is_local = 1'),
				stateEvents: sql<number>`(select count(*) from ${currentState} where current_state.room_id = rooms.room_id)`,
			})
			.from(rooms)
			.where(core.catalog.isOneOf(rooms.roomId, p.roomIds)),
	);
	return async (roomIds) => {
		const rows = await readInChunks(roomIds, (chunk) => read({roomIds: chunk}));
		return new Map(rows.map((row) => [row.roomId, row]));
	};
}
