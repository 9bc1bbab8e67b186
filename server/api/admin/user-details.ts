import {isJsonObject, type JsonObject, type UserId} from '../../../crypto/index.ts';
import type {Device} from '../../devices/index.ts';
import {v} from '../../validation/index.ts';
import {deviceNameCharactersMax, whoIs} from '../client-server/index.ts';
import {route} from '../route.ts';

const DAY_MS = 86_400_000;
/** Devices that are removed at once: more than anybody has. */
const DEVICES_MAX = 1000;

/** A device as Synapse shows it. Of where it was only what is kept is told, and never what program it is. */
function toDevice(userId: UserId, {deviceId, displayName, lastSeenDay, address}: Device, waits = false) {
	return {
		device_id: deviceId,
		display_name: displayName,
		last_seen_ip: address ?? null,
		last_seen_user_agent: null,
		last_seen_ts: lastSeenDay === null ? null : lastSeenDay * DAY_MS,
		user_id: userId,
		...(waits && {'org.broadsheet.waits_for_approval': true}),
	};
}

const devicesPath = '/_synapse/admin/v2/users/:userId/devices';

/** Lists somebody's sessions, and says which of them wait for approval. */
export const listUserDevices = route({
	id: 'adminListUserDevices',
	method: 'GET',
	path: devicesPath,
	auth: 'admin',
	async handle({parameters: {userId}}, {administration, quarantine}) {
		const devices = await administration.people.listDevices(userId);
		const waiting = new Set((await quarantine.list(userId)).map(({deviceId}) => deviceId));
		const shown = devices.map((device) => toDevice(userId, device, waiting.has(device.deviceId)));
		return {devices: shown, total: devices.length};
	},
});

/** Gives one session. */
export const getUserDevice = route({
	id: 'adminGetUserDevice',
	method: 'GET',
	path: `${devicesPath}/:deviceId`,
	auth: 'admin',
	handle: async ({parameters: {userId, deviceId}}, {administration}) =>
		toDevice(userId, await administration.people.getDevice(userId, deviceId)),
});

/** Gives a session another name. */
export const putUserDevice = route({
	id: 'adminPutUserDevice',
	method: 'PUT',
	path: `${devicesPath}/:deviceId`,
	auth: 'admin',
	body: v.object({display_name: v.optional(v.string({max: deviceNameCharactersMax}))}),
	async handle({caller, parameters: {userId, deviceId}, body}, {administration: {people}}) {
		if (body.display_name === undefined) await people.getDevice(userId, deviceId);
		else await people.renameDevice(caller.userId, userId, deviceId, body.display_name);
		return {};
	},
});

/** Ends a session. */
export const deleteUserDevice = route({
	id: 'adminDeleteUserDevice',
	method: 'DELETE',
	path: `${devicesPath}/:deviceId`,
	auth: 'admin',
	async handle({caller, parameters: {userId, deviceId}}, {administration}) {
		await administration.people.removeDevices(caller.userId, userId, [deviceId]);
		return {};
	},
});

/** Ends several sessions. */
export const deleteUserDevices = route({
	id: 'adminDeleteUserDevices',
	method: 'POST',
	path: '/_synapse/admin/v2/users/:userId/delete_devices',
	auth: 'admin',
	body: v.object({devices: v.array(v.deviceId(), {max: DEVICES_MAX})}),
	async handle({caller, parameters: {userId}, body}, {administration}) {
		await administration.people.removeDevices(caller.userId, userId, body.devices);
		return {};
	},
});

/** Lists the rooms that somebody is in. */
export const listUserRooms = route({
	id: 'adminListUserRooms',
	method: 'GET',
	path: '/_synapse/admin/v1/users/:userId/joined_rooms',
	auth: 'admin',
	async handle({parameters: {userId}}, {rooms}) {
		const joined = await rooms.listJoined(userId);
		return {joined_rooms: joined, total: joined.length};
	},
});

/** Tells what somebody is to every room that is known here. */
export const listUserMemberships = route({
	id: 'adminListUserMemberships',
	method: 'GET',
	path: '/_synapse/admin/v1/users/:userId/memberships',
	auth: 'admin',
	async handle({parameters: {userId}}, {administration}) {
		const memberships = await administration.people.listMemberships(userId);
		return {memberships: Object.fromEntries(memberships), total: memberships.size};
	},
});

/** Lists where somebody is notified. */
export const listUserPushers = route({
	id: 'adminListUserPushers',
	method: 'GET',
	path: '/_synapse/admin/v1/users/:userId/pushers',
	auth: 'admin',
	async handle({parameters: {userId}}, {administration, pushers}) {
		await administration.people.get(userId);
		const set = await pushers.list(userId);
		return {
			pushers: set.map((pusher) => ({
				app_display_name: pusher.appDisplayName,
				app_id: pusher.appId,
				data: dataOf(pusher.data),
				device_display_name: pusher.deviceDisplayName,
				kind: pusher.kind,
				lang: pusher.lang,
				profile_tag: pusher.profileTag ?? '',
				pushkey: pusher.pushkey,
			})),
			total: set.length,
		};
	},
});

/** Of what goes to the gateway only what says where it is: the rest are keys. */
function dataOf(data: JsonObject): JsonObject {
	const {url, format} = isJsonObject(data) ? data : {};
	return {...(url !== undefined && {url}), ...(format !== undefined && {format})};
}

/** Lists somebody's sessions, as the specification's own endpoint does. */
export const adminWhoIs = route({
	id: 'adminWhoIs',
	method: 'GET',
	path: '/_synapse/admin/v1/whois/:userId',
	auth: 'admin',
	handle: ({parameters}, services) => whoIs(services, parameters.userId),
});
