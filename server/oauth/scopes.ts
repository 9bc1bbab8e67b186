import {type DeviceId, isDeviceId} from '../../crypto/index.ts';

/** The stable name of the scopes' common part, and the one that clients used before it was specified. */
const PREFIXES = ['urn:matrix:client:', 'urn:matrix:org.matrix.msc2967.client:'] as const;

/** The scopes that open the whole client-server API. */
export const API_SCOPES: readonly string[] = PREFIXES.map((prefix) => `${prefix}api:*`);

const DEVICE_PREFIXES: readonly string[] = PREFIXES.map((prefix) => `${prefix}device:`);

/**
 * The parameter by which the library carries a scope whole: it drops those that are not in a list of its own, which no
 * device is in.
 */
export const WHOLE_SCOPE = 'whole_scope';

/** What a client asked for, as far as there is such a thing here. */
export interface GrantedScope {
	readonly deviceId: DeviceId;
	/** The scopes as the client spelled them; what means nothing here is left out. */
	readonly scope: string;
}

/**
 * Reads a scope: access to the API, and one device in either spelling or both.
 * @returns what is wrong with it, in words, where it is no such scope
 * @see https://spec.matrix.org/v1.19/client-server-api/#scope
 */
export function readScope(scope: string): GrantedScope | string {
	const tokens = [...new Set(scope.split(' '))].filter(isOurs);
	const deviceIds = new Set(tokens.map(deviceIdOf).filter((id) => id !== undefined));
	const [deviceId] = deviceIds;
	if (deviceId === undefined || deviceIds.size > 1) return 'expected exactly one urn:matrix:client:device:<device_id>';
	if (!tokens.some((token) => API_SCOPES.includes(token))) return 'expected urn:matrix:client:api:*';
	return isDeviceId(deviceId)
		? {deviceId, scope: tokens.join(' ')}
		: 'expected a device id of 1 to 255 bytes without control characters';
}

function isOurs(token: string): boolean {
	return API_SCOPES.includes(token) || deviceIdOf(token) !== undefined;
}

function deviceIdOf(token: string): string | undefined {
	const prefix = DEVICE_PREFIXES.find((start) => token.startsWith(start));
	return prefix === undefined ? undefined : token.slice(prefix.length);
}
