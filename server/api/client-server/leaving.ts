import {route} from '../route.ts';
import {ownMembership, toContent} from './membership-fields.ts';

/**
 * Leaves a room, turns down an invite, or takes back a knock.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave
 */
export const leaveRoom = route({
	id: 'leaveRoom',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/leave',
	auth: 'guest',
	rateLimit: 'message',
	body: ownMembership,
	async handle({caller, parameters, body}, {rooms}) {
		await rooms.leave(caller, parameters.roomId, toContent(body));
		return {};
	},
});

/**
 * Takes a room that was left out of the caller's lists.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget
 */
export const forgetRoom = route({
	id: 'forgetRoom',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/forget',
	auth: 'user',
	rateLimit: 'message',
	async handle({caller, parameters}, {rooms}) {
		await rooms.forget(caller, parameters.roomId);
		return {};
	},
});
