import {route} from '../route.ts';

/**
 * Lists the rooms that the caller is in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms
 */
export const getJoinedRooms = route({
	id: 'getJoinedRooms',
	method: 'GET',
	path: '/_matrix/client/v3/joined_rooms',
	auth: 'user',
	handle: async ({caller}, {rooms}) => ({joined_rooms: await rooms.listJoined(caller.userId)}),
});
