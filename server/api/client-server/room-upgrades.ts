import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** More creators than that are a room's members. */
const creatorsMax = 100;

/**
 * Replaces a room by one of another version.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade
 */
export const upgradeRoom = route({
	id: 'upgradeRoom',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/upgrade',
	auth: 'user',
	rateLimit: 'room-creation',
	body: v.object({
		new_version: v.string(),
		additional_creators: v.optional(v.array(v.userId(), {max: creatorsMax})),
	}),
	async handle({caller, parameters, body}, {rooms}) {
		const upgrade = {version: body.new_version, additionalCreators: body.additional_creators};
		return {replacement_room: await rooms.upgrade(caller, parameters.roomId, upgrade)};
	},
});
