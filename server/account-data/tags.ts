import {isJsonObject, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import type {AccountData} from './account-data.ts';
import {AccountDataError} from './errors.ts';

/** Where the tags of a room are kept. */
export const tagKey = (userId: UserId, roomId: RoomId) => ({userId, roomId, type: 'm.tag'}) as const;

/** Copied key by key: a tag may be called `__proto__`. */
function tagsIn(content: JsonObject | undefined): JsonObject {
	const tags = content?.['tags'];
	return Object.assign(Object.create(null) as JsonObject, isJsonObject(tags) ? tags : {});
}

/** Gives the tags of a room with what the user keeps in each. */
export async function getTags(accountData: AccountData, userId: UserId, roomId: RoomId): Promise<JsonObject> {
	return tagsIn(await accountData.find(tagKey(userId, roomId)));
}

/** The specification's. */
const TAG_BYTES_MAX = 255;

/** Adds a tag to a room, or replaces what it holds. @throws AccountDataError 'invalid-type', 'too-large', 'not-in-room' */
export async function setTag(
	accountData: AccountData,
	{userId, roomId, tag}: {readonly userId: UserId; readonly roomId: RoomId; readonly tag: string},
	content: JsonObject,
): Promise<void> {
	if (Buffer.byteLength(tag) > TAG_BYTES_MAX) {
		throw new AccountDataError('invalid-type', `Expected the name of a tag to be at most ${TAG_BYTES_MAX} bytes`);
	}
	await accountData.update(tagKey(userId, roomId), (before) => {
		const tags = tagsIn(before);
		tags[tag] = content;
		return {tags};
	});
}

/** Removes a tag from a room; nothing happens where it is not there. @throws AccountDataError 'not-in-room' */
export function removeTag(
	accountData: AccountData,
	{userId, roomId, tag}: {readonly userId: UserId; readonly roomId: RoomId; readonly tag: string},
): Promise<void> {
	return accountData.update(tagKey(userId, roomId), (before) => {
		const tags = tagsIn(before);
		if (!Object.hasOwn(tags, tag)) return undefined;
		delete tags[tag];
		return {tags};
	});
}
