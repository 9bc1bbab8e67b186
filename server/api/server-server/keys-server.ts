import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Gives this server's signing keys. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server */
export const getServerKey = route({
	id: 'getServerKey',
	method: 'GET',
	path: '/_matrix/key/v2/server',
	alsoAt: ['/_matrix/key/v2/server/', '/_matrix/key/v2/server/:keyId'],
	auth: 'none',
	rateLimit: 'federation-unsigned',
	handle: (_request, {federation}) => federation.keys.document(),
});

/**
 * Gives this server's own keys as a notary would, and nobody else's: whom this server knows is not for strangers.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2queryservername
 */
export const perspectivesKeyQuery = route({
	id: 'perspectivesKeyQuery',
	method: 'GET',
	path: '/_matrix/key/v2/query/:serverName',
	alsoAt: ['/_matrix/key/v2/query/:serverName/:keyId'],
	auth: 'none',
	rateLimit: 'federation-unsigned',
	handle: ({parameters}, {federation}) => federation.keys.answerQuery(parameters.serverName),
});

/** The same for several servers at once. @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixkeyv2query */
export const bulkPerspectivesKeyQuery = route({
	id: 'bulkPerspectivesKeyQuery',
	method: 'POST',
	path: '/_matrix/key/v2/query',
	auth: 'none',
	rateLimit: 'federation-unsigned',
	body: v.object({server_keys: v.record(v.jsonObject())}),
	handle: ({body}, {federation}) => federation.keys.answerQueries({server_keys: {...body.server_keys}}),
});

/** Says what software this is, without its version: strangers need not know which faults it has. */
export const getVersion = route({
	id: 'getVersion',
	method: 'GET',
	path: '/_matrix/federation/v1/version',
	auth: 'none',
	rateLimit: 'federation-unsigned',
	handle: () => ({server: {name: 'Broadsheet'}}),
});
