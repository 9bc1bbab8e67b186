import {v} from '../../validation/index.ts';
import {directoryBody, directoryQuery, toDirectoryAnswer, toDirectoryQuery} from '../directory-page.ts';
import {route} from '../route.ts';

/**
 * Lists the directory, which everybody may read, for another server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1publicrooms
 */
export const getPublicRooms = route({
	id: 'getPublicRooms',
	method: 'GET',
	path: '/_matrix/federation/v1/publicRooms',
	auth: 'server',
	rateLimit: 'federation',
	query: v.object(directoryQuery),
	handle: async ({query}, {rooms}) => toDirectoryAnswer(await rooms.listPublished(query)),
});

/**
 * Searches it for another server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms
 */
export const queryPublicRooms = route({
	id: 'queryPublicRooms',
	method: 'POST',
	path: '/_matrix/federation/v1/publicRooms',
	auth: 'server',
	rateLimit: 'federation',
	body: directoryBody,
	handle: async ({body}, {rooms}) => toDirectoryAnswer(await rooms.listPublished(toDirectoryQuery(body))),
});
