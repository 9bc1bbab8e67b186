import type {JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import {type Actor, type RoomsContext, sendAllowed} from './context.ts';
import {notInRoom, RoomsError} from './errors.ts';
import {findResidentRoom, listServers} from './join.ts';
import {membershipKey, ownContent} from './member-content.ts';

/**
 * Leaves a room, turns down an invite, or takes back a knock; nothing happens for who has left already.
 * @throws RoomsError 'not-in-room', 'forbidden', 'notice-room'
 */
export async function leave(
	context: RoomsContext,
	{userId}: Pick<Actor, 'userId'>,
	roomId: RoomId,
	said?: JsonObject,
): Promise<void> {
	await context.memberships.run(membershipKey(roomId, userId), async () => {
		const row = await context.storage.memberships.find(roomId, userId);
		if (!row) throw notInRoom();
		if (row.membership === 'leave') return;
		if (row.membership === 'invite') await mustBeRefusable(context, userId, roomId);
		const content = await ownContent(context, userId, 'leave', said);
		if (await findResidentRoom(context, roomId)) {
			const event = {type: 'm.room.member', stateKey: userId, sender: userId, content};
			await sendAllowed(context, roomId, event);
		} else {
			const via = listServers(context, row, await context.storage.memberships.listServers(roomId));
			await context.remote.leave({roomId, userId, via, content});
		}
	});
}

/**
 * What the server tells somebody of their account reaches them; once they have seen it they may leave.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-notices
 */
async function mustBeRefusable({storage, noticesSender}: RoomsContext, userId: UserId, roomId: RoomId): Promise<void> {
	if (noticesSender !== undefined && (await storage.noticeRooms.find(userId)) === roomId) {
		throw new RoomsError('notice-room', 'An invite to the notices of the server cannot be refused');
	}
}

/**
 * Takes a room that somebody has left out of their lists.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget
 * @throws RoomsError 'not-in-room', 'still-in-room'
 */
export async function forget(context: RoomsContext, {userId}: Actor, roomId: RoomId): Promise<void> {
	const {storage} = context;
	await context.memberships.run(membershipKey(roomId, userId), async () => {
		const row = await storage.memberships.find(roomId, userId);
		if (!row) throw notInRoom();
		if (row.membership !== 'leave' && row.membership !== 'ban') {
			throw new RoomsError('still-in-room', 'A room can be forgotten once it is left');
		}
		if (row.forgotten) return;
		const batch = storage.batch();
		storage.memberships.forget(batch, roomId, userId);
		batch.announce({kind: 'membership', roomId, subject: userId});
		await storage.commit(batch);
	});
}
