import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {reason, toContent} from './membership-fields.ts';

/**
 * Invites somebody by their user id. Nobody is invited by e-mail address or phone number: that would take an identity
 * server, which learns who knows whom.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite
 */
export const inviteUser = route({
	id: 'inviteUser',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/invite',
	auth: 'user',
	rateLimit: 'invite',
	body: v.object({user_id: v.optional(v.userId()), reason, medium: v.optional(v.string())}),
	async handle({caller, parameters, body}, {rooms}) {
		if (body.user_id === undefined) {
			throw body.medium === undefined
				? new MatrixError('M_MISSING_PARAM', "'user_id' is missing: expected a user id")
				: new MatrixError('M_THREEPID_DENIED', 'Nobody is invited here but by a user id');
		}
		await rooms.invite(caller, parameters.roomId, body.user_id, toContent(body));
		return {};
	},
});
