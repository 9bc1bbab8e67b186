import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** No token of this server is an application service's, so whoever calls is none. */
const notAnAppservice = () => new MatrixError('M_FORBIDDEN', 'Only application services may do this');

/**
 * Lets an application service find out whether it is reached.
 * @see https://spec.matrix.org/v1.19/application-service-api/#post_matrixclientv1appserviceappserviceidping
 */
export const pingAppservice = route({
	id: 'pingAppservice',
	method: 'POST',
	path: '/_matrix/client/v1/appservice/:appserviceId/ping',
	auth: 'user',
	body: v.jsonObject(),
	handle() {
		throw notAnAppservice();
	},
});

/**
 * Lets an application service show a room in the directory of its network.
 * @see https://spec.matrix.org/v1.19/application-service-api/#put_matrixclientv3directorylistappservicenetworkidroomid
 */
export const updateAppserviceRoomDirectoryVisibility = route({
	id: 'updateAppserviceRoomDirectoryVisibility',
	method: 'PUT',
	path: '/_matrix/client/v3/directory/list/appservice/:networkId/:roomId',
	auth: 'user',
	body: v.object({visibility: v.literal('public', 'private')}),
	handle() {
		throw notAnAppservice();
	},
});
