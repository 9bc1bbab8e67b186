import type {DeviceId} from '../../../crypto/index.ts';
import type {Device} from '../../devices/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {deviceNameCharactersMax} from './device-fields.ts';
import {authField, requirePassword} from './interactive-auth.ts';

/** Devices in one request to delete them; a person has fewer. */
const devicesMax = 1_000;

/** The day alone is kept, so the day's first moment is shown; addresses are kept only where the settings say so. */
function deviceBody({deviceId, displayName, lastSeenDay, address}: Device): object {
	return {
		device_id: deviceId,
		...(displayName === null ? {} : {display_name: displayName}),
		...(address === undefined ? {} : {last_seen_ip: address}),
		...(lastSeenDay === null ? {} : {last_seen_ts: lastSeenDay * 86_400_000}),
	};
}

/**
 * Lists the caller's devices.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices
 */
export const getDevices = route({
	id: 'getDevices',
	method: 'GET',
	path: '/_matrix/client/v3/devices',
	auth: 'guest',
	handle: async ({caller}, {devices}) => ({devices: (await devices.list(caller.userId)).map(deviceBody)}),
});

/**
 * Gives one device of the caller.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid
 */
export const getDevice = route({
	id: 'getDevice',
	method: 'GET',
	path: '/_matrix/client/v3/devices/:deviceId',
	auth: 'guest',
	handle: async ({caller, parameters}, {devices}) => deviceBody(await devices.get(caller.userId, parameters.deviceId)),
});

/**
 * Names a device of the caller.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid
 */
export const updateDevice = route({
	id: 'updateDevice',
	method: 'PUT',
	path: '/_matrix/client/v3/devices/:deviceId',
	auth: 'guest',
	body: v.object({display_name: v.optional(v.string({max: deviceNameCharactersMax}))}),
	async handle({caller, parameters, body}, {devices}) {
		if (body.display_name === undefined) {
			await devices.get(caller.userId, parameters.deviceId);
		} else {
			await devices.rename(caller.userId, parameters.deviceId, body.display_name);
		}
		return {};
	},
});

/**
 * Removes a device of the caller, with its tokens, keys and waiting messages.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3devicesdeviceid
 */
export const deleteDevice = route({
	id: 'deleteDevice',
	method: 'DELETE',
	path: '/_matrix/client/v3/devices/:deviceId',
	auth: 'user',
	body: v.object({auth: authField}),
	async handle(request, services) {
		const {deviceId} = request.parameters;
		await requirePassword(request, services, {purpose: 'deleteDevice', target: deviceId});
		await services.devices.signOut(request.caller.userId, [deviceId]);
		return {};
	},
});

/**
 * Removes several devices of the caller.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3delete_devices
 */
export const deleteDevices = route({
	id: 'deleteDevices',
	method: 'POST',
	path: '/_matrix/client/v3/delete_devices',
	auth: 'user',
	body: v.object({devices: v.array(v.string(), {max: devicesMax}), auth: authField}),
	async handle(request, services) {
		const deviceIds = request.body.devices as readonly DeviceId[];
		await requirePassword(request, services, {
			purpose: 'deleteDevices',
			target: JSON.stringify(deviceIds.toSorted()),
		});
		await services.devices.signOut(request.caller.userId, deviceIds);
		return {};
	},
});
