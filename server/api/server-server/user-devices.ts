import {route} from '../route.ts';

/**
 * Lists the devices of a user of this server, without their names, for a server that may know of the user.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid
 */
export const getUserDevices = route({
	id: 'getUserDevices',
	method: 'GET',
	path: '/_matrix/federation/v1/user/devices/:userId',
	auth: 'server',
	rateLimit: 'federation-keys',
	async handle({caller, parameters: {userId}}, {encryption}) {
		const {streamId, devices, masterKey, selfSigningKey} = await encryption.listDevicesForServer(caller.origin, userId);
		return {
			user_id: userId,
			stream_id: streamId,
			devices: devices.map(({deviceId, keys}) => ({device_id: deviceId, keys})),
			...(masterKey !== undefined && {master_key: masterKey}),
			...(selfSigningKey !== undefined && {self_signing_key: selfSigningKey}),
		};
	},
});
