import {route} from '../route.ts';

/**
 * Tells clients that know the server name where the server is.
 * @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient
 */
export const getWellknown = route({
	id: 'getWellknown',
	method: 'GET',
	path: '/.well-known/matrix/client',
	auth: 'none',
	handle: (_request, {config}) => ({'m.homeserver': {base_url: config.publicUrl}}),
});
