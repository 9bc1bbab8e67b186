import {isJsonObject, type JsonObject, type JsonValue, type ServerName, type UserId} from '../../crypto/index.ts';
import {type FederationClient, OutboundError, path} from '../../federation/outbound/index.ts';
import type {ClaimsByUser, DevicesByUser} from './dependencies.ts';

/** Another server could not be asked, or answered nothing that is of use. */
export class RemoteKeysError extends Error {
	override name = 'RemoteKeysError' as const;
}

/**
 * What other servers are asked about their people's keys. Answers are as they came: the form of what is in them is for
 * the caller to check.
 */
export interface RemoteKeys {
	/** `POST /user/keys/query`. @throws RemoteKeysError */
	query(server: ServerName, devices: DevicesByUser, timeoutMs: number): Promise<JsonObject>;
	/** `POST /user/keys/claim`. @throws RemoteKeysError */
	claim(server: ServerName, claims: ClaimsByUser, timeoutMs: number): Promise<JsonObject>;
	/** `GET /user/devices/{userId}`. @throws RemoteKeysError */
	listDevices(server: ServerName, userId: UserId, timeoutMs: number): Promise<JsonObject>;
}

/** The keys of a few hundred people with many devices each. */
const RESPONSE_BYTES_MAX = 16 << 20;

/** Asks other servers over federation. */
export function createRemoteKeys(client: Pick<FederationClient, 'request'>): RemoteKeys {
	async function ask(
		destination: ServerName,
		request: {readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: JsonObject},
		timeoutMs: number,
	): Promise<JsonObject> {
		try {
			const limits = {timeoutMs, responseBytesMax: RESPONSE_BYTES_MAX};
			const {body} = await client.request({destination, ...request, limits});
			if (isJsonObject(body)) return body;
		} catch (cause) {
			if (!(cause instanceof OutboundError)) throw cause;
			throw new RemoteKeysError('The server did not answer', {cause});
		}
		throw new RemoteKeysError('Expected a JSON object as the answer');
	}
	return {
		query: (server, devices, timeoutMs) => {
			const deviceKeys = toObject(devices, (ids) => [...ids]);
			return ask(
				server,
				{method: 'POST', path: '/_matrix/federation/v1/user/keys/query', body: {device_keys: deviceKeys}},
				timeoutMs,
			);
		},
		claim: (server, claims, timeoutMs) => {
			const keys = toObject(claims, (devices) => toObject(devices, (algorithm) => algorithm));
			return ask(
				server,
				{method: 'POST', path: '/_matrix/federation/v1/user/keys/claim', body: {one_time_keys: keys}},
				timeoutMs,
			);
		},
		listDevices: (server, userId, timeoutMs) =>
			ask(server, {method: 'GET', path: path`/_matrix/federation/v1/user/devices/${userId}`}, timeoutMs),
	};
}

/** Stands in where this server federates with nobody. */
export const noRemoteKeys: RemoteKeys = {
	query: () => Promise.reject(new RemoteKeysError('This server federates with nobody')),
	claim: () => Promise.reject(new RemoteKeysError('This server federates with nobody')),
	listDevices: () => Promise.reject(new RemoteKeysError('This server federates with nobody')),
};

function toObject<T>(map: ReadonlyMap<string, T>, write: (value: T) => JsonValue): JsonObject {
	return Object.fromEntries([...map].map(([key, value]) => [key, write(value)]));
}
