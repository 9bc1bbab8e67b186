import {route} from '../route.ts';
import {othersMembership, toContent} from './membership-fields.ts';

/**
 * Puts somebody out of a room and keeps them out.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidban
 */
export const ban = route({
	id: 'ban',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/ban',
	auth: 'user',
	rateLimit: 'message',
	body: othersMembership,
	async handle({caller, parameters, body}, {rooms}) {
		await rooms.ban(caller, parameters.roomId, body.user_id, toContent(body));
		return {};
	},
});

/**
 * Ends a ban.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidunban
 */
export const unban = route({
	id: 'unban',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/unban',
	auth: 'user',
	rateLimit: 'message',
	body: othersMembership,
	async handle({caller, parameters, body}, {rooms}) {
		await rooms.unban(caller, parameters.roomId, body.user_id, toContent(body));
		return {};
	},
});
