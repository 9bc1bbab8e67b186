import {MatrixError} from '../../http/index.ts';
import {route} from '../route.ts';

/**
 * Tells whom to turn to about this server, if its operator wants it known.
 * @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport
 */
export const getWellknownSupport = route({
	id: 'getWellknownSupport',
	method: 'GET',
	path: '/.well-known/matrix/support',
	auth: 'none',
	handle(_request, {config}) {
		if (config.support === undefined) {
			throw new MatrixError('M_NOT_FOUND', 'This server names no contact');
		}
		return config.support;
	},
});
