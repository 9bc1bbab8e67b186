import {MatrixError} from '../../http/index.ts';
import {route} from '../route.ts';

/** One answer for every network, name and address: no bridge is asked. */
const noBridge = () => new MatrixError('M_NOT_FOUND', 'This server has no bridge to another network');

/**
 * Lists the networks that bridges of this server reach: none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocols
 */
export const getProtocols = route({
	id: 'getProtocols',
	method: 'GET',
	path: '/_matrix/client/v3/thirdparty/protocols',
	auth: 'user',
	handle: () => ({}),
});

/** Declares a question about one network, or about a name that may be of one. */
function lookUp(id: string, path: string) {
	return route({
		id,
		method: 'GET',
		path,
		auth: 'user',
		rateLimit: 'search',
		handle() {
			throw noBridge();
		},
	});
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#third-party-lookups */
export const thirdPartyLookups = [
	lookUp('getProtocolMetadata', '/_matrix/client/v3/thirdparty/protocol/:protocol'),
	lookUp('queryLocationByProtocol', '/_matrix/client/v3/thirdparty/location/:protocol'),
	lookUp('queryUserByProtocol', '/_matrix/client/v3/thirdparty/user/:protocol'),
	lookUp('queryLocationByAlias', '/_matrix/client/v3/thirdparty/location'),
	lookUp('queryUserByID', '/_matrix/client/v3/thirdparty/user'),
] as const;
