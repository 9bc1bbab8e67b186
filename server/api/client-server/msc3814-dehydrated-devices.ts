import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {deviceNameCharactersMax} from './device-fields.ts';

const bodyBytesMax = 1024 * 1024;
const eventsDefault = 100;
const eventsMax = 500;

/**
 * Stores the caller's dehydrated device in place of the one before.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export const putDehydratedDevice = route({
	id: 'putDehydratedDevice',
	method: 'PUT',
	path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device',
	auth: 'user',
	rateLimit: 'keys',
	bodyBytesMax,
	numbers: 'lossless',
	body: v.object({
		device_id: v.string(),
		device_data: v.jsonObject(),
		initial_device_display_name: v.optional(v.nullable(v.string({max: deviceNameCharactersMax}))),
		device_keys: v.jsonObject(),
		one_time_keys: v.optional(v.jsonObject()),
		fallback_keys: v.optional(v.jsonObject()),
	}),
	async handle({caller, body}, {encryption: {dehydrated}}) {
		await dehydrated.put(caller.userId, {
			deviceId: body.device_id,
			displayName: body.initial_device_display_name ?? undefined,
			data: body.device_data,
			keys: {deviceKeys: body.device_keys, oneTimeKeys: body.one_time_keys, fallbackKeys: body.fallback_keys},
		});
		return {device_id: body.device_id};
	},
});

/**
 * Gives the caller's dehydrated device.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export const getDehydratedDevice = route({
	id: 'getDehydratedDevice',
	method: 'GET',
	path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device',
	auth: 'user',
	rateLimit: 'keys',
	async handle({caller}, {encryption: {dehydrated}}) {
		const {deviceId, data} = await dehydrated.get(caller.userId);
		return {device_id: deviceId, device_data: data};
	},
});

/**
 * Removes the caller's dehydrated device, with its keys and messages.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export const deleteDehydratedDevice = route({
	id: 'deleteDehydratedDevice',
	method: 'DELETE',
	path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device',
	auth: 'user',
	rateLimit: 'keys',
	handle: async ({caller}, {encryption: {dehydrated}}) => ({device_id: await dehydrated.remove(caller.userId)}),
});

const limit = v.optional(v.integer({min: 1}));

/**
 * Lists messages to the caller's dehydrated device.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export const getDehydratedEvents = route({
	id: 'getDehydratedEvents',
	method: 'GET',
	path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events',
	auth: 'user',
	rateLimit: 'keys',
	query: v.object({from: v.optional(v.string()), limit}),
	async handle({caller, parameters, query}, {encryption: {dehydrated}}) {
		const page = {from: query.from, limit: Math.min(query.limit ?? eventsDefault, eventsMax)};
		const {events, next, hasMore} = await dehydrated.listEvents(caller.userId, parameters.deviceId, page);
		return {events, ...(hasMore && {next_batch: next})};
	},
});

/**
 * Lists messages to the caller's dehydrated device as an earlier form of the proposal has it: matrix-js-sdk 36.2 asks so
 * until an answer is empty, and goes on from the token in each.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814
 */
export const postDehydratedEvents = route({
	id: 'postDehydratedEvents',
	method: 'POST',
	path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events',
	auth: 'user',
	rateLimit: 'keys',
	query: v.object({limit}),
	body: v.object({next_batch: v.optional(v.nullable(v.string()))}),
	async handle({caller, parameters, query, body}, {encryption: {dehydrated}}) {
		const page = {from: body.next_batch ?? undefined, limit: Math.min(query.limit ?? eventsDefault, eventsMax)};
		const {events, next} = await dehydrated.listEvents(caller.userId, parameters.deviceId, page);
		return {events, next_batch: next};
	},
});
