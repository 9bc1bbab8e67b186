import {MatrixError, redirect} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {toClientPath} from '../../../web/index.ts';
import {route} from '../route.ts';

/**
 * Sends a browser to this server's own pages, where its person signs in and then lets the client in that sent them. The
 * address to come back to is looked at there.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirect
 */
export const redirectToSso = route({
	id: 'redirectToSSO',
	method: 'GET',
	path: '/_matrix/client/v3/login/sso/redirect',
	auth: 'none',
	query: v.object({redirectUrl: v.string({max: 2048})}),
	handle: ({query}) => redirect(`${toClientPath}?redirectUrl=${encodeURIComponent(query.redirectUrl)}`),
});

/**
 * Would send a browser to the service that signs people in; there is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirectidpid
 */
export const redirectToIdp = route({
	id: 'redirectToIdP',
	method: 'GET',
	path: '/_matrix/client/v3/login/sso/redirect/:idpId',
	auth: 'none',
	handle() {
		throw new MatrixError('M_NOT_FOUND', 'Nobody signs in here by way of another service');
	},
});
