import {getTags, removeTag, setTag} from '../../account-data/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {checkOwn} from './own-user.ts';

/**
 * Gives the caller's tags of a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidtags
 */
export const getRoomTags = route({
	id: 'getRoomTags',
	method: 'GET',
	path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags',
	auth: 'user',
	async handle({caller, parameters: {userId, roomId}}, {accountData}) {
		checkOwn(caller, userId);
		return {tags: await getTags(accountData, userId, roomId)};
	},
});

/**
 * Tags a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag
 */
export const setRoomTag = route({
	id: 'setRoomTag',
	method: 'PUT',
	path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags/:tag',
	auth: 'user',
	body: v.object({order: v.optional(v.number())}),
	async handle({caller, parameters, body}, {accountData}) {
		checkOwn(caller, parameters.userId);
		await setTag(accountData, parameters, {...body});
		return {};
	},
});

/**
 * Removes a tag from a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3useruseridroomsroomidtagstag
 */
export const deleteRoomTag = route({
	id: 'deleteRoomTag',
	method: 'DELETE',
	path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags/:tag',
	auth: 'user',
	async handle({caller, parameters}, {accountData}) {
		checkOwn(caller, parameters.userId);
		await removeTag(accountData, parameters);
		return {};
	},
});
