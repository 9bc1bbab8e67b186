import type {ServerName} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {DirectoryQuery} from '../../rooms/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {directoryBody, directoryQuery, toDirectoryAnswer, toDirectoryQuery} from '../directory-page.ts';
import {route} from '../route.ts';

const directoryPath = '/_matrix/client/v3/publicRooms';
const server = v.optional(v.serverName());

/**
 * Tells whether the directory shows a room. A room that is not known is not shown, as one that is.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directorylistroomroomid
 */
export const getRoomVisibilityOnDirectory = route({
	id: 'getRoomVisibilityOnDirectory',
	method: 'GET',
	path: '/_matrix/client/v3/directory/list/room/:roomId',
	auth: 'none',
	rateLimit: 'search',
	handle: async ({parameters}, {rooms}) => ({
		visibility: (await rooms.isPublished(parameters.roomId)) ? 'public' : 'private',
	}),
});

/**
 * Puts a room into the directory, or takes it out.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid
 */
export const setRoomVisibilityOnDirectory = route({
	id: 'setRoomVisibilityOnDirectory',
	method: 'PUT',
	path: '/_matrix/client/v3/directory/list/room/:roomId',
	auth: 'user',
	rateLimit: 'search',
	body: v.object({visibility: v.optional(v.literal('public', 'private'))}),
	async handle({caller, parameters, body}, {rooms}) {
		await rooms.setPublished(caller, parameters.roomId, body.visibility !== 'private');
		return {};
	},
});

/**
 * Lists the directory, of this server or, for people of this server, of another.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms
 */
export const getPublicRooms = route({
	id: 'getPublicRooms',
	method: 'GET',
	path: directoryPath,
	auth: 'optional',
	rateLimit: 'search',
	query: v.object({...directoryQuery, server}),
	handle: ({caller, query}, services) => answer(services, caller !== undefined, query.server, query),
});

/**
 * Searches the directory.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3publicrooms
 */
export const queryPublicRooms = route({
	id: 'queryPublicRooms',
	method: 'POST',
	path: directoryPath,
	auth: 'user',
	rateLimit: 'search',
	query: v.object({server}),
	body: directoryBody,
	handle: ({query, body}, services) => answer(services, true, query.server, toDirectoryQuery(body)),
});

async function answer(
	{rooms, config}: Services,
	isKnown: boolean,
	wanted: ServerName | undefined,
	query: DirectoryQuery,
): Promise<object> {
	if (wanted === undefined || wanted === config.serverName) return toDirectoryAnswer(await rooms.listPublished(query));
	// Nobody without an account makes this server ask others.
	if (!isKnown)
		throw new MatrixError('M_FORBIDDEN', 'The directories of other servers are shown to people of this one');
	return toDirectoryAnswer(await rooms.listPublishedBy(wanted, query));
}
