import {route} from '../route.ts';
import {entryServers, ownMembership, toContent, toServers} from './membership-fields.ts';

/**
 * Asks to be let into a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias
 */
export const knockRoom = route({
	id: 'knockRoom',
	method: 'POST',
	path: '/_matrix/client/v3/knock/:roomIdOrAlias',
	auth: 'user',
	rateLimit: 'join',
	query: entryServers,
	body: ownMembership,
	async handle({caller, parameters, query, body}, {rooms}) {
		const entry = {via: toServers(query), said: toContent(body)};
		return {room_id: await rooms.knock(caller, parameters.roomIdOrAlias, entry)};
	},
});
