import type {JsonObject, RoomAlias, RoomId} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import {type Actor, forbidden, mustBeComplete, mustNotBeSuspended, type RoomsContext} from './context.ts';
import {notAdmitted} from './errors.ts';
import {findRoom} from './find-room.ts';
import {type Entry, findResidentRoom, listServers} from './join.ts';
import {membershipKey, ownContent} from './member-content.ts';

/**
 * Asks to be let into a room; nothing happens for who has asked already.
 * @see https://spec.matrix.org/v1.19/client-server-api/#knocking-on-rooms
 * @throws RoomsError 'not-found' for an alias; 'not-in-room', 'forbidden', and those of RemoteRooms
 */
export async function knock(
	context: RoomsContext,
	actor: Actor,
	roomIdOrAlias: RoomId | RoomAlias,
	{via = [], said}: Entry = {},
): Promise<RoomId> {
	mustNotBeSuspended(actor);
	const {roomId, servers} = await findRoom(context, actor, roomIdOrAlias, via);
	const {userId} = actor;
	await context.memberships.run(membershipKey(roomId, userId), async () => {
		const row = await context.storage.memberships.find(roomId, userId);
		const isHere = (await findResidentRoom(context, roomId)) !== undefined;
		// Of a room that this server is not in many servers do not tell it that a knock was turned down: asking again shows.
		if (row?.membership === 'knock' && isHere) return;
		if ((await context.storage.rooms.find(roomId))?.isBlocked === true) throw notAdmitted();
		const content = await ownContent(context, userId, 'knock', said);
		if (isHere) {
			await knockHere(context, actor, roomId, content, row !== undefined);
			return;
		}
		const others = listServers(context, row, servers);
		if (others.length === 0) throw notAdmitted();
		await context.remote.knock({roomId, userId, via: others, content});
	});
	return roomId;
}

async function knockHere(
	context: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	content: JsonObject,
	isKnownThere: boolean,
): Promise<void> {
	const {engine} = context;
	await mustBeComplete(context, roomId);
	const event = {type: 'm.room.member', stateKey: userId, sender: userId, content};
	await engine.send({roomId, event}).catch((cause: unknown) => {
		if (!(cause instanceof EngineError) || cause.code !== 'forbidden') throw cause;
		throw isKnownThere ? forbidden(cause) : notAdmitted({cause});
	});
}
