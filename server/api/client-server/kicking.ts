import {route} from '../route.ts';
import {othersMembership, toContent} from './membership-fields.ts';

/**
 * Puts somebody out of a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick
 */
export const kick = route({
	id: 'kick',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/kick',
	auth: 'user',
	rateLimit: 'message',
	body: othersMembership,
	async handle({caller, parameters, body}, {rooms}) {
		await rooms.kick(caller, parameters.roomId, body.user_id, toContent(body));
		return {};
	},
});
