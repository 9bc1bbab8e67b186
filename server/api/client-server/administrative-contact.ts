import {route} from '../route.ts';

/**
 * Lists the third-party identifiers of the caller's account: none, as this server keeps none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid
 */
export const getAccount3pids = route({
	id: 'getAccount3PIDs',
	method: 'GET',
	path: '/_matrix/client/v3/account/3pid',
	auth: 'user',
	handle: () => ({threepids: []}),
});
