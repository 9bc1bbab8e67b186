import type {ServerName} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {directoryBody, directoryQuery, toDirectoryAnswer, toDirectoryQuery} from '../directory-page.ts';
import {route} from '../route.ts';

/** What is listed for everybody here is listed for partners, and for no other server (row 45 of the enumeration surface). */
function mustBeShown({visibility}: Services, origin: ServerName): void {
	if (!visibility.mayServerList(origin)) {
		throw new MatrixError('M_FORBIDDEN', 'This server lists its rooms for its partners only');
	}
}

/**
 * Lists the directory for another server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1publicrooms
 */
export const getPublicRooms = route({
	id: 'getPublicRooms',
	method: 'GET',
	path: '/_matrix/federation/v1/publicRooms',
	auth: 'server',
	rateLimit: 'federation',
	query: v.object(directoryQuery),
	async handle({caller, query}, services) {
		mustBeShown(services, caller.origin);
		return toDirectoryAnswer(await services.rooms.listPublished(query));
	},
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
	async handle({caller, body}, services) {
		mustBeShown(services, caller.origin);
		return toDirectoryAnswer(await services.rooms.listPublished(toDirectoryQuery(body)));
	},
});
