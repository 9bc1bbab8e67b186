import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Tells a third party whose an OpenID token is.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo
 */
export const exchangeOpenIdToken = route({
	id: 'exchangeOpenIdToken',
	method: 'GET',
	path: '/_matrix/federation/v1/openid/userinfo',
	auth: 'none',
	query: v.object({access_token: v.optional(v.string())}),
	async handle({query: {access_token: token}}, {openId}) {
		if (token === undefined) throw new MatrixError('M_MISSING_TOKEN', "Expected an OpenID token as 'access_token'");
		const owner = await openId.findOwner(token);
		if (owner === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'The token is not known, or has ended');
		return {sub: owner};
	},
});
