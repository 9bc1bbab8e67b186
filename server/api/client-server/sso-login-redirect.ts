import {MatrixError} from '../../http/index.ts';
import {route} from '../route.ts';

const noProvider = () => new MatrixError('M_NOT_FOUND', 'Nobody signs in here by way of another service');

/**
 * Would send a browser to the service that signs people in; there is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirect
 */
export const redirectToSso = route({
	id: 'redirectToSSO',
	method: 'GET',
	path: '/_matrix/client/v3/login/sso/redirect',
	auth: 'none',
	handle() {
		throw noProvider();
	},
});

/**
 * The same for one of several services.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirectidpid
 */
export const redirectToIdp = route({
	id: 'redirectToIdP',
	method: 'GET',
	path: '/_matrix/client/v3/login/sso/redirect/:idpId',
	auth: 'none',
	handle() {
		throw noProvider();
	},
});
