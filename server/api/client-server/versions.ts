import {route} from '../route.ts';

/** Every version of the specification whose endpoints we serve as v1.19 has them; its changes kept to what older ones say. */
const versions = Array.from({length: 19}, (_, index) => `v1.${index + 1}`);

/** What clients look for under the names of proposals, though the specification has it, and proposals that it has not. */
const unstableFeatures: Readonly<Record<string, true>> = {
	// Uploads in two steps.
	'fi.mau.msc2246.stable': true,
	'org.matrix.msc2285.stable': true,
	'org.matrix.msc3030': true,
	'org.matrix.msc3440.stable': true,
	'org.matrix.msc3715.stable': true,
	'org.matrix.msc3771': true,
	'org.matrix.msc3773': true,
	'org.matrix.msc3856.stable': true,
	// Pushers that are off.
	'org.matrix.msc3881': true,
	// Media for those who are signed in.
	'org.matrix.msc3916.stable': true,
	// Redaction of related events.
	'org.matrix.msc3912': true,
	'org.matrix.msc3981': true,
	// Delayed events, for calls.
	'org.matrix.msc4140': true,
	// The ways into calls of several people.
	'org.matrix.msc4143': true,
	'org.matrix.msc4380.stable': true,
	// Sliding sync, proposal 4186.
	'org.matrix.simplified_msc3575': true,
	'uk.half-shot.msc2666.query_mutual_rooms': true,
	'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
	// Further fields of profiles.
	'uk.tcpip.msc4133.stable': true,
	// Locking and suspending.
	'uk.timedout.msc4323.stable': true,
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
