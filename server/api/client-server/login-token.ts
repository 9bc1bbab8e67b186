import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {authField, requirePassword} from './interactive-auth.ts';

/**
 * Makes a token by which the caller signs another of their devices in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token
 */
export const generateLoginToken = route({
	id: 'generateLoginToken',
	method: 'POST',
	path: '/_matrix/client/v1/login/get_token',
	auth: 'user',
	rateLimit: 'login',
	body: v.object({auth: authField}),
	async handle(request, services) {
		await requirePassword(request, services, {purpose: 'generateLoginToken'});
		const {token, expiresInMs} = await services.loginTokens.issue(request.caller);
		return {login_token: token, expires_in_ms: expiresInMs};
	},
});
