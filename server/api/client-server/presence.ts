import {MatrixError} from '../../http/index.ts';
import {STATUS_MAX} from '../../ephemeral/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {checkOwn} from './own-user.ts';

/**
 * Sets the caller's presence.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus
 */
export const setPresence = route({
	id: 'setPresence',
	method: 'PUT',
	path: '/_matrix/client/v3/presence/:userId/status',
	auth: 'user',
	rateLimit: 'message',
	body: v.object({
		presence: v.literal('online', 'offline', 'unavailable'),
		status_msg: v.optional(v.nullable(v.string({max: STATUS_MAX}))),
	}),
	handle({caller, parameters: {userId}, body}, {ephemeral}) {
		checkOwn(caller, userId);
		ephemeral.presence.set(userId, body.presence, body.status_msg ?? undefined);
		return {};
	},
});

/**
 * Gives the presence of somebody whom the caller may know of.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3presenceuseridstatus
 */
export const getPresence = route({
	id: 'getPresence',
	method: 'GET',
	path: '/_matrix/client/v3/presence/:userId/status',
	auth: 'user',
	async handle({caller, parameters: {userId}}, {ephemeral: {presence}, visibility}) {
		if (!(await visibility.mayKnow(caller, userId, 'profiles'))) {
			throw new MatrixError('M_FORBIDDEN', 'You may not see the presence of this user');
		}
		return presence.describe(userId);
	},
});
