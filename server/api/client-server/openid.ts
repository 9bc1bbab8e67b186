import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {checkOwn} from './own-user.ts';

/**
 * Makes a token by which a third party learns who the caller is.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token
 */
export const requestOpenIdToken = route({
	id: 'requestOpenIdToken',
	method: 'POST',
	path: '/_matrix/client/v3/user/:userId/openid/request_token',
	auth: 'user',
	rateLimit: 'keys',
	body: v.jsonObject(),
	async handle({caller, parameters}, {openId, config}) {
		checkOwn(caller, parameters.userId);
		const {token, expiresInMs} = await openId.issue(caller);
		return {
			access_token: token,
			token_type: 'Bearer',
			matrix_server_name: config.serverName,
			expires_in: Math.floor(expiresInMs / 1000),
		};
	},
});
