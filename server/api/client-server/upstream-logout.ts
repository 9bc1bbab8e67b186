import {json} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Hears from another service that somebody has signed out there. The token is the proof: only the service can sign it.
 * @see https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest
 */
export const endUpstreamSession = route({
	id: 'endUpstreamSession',
	method: 'POST',
	path: '/_broadsheet/client/v1/upstream/:providerId/logout',
	auth: 'none',
	bodyFormat: 'form',
	body: v.object({logout_token: v.string({max: 16_384})}),
	async handle({parameters, body}, {identityProviders}) {
		await identityProviders.logOut(parameters.providerId, body.logout_token);
		return json({}, {headers: {'cache-control': 'no-store'}});
	},
});
