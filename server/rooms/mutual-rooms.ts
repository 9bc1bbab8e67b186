import type {RoomId, UserId} from '../../crypto/index.ts';
import type {RoomsContext} from './context.ts';

/** A page of the rooms that two people are both in. */
export interface MutualRooms {
	readonly joined: readonly RoomId[];
	/** Of all pages together. */
	readonly count: number;
	/** Whether there are more. */
	readonly hasMore: boolean;
}

/** Rooms on a page; two people seldom meet in more. */
const PAGE_ROOMS = 500;

/**
 * Lists the rooms that two people are both in; none for a name that nobody has.
 * @param after the last room of the page before
 */
export async function listMutual(
	{storage: {memberships}}: RoomsContext,
	userId: UserId,
	other: UserId,
	after: RoomId | undefined,
): Promise<MutualRooms> {
	const rooms = await memberships.listShared(userId, other, {after, limit: PAGE_ROOMS + 1});
	const hasMore = rooms.length > PAGE_ROOMS;
	const count = hasMore || after !== undefined ? await memberships.countShared(userId, other) : rooms.length;
	return {joined: rooms.slice(0, PAGE_ROOMS), count, hasMore};
}
