import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {checkOwn} from './own-user.ts';

/**
 * Tells the room that the caller types, or stopped.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid
 */
export const setTyping = route({
	id: 'setTyping',
	method: 'PUT',
	path: '/_matrix/client/v3/rooms/:roomId/typing/:userId',
	auth: 'user',
	rateLimit: 'message',
	body: v.object({typing: v.boolean(), timeout: v.optional(v.integer())}),
	async handle({caller, parameters: {roomId, userId}, body: {typing, timeout}}, {ephemeral}) {
		checkOwn(caller, userId);
		await ephemeral.typing.set(userId, roomId, {isTyping: typing, timeoutMs: timeout});
		return {};
	},
});
