import {route} from '../route.ts';

/**
 * Says whose token this is.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami
 */
export const getTokenOwner = route({
	id: 'getTokenOwner',
	method: 'GET',
	path: '/_matrix/client/v3/account/whoami',
	auth: 'guest',
	allowsQuarantined: true,
	handle: ({caller}) => ({
		user_id: caller.userId,
		device_id: caller.deviceId,
		is_guest: caller.isGuest,
	}),
});
