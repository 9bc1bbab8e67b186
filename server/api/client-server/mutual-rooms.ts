import {decodeBase64Url, encodeBase64Url, isRoomId, isUserId, type RoomId, type UserId} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Reads whose rooms are asked for.
 * @throws MatrixError M_INVALID_PARAM, also where nobody is named, as the specification has it here
 */
function readOther(caller: UserId, userId: string | undefined): UserId {
	if (!isUserId(userId) || userId === caller) {
		throw new MatrixError('M_INVALID_PARAM', "Expected another user's id as 'user_id'");
	}
	return userId;
}

/** A token is the last room of its page, so that it never ends. */
const writeToken = (roomId: RoomId): string => encodeBase64Url(Buffer.from(roomId));

function readToken(token: string): RoomId {
	const roomId = Buffer.from(decodeBase64Url(token) ?? []).toString('utf8');
	if (!isRoomId(roomId)) {
		throw new MatrixError('M_INVALID_PARAM', "Expected a token of this endpoint as 'from'");
	}
	return roomId;
}

/**
 * Lists the rooms that the caller and another user are both in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms
 */
export const getMutualRooms = route({
	id: 'getMutualRooms',
	method: 'GET',
	path: '/_matrix/client/v1/mutual_rooms',
	auth: 'user',
	query: v.object({user_id: v.optional(v.string()), from: v.optional(v.string())}),
	async handle({caller, query}, {rooms}) {
		const other = readOther(caller.userId, query.user_id);
		const after = query.from === undefined ? undefined : readToken(query.from);
		const {joined, count, hasMore} = await rooms.listMutual(caller.userId, other, after);
		const last = joined.at(-1);
		return {joined, count, ...(hasMore && last !== undefined && {next_batch: writeToken(last)})};
	},
});

/**
 * The same under the names of its proposal, by which matrix-js-sdk asks.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2666
 */
export const getMutualRoomsOfProposal = route({
	id: 'getMutualRoomsOfProposal',
	method: 'GET',
	path: '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms',
	auth: 'user',
	query: v.object({user_id: v.optional(v.string()), batch_token: v.optional(v.string())}),
	async handle({caller, query}, {rooms}) {
		const other = readOther(caller.userId, query.user_id);
		const after = query.batch_token === undefined ? undefined : readToken(query.batch_token);
		const {joined, count, hasMore} = await rooms.listMutual(caller.userId, other, after);
		const last = joined.at(-1);
		return {joined, count, ...(hasMore && last !== undefined && {next_batch_token: writeToken(last)})};
	},
});
