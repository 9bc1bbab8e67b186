import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {SENDER_FACT} from './room.ts';

/** The kind of the background job that removes the room of somebody's notices when their account has ended; its key is the user id. */
export const REMOVE_NOTICES = 'remove-notices';

/** Members that are looked at for somebody else. */
const MEMBERS_MAX = 3;

/**
 * Removes the room of the notices of somebody who is gone: when they signed in, with what and from what client is theirs
 * alone, and nobody is left to read it. A room that somebody else has come into, which only an administrator can bring
 * about, stays.
 * @param goOn awaited between pieces; false where the rest is for another time
 * @returns how many rows were removed, and whether that was all
 */
export async function removeNoticeRoom(
	storage: Storage,
	userId: UserId,
	roomId: RoomId,
	goOn: () => Promise<boolean>,
): Promise<{readonly isDone: boolean; readonly count: number}> {
	const room = await storage.rooms.find(roomId);
	if (room === undefined || (await hasOthers(storage, userId, roomId))) return {isDone: true, count: 0};
	if (room.headRoot !== null) {
		const closing = storage.batch();
		storage.rooms.close(closing, roomId);
		await storage.commit(closing);
	}
	for (let count = 0; ; ) {
		const batch = storage.batch();
		const removed = storage.rooms.removePiece(batch, roomId);
		await storage.commit(batch);
		count += removed.value;
		if (removed.value === 0) {
			const last = storage.batch();
			storage.rooms.remove(last, roomId);
			await storage.commit(last);
			return {isDone: true, count};
		}
		if (!(await goOn())) return {isDone: false, count};
	}
}

async function hasOthers({memberships, meta}: Storage, userId: UserId, roomId: RoomId): Promise<boolean> {
	const sender = await meta.find(SENDER_FACT);
	const members = await memberships.listOfRoom(roomId, {memberships: ['join', 'invite'], limit: MEMBERS_MAX});
	return members.some((member) => member.userId !== userId && member.userId !== sender);
}
