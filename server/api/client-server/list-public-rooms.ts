import type {ServerName} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {DirectoryPage, DirectoryQuery} from '../../rooms/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const directoryPath = '/_matrix/client/v3/publicRooms';
const limit = v.optional(v.integer({min: 0}));
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
 * Lists the directory.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms
 */
export const getPublicRooms = route({
	id: 'getPublicRooms',
	method: 'GET',
	path: directoryPath,
	auth: 'none',
	rateLimit: 'search',
	query: v.object({limit, since: v.optional(v.string()), server}),
	handle: ({query}, services) => answer(services, query.server, query),
});

/**
 * Searches the directory. There are no other networks to include.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3publicrooms
 */
export const queryPublicRooms = route({
	id: 'queryPublicRooms',
	method: 'POST',
	path: directoryPath,
	auth: 'user',
	rateLimit: 'search',
	query: v.object({server}),
	body: v.object({
		limit,
		since: v.optional(v.string()),
		filter: v.optional(
			v.object({
				generic_search_term: v.optional(v.nullable(v.string({max: 1_000}))),
				room_types: v.optional(v.nullable(v.array(v.nullable(v.string()), {max: 100}))),
			}),
		),
		include_all_networks: v.optional(v.boolean()),
		third_party_instance_id: v.optional(v.nullable(v.string())),
	}),
	handle: ({query, body}, services) =>
		answer(services, query.server, {
			limit: body.limit,
			since: body.since,
			searchTerm: body.filter?.generic_search_term ?? undefined,
			roomTypes: body.filter?.room_types ?? undefined,
		}),
});

async function answer(
	{rooms, config}: Services,
	wantedServer: ServerName | undefined,
	query: DirectoryQuery,
): Promise<object> {
	if (wantedServer !== undefined && wantedServer !== config.serverName) {
		throw new MatrixError('M_FORBIDDEN', 'The directories of other servers are not shown here');
	}
	const {rooms: chunk, next}: DirectoryPage = await rooms.listPublished(query);
	return {chunk, ...(next === undefined ? {} : {next_batch: next})};
}
