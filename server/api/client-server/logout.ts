import {route} from '../route.ts';

/**
 * Ends the session of the token, and removes its device.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout
 */
export const logout = route({
	id: 'logout',
	method: 'POST',
	path: '/_matrix/client/v3/logout',
	auth: 'user',
	allowsQuarantined: true,
	allowsLocked: true,
	async handle({caller}, {devices}) {
		await devices.signOut(caller.userId, [caller.deviceId]);
		return {};
	},
});

/**
 * Ends all sessions of the token's user, in browsers too, and removes their devices.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall
 */
export const logoutAll = route({
	id: 'logout_all',
	method: 'POST',
	path: '/_matrix/client/v3/logout/all',
	auth: 'user',
	allowsLocked: true,
	async handle({caller}, {devices}) {
		await devices.endAll(caller.userId);
		return {};
	},
});
