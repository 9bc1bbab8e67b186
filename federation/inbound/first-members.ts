import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';

/**
 * Lists those by whom a room without a name is called, before it is known who asks: who joined first, then the invited;
 * the left and banned stand in only where nobody else is there to be named.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync `m.heroes`
 */
export async function listFirstMembers(
	{memberships}: Pick<Storage, 'memberships'>,
	roomId: RoomId,
	limit: number,
): Promise<UserId[]> {
	const joined = await memberships.listFirstJoined(roomId, limit);
	const first = joined.map(({userId}) => userId);
	for (const others of [['invite'], ['leave', 'ban']] as const) {
		// One of them may be the viewer, who is never named.
		if (first.length >= (others[0] === 'invite' ? limit : 2)) break;
		const rows = await memberships.listOfRoom(roomId, {memberships: others, limit: limit - first.length});
		first.push(...rows.map(({userId}) => userId));
	}
	return first;
}
