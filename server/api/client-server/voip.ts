import {route} from '../route.ts';

/**
 * Gives credentials for the relay of calls; nothing where there is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver
 */
export const getTurnServer = route({
	id: 'getTurnServer',
	method: 'GET',
	path: '/_matrix/client/v3/voip/turnServer',
	auth: 'user',
	rateLimit: 'keys',
	handle(_request, {calls}) {
		const credentials = calls.findTurnCredentials();
		if (credentials === undefined) return {};
		const {username, password, uris, expiresInMs} = credentials;
		return {username, password, uris, ttl: Math.floor(expiresInMs / 1000)};
	},
});
