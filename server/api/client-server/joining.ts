import {route} from '../route.ts';
import {entryBody, entryServers, toEntryContent, toServers} from './membership-fields.ts';

/**
 * Joins a room by its id.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin
 */
export const joinRoomById = route({
	id: 'joinRoomById',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/join',
	auth: 'guest',
	rateLimit: 'join',
	numbers: 'lossless',
	body: entryBody,
	async handle({caller, parameters, body}, {rooms}) {
		return {room_id: await rooms.join(caller, parameters.roomId, {said: toEntryContent(body)})};
	},
});

/**
 * Joins a room by its id or an alias, by the servers named where this one is not in it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias
 */
export const joinRoom = route({
	id: 'joinRoom',
	method: 'POST',
	path: '/_matrix/client/v3/join/:roomIdOrAlias',
	auth: 'user',
	rateLimit: 'join',
	query: entryServers,
	numbers: 'lossless',
	body: entryBody,
	async handle({caller, parameters, query, body}, {rooms}) {
		const entry = {via: toServers(query), said: toEntryContent(body)};
		return {room_id: await rooms.join(caller, parameters.roomIdOrAlias, entry)};
	},
});
