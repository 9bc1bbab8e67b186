import {route} from '../route.ts';

/** Every version of the specification whose endpoints we serve as v1.19 has them; its changes kept to what older ones say. */
const versions = Array.from({length: 19}, (_, index) => `v1.${index + 1}`);

/** What of proposals is served under their own names. */
const unstableFeatures = {
	'uk.half-shot.msc2666.query_mutual_rooms': true,
	'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
};

const body = {versions, unstable_features: unstableFeatures};

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
