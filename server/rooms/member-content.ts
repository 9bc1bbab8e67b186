import {domainOf, type JsonObject, type JsonValue, type RoomId, type UserId} from '../../crypto/index.ts';
import type {Membership} from '../../federation/rooms/index.ts';
import type {Actor, RoomsContext} from './context.ts';

/** The fields of a profile that member events repeat. */
const PROFILE_FIELDS = ['displayname', 'avatar_url'] as const;

/** Keys of a member event that this server alone decides on, whatever a client sends. */
const RESERVED_KEYS = new Set(['membership', 'join_authorised_via_users_server', 'third_party_invite']);

/** Gives the part of a profile that goes into member events. */
export function profileContent(profile: Readonly<Record<string, JsonValue>>): JsonObject {
	const content: JsonObject = {};
	for (const field of PROFILE_FIELDS) {
		const value = Object.hasOwn(profile, field) ? profile[field] : undefined;
		if (typeof value === 'string') content[field] = value;
	}
	return content;
}

/** Gives the content of somebody's own member event: their profile, with what they say about this room above it. */
export async function ownContent(
	{storage}: RoomsContext,
	userId: UserId,
	membership: Membership,
	said: JsonObject = {},
): Promise<JsonObject> {
	return {...profileContent(await storage.profiles.find(userId)), ...withoutReserved(said), membership};
}

/**
 * Gives the content of an invite. The profile of the invited person goes in only where the inviter may see it anyway:
 * otherwise inviting would tell which names exist (row 15 of the enumeration surface).
 */
export async function inviteContent(
	{storage, serverName, visibility}: RoomsContext,
	actor: Actor,
	target: UserId,
	said: JsonObject = {},
): Promise<JsonObject> {
	const isKnown = domainOf(target) === serverName && (await visibility.mayKnow(actor, target, 'profiles'));
	const profile = isKnown ? profileContent(await storage.profiles.find(target)) : {};
	return {...profile, ...withoutReserved(said), membership: 'invite'};
}

/** Gives the content of an event about somebody else. Their account is not looked at: they need not exist. */
export function contentAbout(membership: Membership, said: JsonObject = {}): JsonObject {
	return {...withoutReserved(said), membership};
}

/** The name of somebody's membership in a room, for turns. */
export const membershipKey = (roomId: RoomId, userId: UserId): string => `${roomId} ${userId}`;

function withoutReserved(said: JsonObject): JsonObject {
	const content: JsonObject = {};
	for (const [key, value] of Object.entries(said)) if (!RESERVED_KEYS.has(key)) content[key] = value;
	return content;
}
