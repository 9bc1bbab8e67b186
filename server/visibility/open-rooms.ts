import {isJsonObject, type JsonObject, type JsonValue, type RoomId, type UserId} from '../../crypto/index.ts';
import type {EventRow, Storage} from '../../storage/index.ts';

/** What makes a room one whose members anybody here may know of: a type of state, and what its content must say. */
const SIGNS = [
	{type: 'm.room.join_rules', key: 'join_rule', value: 'public'},
	{type: 'm.room.history_visibility', key: 'history_visibility', value: 'world_readable'},
] as const;

/** Rooms that are looked at closely; that so many should only look open takes somebody's effort. */
const CANDIDATES_MAX = 10;

/** Rooms that are looked through for open ones: some thousandths of a second for each thousand. */
const ROOMS_MAX = 10_000;
const ROOMS_PAGE = 1_000;

/** Lists rooms known here that anybody may join or read, those of the first some thousand rooms. */
export async function listOpenRooms({rooms}: Pick<Storage, 'rooms'>): Promise<RoomId[]> {
	const open: RoomId[] = [];
	let after: RoomId | undefined;
	for (let looked = 0; looked < ROOMS_MAX; looked += ROOMS_PAGE) {
		const page = await rooms.list({after, limit: ROOMS_PAGE});
		const found = new Set<RoomId>();
		for (const {type, key, value} of SIGNS) {
			const rows = await rooms.listStateOfRooms(
				page.map(({roomId}) => roomId),
				{type, like: `%"${key}":"${value}"%`},
			);
			for (const row of rows) if (readContent(row)?.[key] === value) found.add(row.roomId);
		}
		open.push(...found);
		after = page.at(-1)?.roomId;
		if (page.length < ROOMS_PAGE) break;
	}
	return open;
}

/**
 * Whether somebody is in a room known here that anybody may join or read. One look into an index for each of their rooms,
 * whoever else is in those.
 */
export async function isInOpenRoom({rooms}: Pick<Storage, 'rooms'>, userId: UserId): Promise<boolean> {
	for (const {type, key, value} of SIGNS) {
		const like = `%"${key}":"${value}"%`;
		const candidates = await rooms.listStateOfJoinedRooms(userId, {type, like, limit: CANDIDATES_MAX});
		if (candidates.some((row) => readContent(row)?.[key] === value)) return true;
	}
	return false;
}

function readContent({json}: EventRow): JsonObject | undefined {
	try {
		const event = JSON.parse(json) as JsonValue;
		const content = isJsonObject(event) ? event['content'] : undefined;
		return isJsonObject(content) ? content : undefined;
	} catch {
		// Damaged, which is reported where the room itself is read.
		return undefined;
	}
}
