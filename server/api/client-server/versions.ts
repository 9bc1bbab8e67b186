import {route} from '../route.ts';

/** Every version of the specification whose endpoints we serve as v1.19 has them; its changes kept to what older ones say. */
const versions = Array.from({length: 19}, (_, index) => `v1.${index + 1}`);

const body = {versions, unstable_features: {}};

/**
 * Gives the versions of the specification that the server speaks.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions
 */
export const getVersions = route({
	id: 'getVersions',
	method: 'GET',
	path: '/_matrix/client/versions',
	auth: 'none',
	handle: () => body,
});
