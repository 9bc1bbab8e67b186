import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Walks a tree of spaces, page by page.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy
 */
export const getSpaceHierarchy = route({
	id: 'getSpaceHierarchy',
	method: 'GET',
	path: '/_matrix/client/v1/rooms/:roomId/hierarchy',
	auth: 'user',
	rateLimit: 'search',
	query: v.object({
		suggested_only: v.optional(v.boolean()),
		limit: v.optional(v.integer({min: 1})),
		max_depth: v.optional(v.integer({min: 0})),
		from: v.optional(v.string()),
	}),
	async handle({caller, parameters, query}, {rooms}) {
		const page = await rooms.listHierarchy(caller, parameters.roomId, {
			suggestedOnly: query.suggested_only ?? false,
			limit: query.limit,
			maxDepth: query.max_depth,
			from: query.from,
		});
		return {rooms: page.rooms, ...(page.next !== undefined && {next_batch: page.next})};
	},
});
