import {MatrixError} from '../../http/index.ts';
import {route} from '../route.ts';

/**
 * Tells other servers that know the server name where to reach it.
 * @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
 */
export const getWellKnown = route({
	id: 'getWellKnown',
	method: 'GET',
	path: '/.well-known/matrix/server',
	auth: 'none',
	handle(_request, {config}) {
		if (config.federationAddress === undefined) {
			throw new MatrixError('M_NOT_FOUND', 'The server is where its name says');
		}
		return {'m.server': config.federationAddress};
	},
});
