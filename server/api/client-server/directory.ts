import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Gives a room another name of this server.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias
 */
export const setRoomAlias = route({
	id: 'setRoomAlias',
	method: 'PUT',
	path: '/_matrix/client/v3/directory/room/:roomAlias',
	auth: 'user',
	rateLimit: 'search',
	body: v.object({room_id: v.roomId()}),
	async handle({caller, parameters, body}, {rooms}) {
		await rooms.addAlias(caller, parameters.roomAlias, body.room_id);
		return {};
	},
});

/**
 * Gives the room that an alias names, if the caller may know.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directoryroomroomalias
 */
export const getRoomIdByAlias = route({
	id: 'getRoomIdByAlias',
	method: 'GET',
	path: '/_matrix/client/v3/directory/room/:roomAlias',
	auth: 'optional',
	rateLimit: 'search',
	async handle({caller, parameters}, {rooms}) {
		const {roomId, servers} = await rooms.getAlias(caller, parameters.roomAlias);
		return {room_id: roomId, servers};
	},
});

/**
 * Removes an alias.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias
 */
export const deleteRoomAlias = route({
	id: 'deleteRoomAlias',
	method: 'DELETE',
	path: '/_matrix/client/v3/directory/room/:roomAlias',
	auth: 'user',
	rateLimit: 'search',
	async handle({caller, parameters}, {rooms}) {
		await rooms.removeAlias(caller, parameters.roomAlias);
		return {};
	},
});

/**
 * Lists the aliases that this server gives to a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases
 */
export const getLocalAliases = route({
	id: 'getLocalAliases',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/aliases',
	auth: 'user',
	handle: async ({caller, parameters}, {rooms}) => ({
		aliases: await rooms.listAliases(caller, parameters.roomId),
	}),
});
