import {isRoomId, type UserId} from '../../crypto/index.ts';
import {REMOVE_NOTICES, removeNoticeRoom} from '../notices/index.ts';
import {type Job, MINUTE_MS} from './job.ts';

/** After so long it is looked once more: a notice may have been on its way when the account ended, and made a room. */
const SECOND_LOOK_MS = 10 * MINUTE_MS;

export const removeNotices: Job = {
	id: REMOVE_NOTICES,
	does: 'Removes the room of the notices of somebody whose account has ended.',
	everyMs: null,
	atMost: 'one room, some hundreds of rows in each commit',
	role: 'background',
	async run({storage}, run) {
		const userId = run.key as UserId;
		const {room_id: told, isSecondLook} = run.payload;
		const late = await storage.noticeRooms.find(userId);
		let count = 0;
		for (const roomId of [told, late]) {
			if (!isRoomId(roomId)) continue;
			const removed = await removeNoticeRoom(storage, userId, roomId, () => run.goOn());
			count += removed.count;
			if (!removed.isDone) return {isDone: false, count};
		}
		if (late !== undefined) {
			const batch = storage.batch();
			storage.erasures.removeTraces(batch, userId);
			await storage.commit(batch);
		}
		return {
			isDone: isSecondLook === true,
			count,
			inMs: SECOND_LOOK_MS,
			payload: {room_id: null, isSecondLook: true},
		};
	},
};
