import {route} from '../route.ts';
import {entryServers, toServers} from './membership-fields.ts';

/**
 * Gives what a room is, to who may enter, ask or read; the same for other rooms and for none. Clients from before v1.15
 * ask under the names of the proposal.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias
 */
export const getRoomSummary = route({
	id: 'getRoomSummary',
	method: 'GET',
	path: '/_matrix/client/v1/room_summary/:roomIdOrAlias',
	alsoAt: [
		'/_matrix/client/unstable/im.nheko.summary/summary/:roomIdOrAlias',
		'/_matrix/client/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary',
	],
	auth: 'user',
	rateLimit: 'search',
	query: entryServers,
	handle: ({caller, parameters, query}, {rooms}) =>
		rooms.getSummary(caller, parameters.roomIdOrAlias, toServers(query)),
});
