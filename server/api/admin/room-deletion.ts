import {type Administration, readShutdown, type RoomDeletion, type RoomShutdown} from '../../administration/index.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';

type Task = Awaited<ReturnType<Administration['deletions']['get']>>;

const body = v.object({
	new_room_user_id: v.optional(v.nullable(v.userId())),
	room_name: v.optional(v.nullable(v.string())),
	message: v.optional(v.nullable(v.string())),
	block: v.optional(v.boolean()),
	purge: v.optional(v.boolean()),
	force_purge: v.optional(v.boolean()),
});

function toDeletion(wish: Infer<typeof body>): RoomDeletion {
	const {new_room_user_id: creator, room_name: name, message} = wish;
	return {
		block: wish.block ?? false,
		purge: wish.purge ?? true,
		forcePurge: wish.force_purge ?? false,
		newRoom: creator
			? {
					creator,
					name: name ?? 'Content Violation Notification',
					message: message ?? 'A room that you were in was closed by the administrators of this server.',
				}
			: undefined,
	};
}

const toShutdown = ({kickedUsers, failedToKickUsers, localAliases, newRoomId}: RoomShutdown) => ({
	kicked_users: kickedUsers,
	failed_to_kick_users: failedToKickUsers,
	local_aliases: localAliases,
	new_room_id: newRoomId,
});

const toTask = (task: Task) => ({
	delete_id: task.taskId,
	room_id: task.subject,
	status: task.status,
	...(task.error !== null && {error: task.error}),
	shutdown_room: toShutdown(readShutdown(task)),
});

/** Takes everybody of this server out of a room, and answers then. What is kept of it is removed afterwards. */
export const deleteRoomV1 = route({
	id: 'adminDeleteRoomV1',
	method: 'DELETE',
	path: '/_synapse/admin/v1/rooms/:roomId',
	auth: 'admin',
	body,
	handle: async ({caller, parameters, body: wish}, {administration}) =>
		toShutdown(await administration.deletions.shutDown(caller.userId, parameters.roomId, toDeletion(wish))),
});

const path = '/_synapse/admin/v2/rooms';

/** Begins to take a room away. */
export const deleteRoomV2 = route({
	id: 'adminDeleteRoomV2',
	method: 'DELETE',
	path: `${path}/:roomId`,
	auth: 'admin',
	body,
	handle: async ({caller, parameters, body: wish}, {administration}) => ({
		delete_id: await administration.deletions.begin(caller.userId, parameters.roomId, toDeletion(wish)),
	}),
});

/** Tells what has become of the tasks that take a room away. */
export const listRoomDeletions = route({
	id: 'adminListRoomDeletions',
	method: 'GET',
	path: `${path}/:roomId/delete_status`,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => ({
		results: (await administration.deletions.listOfRoom(parameters.roomId)).map(toTask),
	}),
});

/** Tells what has become of one task that takes a room away. */
export const getRoomDeletion = route({
	id: 'adminGetRoomDeletion',
	method: 'GET',
	path: `${path}/delete_status/:deleteId`,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => toTask(await administration.deletions.get(parameters.deleteId)),
});
