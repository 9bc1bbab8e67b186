import {isJsonObject, isRoomId, type RoomId, type UserId} from '../../crypto/index.ts';
import type {RoomsContext} from './context.ts';

/**
 * Gives whoever has just entered a room what they keep for the room that it replaces: tags, push rules, its place among
 * direct chats. Both rooms must say so, the new one in its create event and the old one in its tombstone: else anybody's
 * room could call itself the next of any other.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-18
 */
export async function carrySettingsOver(context: RoomsContext, userId: UserId, roomId: RoomId): Promise<void> {
	const {engine, storage, carryOver} = context;
	const predecessor = (await (await engine.findRoom(roomId))?.findState('m.room.create', ''))?.content['predecessor'];
	const from = isJsonObject(predecessor) ? predecessor['room_id'] : undefined;
	if (!isRoomId(from) || from === roomId) return;
	if ((await storage.memberships.find(from, userId)) === undefined) return;
	const tombstone = await (await engine.findRoom(from))?.findState('m.room.tombstone', '');
	if (tombstone?.content['replacement_room'] === roomId) await carryOver(userId, {from, to: roomId});
}

/** Does so where the user has entered that room already. */
export async function carrySettingsOverIfIn(context: RoomsContext, userId: UserId, roomId: RoomId): Promise<void> {
	const row = await context.storage.memberships.find(roomId, userId);
	if (row?.membership === 'join') await carrySettingsOver(context, userId, roomId);
}
