import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Gives a room and its children to a server that may know of them.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export const getSpaceHierarchy = route({
	id: 'getSpaceHierarchy',
	method: 'GET',
	path: '/_matrix/federation/v1/hierarchy/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	query: v.object({suggested_only: v.optional(v.boolean())}),
	handle: ({caller, parameters, query}, {rooms}) =>
		rooms.getSpaceFor(caller.origin, parameters.roomId, query.suggested_only ?? false),
});
