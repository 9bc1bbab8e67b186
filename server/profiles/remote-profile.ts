import {domainOf, type JsonObject, type JsonValue, LosslessNumber, type UserId} from '../../crypto/index.ts';
import {type FederationClient, OutboundError} from '../../federation/outbound/index.ts';
import {MEMBER_EVENT_FIELDS, type Profile} from './fields.ts';

/** People wait for this with a profile open before them. */
const TIMEOUT_MS = 10_000;
/** A profile has at most 64 KiB, and its JSON text may be written with escapes. */
const RESPONSE_BYTES_MAX = 256 * 1024;

/**
 * Asks the server of a user for the profile, or one field of it; `undefined` where it gives none, whatever the reason:
 * what another server says of errors is not for our people.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile
 */
export async function queryRemoteProfile(
	client: FederationClient,
	userId: UserId,
	key: string | undefined,
): Promise<Profile | undefined> {
	try {
		const {body} = await client.request({
			destination: domainOf(userId),
			method: 'GET',
			path: '/_matrix/federation/v1/query/profile',
			query: {user_id: userId, field: key},
			limits: {timeoutMs: TIMEOUT_MS, responseBytesMax: RESPONSE_BYTES_MAX},
		});
		return isObject(body) ? usableFields(body) : undefined;
	} catch (error) {
		if (error instanceof OutboundError) {
			return undefined;
		}
		throw error;
	}
}

/** Leaves out what clients could not read: a name that is no text, numbers that JavaScript has not. */
function usableFields(profile: JsonObject): Profile {
	const usable = Object.entries(profile).filter(
		([key, value]) => value !== null && (MEMBER_EVENT_FIELDS.has(key) ? typeof value === 'string' : isPlain(value)),
	);
	return Object.fromEntries(usable);
}

function isPlain(value: JsonValue): boolean {
	if (value instanceof LosslessNumber) {
		return false;
	}
	return typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
}

function isObject(value: JsonValue): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
