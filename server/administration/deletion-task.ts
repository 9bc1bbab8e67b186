import {isJsonObject, isRoomId, isUserId, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import type {AdministrativeTaskRow} from '../../storage/index.ts';

/** How a room is taken away. */
export interface RoomDeletion {
	/** Whether nobody of this server may enter it afterwards. */
	readonly block: boolean;
	/** Whether what is kept of it is removed. */
	readonly purge: boolean;
	/** Whether it is removed even if somebody could not be taken out of it. */
	readonly forcePurge: boolean;
	/** Where people of this server are brought instead. */
	readonly newRoom?: {readonly creator: UserId; readonly name: string; readonly message: string} | undefined;
}

/** What was done to the people of a room. */
export interface RoomShutdown {
	readonly kickedUsers: readonly string[];
	readonly failedToKickUsers: readonly string[];
	readonly localAliases: readonly string[];
	readonly newRoomId: string | null;
}

/** Nothing was done yet. */
export const nothingYet: RoomShutdown = {kickedUsers: [], failedToKickUsers: [], localAliases: [], newRoomId: null};

const listOf = (value: unknown): string[] =>
	Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

/** Reads what a task has done so far. */
export function readShutdown({result}: Pick<AdministrativeTaskRow, 'result'>): RoomShutdown {
	const {kicked, failed, aliases, new_room_id: newRoomId} = result;
	return {
		kickedUsers: listOf(kicked),
		failedToKickUsers: listOf(failed),
		localAliases: listOf(aliases),
		newRoomId: typeof newRoomId === 'string' ? newRoomId : null,
	};
}

/** Writes down what a task has done so far. */
export const writeShutdown = (shutdown: RoomShutdown): JsonObject => ({
	kicked: [...shutdown.kickedUsers],
	failed: [...shutdown.failedToKickUsers],
	aliases: [...shutdown.localAliases],
	new_room_id: shutdown.newRoomId,
});

type Phase = 'leave' | 'purge' | 'forget';

/** A task as its job knows it. */
export interface Work extends RoomDeletion {
	readonly roomId: RoomId;
	readonly phase: Phase;
}

/** Writes down a task for its job. */
export function writeWork({roomId, phase, block: isBlocked, purge, forcePurge, newRoom}: Work): JsonObject {
	return {
		room_id: roomId,
		phase,
		block: isBlocked,
		purge,
		force_purge: forcePurge,
		new_room: newRoom === undefined ? null : {...newRoom},
	};
}

/** Reads a task of a job; `undefined` where it is none. */
export function readWork(payload: JsonObject): Work | undefined {
	const {room_id: roomId, phase, block: isBlocked, purge, force_purge: forcePurge, new_room: newRoom} = payload;
	if (!isRoomId(roomId) || (phase !== 'leave' && phase !== 'purge' && phase !== 'forget')) return undefined;
	const {creator, name, message} = isJsonObject(newRoom) ? newRoom : {};
	return {
		roomId,
		phase,
		block: isBlocked === true,
		purge: purge === true,
		forcePurge: forcePurge === true,
		newRoom:
			isUserId(creator) && typeof name === 'string' && typeof message === 'string'
				? {creator, name, message}
				: undefined,
	};
}
