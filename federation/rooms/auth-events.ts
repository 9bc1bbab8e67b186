import type {JsonObject, UserId} from '../../crypto/index.ts';
import {isJsonObject} from './json-object.ts';
import type {Pdu, RoomVersionId, StateKeyPair, StateLookup} from './pdu.ts';
import {roomVersion} from './versions.ts';

/** What of an event decides which state it needs as `auth_events`. */
export interface AuthEventsSubject {
	readonly roomVersion: RoomVersionId;
	readonly type: string;
	readonly sender: UserId;
	readonly stateKey?: string | undefined;
	readonly content: JsonObject;
}

/**
 * Lists the entries of a room's state that belong into an event's `auth_events` as far as they exist, each once.
 * @see https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 */
export function authEventKeys(event: AuthEventsSubject): StateKeyPair[] {
	if (event.type === 'm.room.create') return [];
	const version = roomVersion(event.roomVersion);
	const keys: StateKeyPair[] = [];
	if (version.selectsCreateEvent) keys.push(['m.room.create', '']);
	keys.push(['m.room.power_levels', ''], ['m.room.member', event.sender]);
	if (event.type !== 'm.room.member' || event.stateKey === undefined) return keys;

	const {content, stateKey: target} = event;
	const {membership} = content;
	if (target !== event.sender) keys.push(['m.room.member', target]);
	if (membership === 'join' || membership === 'invite' || membership === 'knock') keys.push(['m.room.join_rules', '']);
	if (membership === 'invite') {
		const token = thirdPartyInviteToken(content);
		if (token !== undefined) keys.push(['m.room.third_party_invite', token]);
	}
	if (membership === 'join' && version.hasRestrictedJoins) {
		const authoriser = content['join_authorised_via_users_server'];
		if (typeof authoriser === 'string' && authoriser !== target && authoriser !== event.sender) {
			keys.push(['m.room.member', authoriser]);
		}
	}
	return keys;
}

/** Picks the events for a new event's `auth_events` from the room's state. */
export function selectAuthEvents(event: AuthEventsSubject, state: StateLookup): Pdu[] {
	const selected: Pdu[] = [];
	for (const [type, stateKey] of authEventKeys(event)) {
		const found = state(type, stateKey);
		if (found !== undefined) selected.push(found);
	}
	return selected;
}

function thirdPartyInviteToken(content: JsonObject): string | undefined {
	const invite = content['third_party_invite'];
	const signed = isJsonObject(invite) ? invite['signed'] : undefined;
	const token = isJsonObject(signed) ? signed['token'] : undefined;
	return typeof token === 'string' ? token : undefined;
}
