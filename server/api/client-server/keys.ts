import {type DeviceId, isUserId, type UserId} from '../../../crypto/index.ts';
import type {ClaimsByUser, DevicesByUser} from '../../encryption/index.ts';
import {MatrixError, rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readPoint} from './timeline-query.ts';

/** The specification recommends ten seconds; who says nothing gets that. */
const timeoutMsDefault = 10_000;
const timeoutMsMax = 30_000;
/** Clients ask for 250 users at a time. */
const usersMax = 5000;
const devicesMax = 10_000;
/** A hundred one-time keys take about 25 KiB. */
const uploadBytesMax = 1024 * 1024;

/** Publishes keys of the calling device. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload */
export const uploadKeys = route({
	id: 'uploadKeys',
	method: 'POST',
	path: '/_matrix/client/v3/keys/upload',
	auth: 'guest',
	allowsQuarantined: true,
	rateLimit: 'keys',
	bodyBytesMax: uploadBytesMax,
	numbers: 'lossless',
	body: v.object({
		device_keys: v.optional(v.jsonObject()),
		one_time_keys: v.optional(v.jsonObject()),
		fallback_keys: v.optional(v.jsonObject()),
	}),
	async handle({caller, body}, {encryption}) {
		const counts = await encryption.uploadKeys(caller, {
			deviceKeys: body.device_keys,
			oneTimeKeys: body.one_time_keys,
			fallbackKeys: body.fallback_keys,
		});
		return {one_time_key_counts: counts.oneTimeKeys};
	},
});

/** Gives the keys of users. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery */
export const queryKeys = route({
	id: 'queryKeys',
	method: 'POST',
	path: '/_matrix/client/v3/keys/query',
	auth: 'guest',
	rateLimit: 'keys',
	bodyBytesMax: uploadBytesMax,
	body: v.object({
		timeout: v.optional(v.integer({min: 0})),
		device_keys: v.record(v.array(v.string()), {max: usersMax}),
	}),
	async handle({caller, body}, {encryption}) {
		// Rooms may hold names of old that are no user ids; a client that asks for them must get the others.
		const wanted: DevicesByUser = new Map(
			Object.entries(body.device_keys).filter((entry): entry is [UserId, DeviceId[]] => isUserId(entry[0])),
		);
		const keys = await encryption.queryKeys(caller, wanted, timeoutOf(body.timeout));
		return {
			device_keys: keys.deviceKeys,
			master_keys: keys.masterKeys,
			self_signing_keys: keys.selfSigningKeys,
			user_signing_keys: keys.userSigningKeys,
			failures: failuresBody(keys.unreachable),
		};
	},
});

/** Claims one-time keys. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim */
export const claimKeys = route({
	id: 'claimKeys',
	method: 'POST',
	path: '/_matrix/client/v3/keys/claim',
	auth: 'guest',
	rateLimit: 'keys',
	bodyBytesMax: uploadBytesMax,
	body: v.object({
		timeout: v.optional(v.integer({min: 0})),
		one_time_keys: v.record(v.record(v.string({max: 255})), {max: usersMax}),
	}),
	async handle({caller, body}, {encryption}) {
		const claims = toClaims(body.one_time_keys);
		const answer = await encryption.claimKeys(caller, claims, timeoutOf(body.timeout));
		const failures = JSON.stringify(failuresBody(answer.unreachable));
		return rawJson(`{"one_time_keys":${answer.oneTimeKeys.text},"failures":${failures}}`);
	},
});

/**
 * Lists whose keys changed since a token of `/sync`, up to now: later news than were asked for do no harm.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges
 */
export const getKeysChanges = route({
	id: 'getKeysChanges',
	method: 'GET',
	path: '/_matrix/client/v3/keys/changes',
	auth: 'user',
	rateLimit: 'keys',
	query: v.object({from: v.string(), to: v.string()}),
	async handle({caller, query}, {encryption}) {
		const from = readPoint('from', query.from);
		const to = readPoint('to', query.to);
		if (from === undefined || to === undefined) {
			throw new MatrixError('M_INVALID_PARAM', "Expected tokens as 'from' and 'to'");
		}
		return encryption.listDeviceListChangesSince(caller.userId, from.anchor);
	},
});

/** Reads whose one-time keys are wanted, at most as many as one request may take. */
function toClaims(byUser: Readonly<Record<string, Readonly<Record<string, string>>>>): ClaimsByUser {
	let count = 0;
	const claims = new Map<UserId, ReadonlyMap<DeviceId, string>>();
	for (const [userId, devices] of Object.entries(byUser)) {
		if (!isUserId(userId)) {
			continue;
		}
		const entries = Object.entries(devices) as [DeviceId, string][];
		count += entries.length;
		if (count > devicesMax) {
			throw new MatrixError('M_INVALID_PARAM', `Expected at most ${devicesMax} devices`);
		}
		claims.set(userId, new Map(entries));
	}
	return claims;
}

function timeoutOf(timeoutMs: number = timeoutMsDefault): number {
	return Math.min(timeoutMs, timeoutMsMax);
}

function failuresBody(servers: readonly string[]): object {
	return Object.fromEntries(
		servers.map((server) => [server, {errcode: 'M_UNKNOWN', error: 'The server cannot be reached'}]),
	);
}
