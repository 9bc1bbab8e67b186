import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {tokensBody} from './device-fields.ts';

/**
 * Exchanges a refresh token for new tokens.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh
 */
export const refresh = route({
	id: 'refresh',
	method: 'POST',
	path: '/_matrix/client/v3/refresh',
	auth: 'none',
	body: v.object({refresh_token: v.string()}),
	handle: async ({body}, {accounts}) => tokensBody(await accounts.refresh(body.refresh_token)),
});
