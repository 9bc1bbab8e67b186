import {domainOf, type JsonObject, type JsonValue, type ServerName, type UserId} from '../../crypto/index.ts';
import {type FederationClient, path} from './client.ts';
import {OutboundError, RemoteError} from './errors.ts';
import {asObject} from './key-document.ts';

/** The devices of a user of another server, as that server lists them. */
export interface RemoteDevices {
	readonly userId: UserId;
	readonly streamId: number;
	/** Objects with `device_id` and `keys`; what is in them is not checked. */
	readonly devices: readonly JsonObject[];
	readonly masterKey: JsonObject | undefined;
	readonly selfSigningKey: JsonObject | undefined;
}

/** Keys of users of one server, by user and then by device, or of users alone; only of those that were asked for. */
export interface RemoteKeys {
	readonly deviceKeys: Readonly<Record<UserId, JsonObject>>;
	readonly masterKeys: Readonly<Record<UserId, JsonObject>>;
	readonly selfSigningKeys: Readonly<Record<UserId, JsonObject>>;
}

/** Questions about people of other servers. All throw OutboundError; what is inside of keys is for the caller to check. */
export interface RemoteQueries {
	/** Gives a profile, or one field of it as an object; `undefined` where the server gives none. */
	findProfile(userId: UserId, field?: string): Promise<JsonObject | undefined>;
	/** Gives the device keys and cross-signing keys of users of one server; an empty list of devices means all. */
	queryKeys(
		server: ServerName,
		users: Readonly<Record<UserId, readonly string[]>>,
		timeoutMs: number,
	): Promise<RemoteKeys>;
	/** Takes one-time keys: for each user and device the algorithm wanted; gives key objects by user and device. */
	claimKeys(
		server: ServerName,
		users: Readonly<Record<UserId, Readonly<Record<string, string>>>>,
		timeoutMs: number,
	): Promise<Readonly<Record<UserId, JsonObject>>>;
	/** Gives the whole device list of a user; `undefined` where the server gives none. */
	findDevices(userId: UserId): Promise<RemoteDevices | undefined>;
}

const PROFILE_LIMITS = {timeoutMs: 10_000, responseBytesMax: 131_072} as const;
/** Some kilobytes for each device. */
const KEYS_BYTES_MAX = 10 << 20;
/** More devices than anybody has (threats D5). */
const DEVICES_MAX = 1000;

/** Makes the questions about people. */
export function createRemoteQueries(client: Pick<FederationClient, 'request'>): RemoteQueries {
	return {
		async findProfile(userId, field) {
			return unlessRefused(async () => {
				const {body} = await client.request({
					destination: domainOf(userId),
					method: 'GET',
					path: '/_matrix/federation/v1/query/profile',
					query: {user_id: userId, field},
					limits: PROFILE_LIMITS,
				});
				return getObject(body);
			});
		},
		async queryKeys(destination, users, timeoutMs) {
			const {body} = await client.request({
				destination,
				method: 'POST',
				path: '/_matrix/federation/v1/user/keys/query',
				body: {device_keys: copyLists(users)},
				limits: {timeoutMs, responseBytesMax: KEYS_BYTES_MAX},
			});
			const answer = getObject(body);
			return {
				deviceKeys: pick(answer['device_keys'], users),
				masterKeys: pick(answer['master_keys'], users),
				selfSigningKeys: pick(answer['self_signing_keys'], users),
			};
		},
		async claimKeys(destination, users, timeoutMs) {
			const {body} = await client.request({
				destination,
				method: 'POST',
				path: '/_matrix/federation/v1/user/keys/claim',
				body: {one_time_keys: Object.fromEntries(Object.entries(users).map(([user, devices]) => [user, {...devices}]))},
				limits: {timeoutMs, responseBytesMax: KEYS_BYTES_MAX},
			});
			return pick(getObject(body)['one_time_keys'], users);
		},
		async findDevices(userId) {
			return unlessRefused(async () => {
				const {body} = await client.request({
					destination: domainOf(userId),
					method: 'GET',
					path: path`/_matrix/federation/v1/user/devices/${userId}`,
					limits: {responseBytesMax: KEYS_BYTES_MAX},
				});
				const {user_id: named, stream_id: streamId, devices, ...keys} = getObject(body);
				if (named !== userId || typeof streamId !== 'number' || !Array.isArray(devices)) {
					throw new OutboundError('bad_response', 'Expected the devices of the user who was asked for');
				}
				return {
					userId,
					streamId,
					devices: devices
						.slice(0, DEVICES_MAX)
						.map(asObject)
						.filter((device) => device !== undefined),
					masterKey: asObject(keys['master_key']),
					selfSigningKey: asObject(keys['self_signing_key']),
				};
			});
		},
	};
}

/** A server that does not tell, and one that does not know, are the same to us. */
async function unlessRefused<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
	try {
		return await ask();
	} catch (error) {
		if (error instanceof RemoteError && (error.status === 403 || error.status === 404)) return undefined;
		throw error;
	}
}

function getObject(value: JsonValue): JsonObject {
	const object = asObject(value);
	if (object === undefined) throw new OutboundError('bad_response', 'Expected an object');
	return object;
}

function copyLists(users: Readonly<Record<UserId, readonly string[]>>): JsonObject {
	return Object.fromEntries(Object.entries(users).map(([user, devices]) => [user, [...devices]]));
}

/** Keeps of an answer by users only what is about the users that were asked for. */
function pick(value: JsonValue | undefined, users: Readonly<Record<UserId, unknown>>): Record<UserId, JsonObject> {
	const picked = Object.create(null) as Record<UserId, JsonObject>;
	for (const [user, entry] of Object.entries(asObject(value) ?? {})) {
		const object = asObject(entry);
		if (Object.hasOwn(users, user) && object !== undefined) picked[user as UserId] = object;
	}
	return picked;
}
