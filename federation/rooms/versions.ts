import type {RoomVersionId} from './pdu.ts';

/** Which members of an event survive redaction: top-level keys, and keys of `content` by event type. */
export interface RedactionRules {
	readonly topLevel: readonly string[];
	/** Kept keys of `content` by event type; `all` keeps the content whole; a type not listed keeps nothing. */
	readonly content: Readonly<Record<string, readonly string[] | 'all'>>;
	/** From version 11 on `content.third_party_invite` of a member event survives, reduced to its `signed` key. */
	readonly keepsSignedThirdPartyInvite: boolean;
}

/**
 * All that tells one room version from another. Code asks this table and never compares version numbers.
 * @see https://spec.matrix.org/v1.19/rooms/
 */
export interface RoomVersion {
	readonly id: RoomVersionId;
	/** How an event gets its id: sent in the event with a domain, or its reference hash in one of two alphabets. */
	readonly eventIds: 'domain' | 'base64' | 'base64url';
	/** What `auth_events` and `prev_events` hold: `[id, {sha256}]` pairs or plain ids. */
	readonly eventReferences: 'pairs' | 'ids';
	/** A room's id is sent in every event, or is the create event's id with the sigil `!`. */
	readonly roomIds: 'sent' | 'create-event-hash';
	/** Largest legal `depth`, as text because it exceeds a JavaScript integer up to version 5. */
	readonly depthMax: string;
	/** Numbers must be integers within ±(2^53−1): otherwise the event is dropped. */
	readonly isStrictJson: boolean;
	/** A signature counts only if its key was valid at the event's `origin_server_ts`. */
	readonly enforcesKeyValidity: boolean;
	/** The server in `event_id` must sign as well when it is not the sender's. */
	readonly isSignedByEventIdServer: boolean;
	readonly stateResolution: 'v1' | 'v2' | 'v2.1';
	readonly redaction: RedactionRules;
	/** Where a redaction names its target. */
	readonly redactsIn: 'top-level' | 'content';
	/** `m.room.create` belongs to the `auth_events` of every other event. */
	readonly selectsCreateEvent: boolean;
	/** Who made the room: `content.creator` of the create event, or its sender. */
	readonly creatorIn: 'content' | 'sender';
	/** Creators (the create event's sender and `additional_creators`) have an infinite power level. */
	readonly creatorsAreUnlimited: boolean;
	/** The authorisation rule about `m.room.aliases` exists. */
	readonly hasAliasesRule: boolean;
	/** Redactions are judged by the authorisation rules; later versions judge when applying them. */
	readonly hasRedactionRule: boolean;
	/** What a power level may be written as, besides an integer. */
	readonly powerLevelValues: 'integer-string-or-float' | 'integer-or-string' | 'integer';
	/** Changes of `notifications` in power levels are judged like those of `events`. */
	readonly guardsNotificationLevels: boolean;
	/** Join rules which this version knows; under any other nobody can join. */
	readonly joinRules: ReadonlySet<string>;
	/** The membership `knock` exists. */
	readonly hasKnocking: boolean;
	/** `join_authorised_via_users_server` has its meaning. */
	readonly hasRestrictedJoins: boolean;
}

const REDACTION_V1: RedactionRules = {
	topLevel: [
		'event_id',
		'type',
		'room_id',
		'sender',
		'state_key',
		'content',
		'hashes',
		'signatures',
		'depth',
		'prev_events',
		'prev_state',
		'auth_events',
		'origin',
		'origin_server_ts',
		'membership',
	],
	content: {
		'm.room.member': ['membership'],
		'm.room.create': ['creator'],
		'm.room.join_rules': ['join_rule'],
		'm.room.power_levels': [
			'ban',
			'events',
			'events_default',
			'kick',
			'redact',
			'state_default',
			'users',
			'users_default',
		],
		'm.room.aliases': ['aliases'],
		'm.room.history_visibility': ['history_visibility'],
	},
	keepsSignedThirdPartyInvite: false,
};

const REDACTION_V6: RedactionRules = {...REDACTION_V1, content: {...REDACTION_V1.content, 'm.room.aliases': []}};

const REDACTION_V8: RedactionRules = {
	...REDACTION_V6,
	content: {...REDACTION_V6.content, 'm.room.join_rules': ['join_rule', 'allow']},
};

const REDACTION_V9: RedactionRules = {
	...REDACTION_V8,
	content: {...REDACTION_V8.content, 'm.room.member': ['membership', 'join_authorised_via_users_server']},
};

const REDACTION_V11: RedactionRules = {
	topLevel: REDACTION_V9.topLevel.filter((key) => !['prev_state', 'origin', 'membership'].includes(key)),
	content: {
		...REDACTION_V9.content,
		'm.room.create': 'all',
		'm.room.power_levels': [
			'ban',
			'events',
			'events_default',
			'invite',
			'kick',
			'redact',
			'state_default',
			'users',
			'users_default',
		],
		'm.room.redaction': ['redacts'],
	},
	keepsSignedThirdPartyInvite: true,
};

const v1: RoomVersion = {
	id: '1',
	eventIds: 'domain',
	eventReferences: 'pairs',
	roomIds: 'sent',
	depthMax: '9223372036854775807',
	isStrictJson: false,
	enforcesKeyValidity: false,
	isSignedByEventIdServer: true,
	stateResolution: 'v1',
	redaction: REDACTION_V1,
	redactsIn: 'top-level',
	selectsCreateEvent: true,
	creatorIn: 'content',
	creatorsAreUnlimited: false,
	hasAliasesRule: true,
	hasRedactionRule: true,
	powerLevelValues: 'integer-string-or-float',
	guardsNotificationLevels: false,
	joinRules: new Set(['public', 'invite']),
	hasKnocking: false,
	hasRestrictedJoins: false,
};

const v2: RoomVersion = {...v1, id: '2', stateResolution: 'v2'};

const v3: RoomVersion = {
	...v2,
	id: '3',
	eventIds: 'base64',
	eventReferences: 'ids',
	isSignedByEventIdServer: false,
	hasRedactionRule: false,
};

const v4: RoomVersion = {...v3, id: '4', eventIds: 'base64url'};

const v5: RoomVersion = {...v4, id: '5', enforcesKeyValidity: true};

const v6: RoomVersion = {
	...v5,
	id: '6',
	depthMax: '9007199254740991',
	isStrictJson: true,
	redaction: REDACTION_V6,
	hasAliasesRule: false,
	powerLevelValues: 'integer-or-string',
	guardsNotificationLevels: true,
};

const v7: RoomVersion = {...v6, id: '7', hasKnocking: true, joinRules: new Set([...v6.joinRules, 'knock'])};

const v8: RoomVersion = {
	...v7,
	id: '8',
	redaction: REDACTION_V8,
	hasRestrictedJoins: true,
	joinRules: new Set([...v7.joinRules, 'restricted']),
};

const v9: RoomVersion = {...v8, id: '9', redaction: REDACTION_V9};

const v10: RoomVersion = {
	...v9,
	id: '10',
	powerLevelValues: 'integer',
	joinRules: new Set([...v9.joinRules, 'knock_restricted']),
};

const v11: RoomVersion = {
	...v10,
	id: '11',
	redaction: REDACTION_V11,
	redactsIn: 'content',
	creatorIn: 'sender',
};

const v12: RoomVersion = {
	...v11,
	id: '12',
	roomIds: 'create-event-hash',
	stateResolution: 'v2.1',
	selectsCreateEvent: false,
	creatorsAreUnlimited: true,
};

/** All room versions, oldest first. */
export const ROOM_VERSIONS: readonly RoomVersion[] = [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12];

const byId: ReadonlyMap<string, RoomVersion> = new Map(ROOM_VERSIONS.map((version) => [version.id, version]));

/** Finds the row of a room version; undefined for one which this server does not know. */
export function findRoomVersion(id: string): RoomVersion | undefined {
	return byId.get(id);
}

/** Gives the row of a known room version. */
export function roomVersion(id: RoomVersionId): RoomVersion {
	const version = byId.get(id);
	if (version === undefined) {
		throw new TypeError(`Expected a known room version, got ${id}`);
	}
	return version;
}
