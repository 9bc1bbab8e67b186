import type {RoomId} from '../../../crypto/index.ts';
import type {View} from './view.ts';

/** Lists what is new of a user's account data of a room, as JSON texts of events. */
export function listRoomAccountData({filter, roomAccountData}: View, roomId: RoomId): string[] {
	const {matches, mayShowRoom} = filter.roomAccountData;
	if (!mayShowRoom(roomId)) return [];
	return (roomAccountData.get(roomId) ?? [])
		.filter(({type}) => matches === undefined || matches({type}))
		.map(({type, content}) => JSON.stringify({type, content: content ?? {}}));
}
