import {isJsonObject, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import type {AccountData} from './account-data.ts';
import {tagKey} from './tags.ts';

/**
 * Gives a room the tags of another one, where the user has given it none, and its place among their direct chats.
 * @throws AccountDataError 'too-large', 'not-in-room'
 */
export async function carryRoomDataOver(
	accountData: AccountData,
	userId: UserId,
	{from, to}: {readonly from: RoomId; readonly to: RoomId},
): Promise<void> {
	const tags = await accountData.find(tagKey(userId, from));
	if (tags) await accountData.update(tagKey(userId, to), (now) => (now === undefined ? tags : undefined));
	await accountData.update({userId, roomId: null, type: 'm.direct'}, (now) => now && withRoomBeside(now, from, to));
}

/** Adds a room to each list that has the other; `undefined` where none has. */
function withRoomBeside(direct: JsonObject, from: RoomId, to: RoomId): JsonObject | undefined {
	const changed = Object.entries(direct).filter(
		([, rooms]) => Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to),
	);
	if (!isJsonObject(direct) || changed.length === 0) return undefined;
	const content: JsonObject = Object.assign(Object.create(null) as JsonObject, direct);
	for (const [other, rooms] of changed) content[other] = [...(rooms as string[]), to];
	return content;
}
