import {MatrixError} from '../../http/index.ts';
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
	handle: (_request, {config, oauth, calls: {transports}}) => ({
		'm.homeserver': {base_url: config.publicUrl},
		// FluffyChat finds the page of the account here alone, though it asks the endpoint for all else about OAuth.
		...(oauth.isEnabled && {'org.matrix.msc2965.authentication': oauth.discovery()}),
		// Where clients looked for the ways into calls before there was an endpoint, and some still do.
		...(transports.length > 0 && {'org.matrix.msc4143.rtc_foci': transports}),
	}),
});

/**
 * Would give the key of the policy server behind this name; there is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixpolicy_server
 */
export const getWellknownPolicy = route({
	id: 'getWellknownPolicy',
	method: 'GET',
	path: '/.well-known/matrix/policy_server',
	auth: 'none',
	handle() {
		throw new MatrixError('M_NOT_FOUND', 'This is no policy server');
	},
});
