import type {RoomId, UserId} from '../../crypto/index.ts';
import {historyVisibilityOf} from '../../federation/rooms/index.ts';
import type {Position, StateRoot} from '../../storage/index.ts';
import type {RoomsContext} from './context.ts';
import {findShown} from './current-state.ts';
import {notInRoom} from './errors.ts';

/** What somebody may read of a room: up to when. */
export interface Reading {
	readonly roomId: RoomId;
	readonly userId: UserId;
	/** The position at which the reader left; infinite for who may read on. */
	readonly until: Position;
}

/**
 * Says up to when somebody may read a room: members and, where anybody may, everybody to the end; who has left to the
 * moment of leaving. Nothing of the room is loaded for others.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate
 * @throws RoomsError 'not-in-room'
 */
export async function mayRead(context: RoomsContext, roomId: RoomId, userId: UserId): Promise<Reading> {
	const {storage, events} = context;
	// Whoever was just put out by another process must not read on.
	if (storage.dialect === 'postgres') await storage.barrier();
	const {row, joinedUntil} = await events.findStanding(roomId, userId);
	if (row?.membership === 'join') return {roomId, userId, until: Number.POSITIVE_INFINITY};
	if (await isWorldReadable(context, roomId)) return {roomId, userId, until: Number.POSITIVE_INFINITY};
	if (!row || row.forgotten || joinedUntil === 0) throw notInRoom();
	return {roomId, userId, until: joinedUntil};
}

/** Whether anybody may read what is said in a room now. */
async function isWorldReadable(context: RoomsContext, roomId: RoomId): Promise<boolean> {
	return historyVisibilityOf(await findShown(context, roomId, 'm.room.history_visibility')) === 'world_readable';
}

/** Finds the state of a room that a reader may see: the current one, or that of the moment of leaving. */
export async function findRoot({storage}: RoomsContext, {roomId, until}: Reading): Promise<StateRoot> {
	const root =
		until === Number.POSITIVE_INFINITY
			? (await storage.rooms.find(roomId))?.headRoot
			: (await storage.rooms.findHeadAt(roomId, until))?.root;
	if (root === undefined || root === null) throw notInRoom();
	return root;
}
