import {isJsonObject, type JsonObject, type JsonValue, type RoomAlias, type UserId} from '../../crypto/index.ts';
import type {EventTemplate} from '../../federation/engine/index.ts';
import {defaultPowerLevels, type RoomVersionId, roomVersion} from '../../federation/rooms/index.ts';

/** The specification's shorthands for what a new room is like. */
export type Preset = 'private_chat' | 'public_chat' | 'trusted_private_chat';

/** A state event that the creator wants from the start. */
export interface InitialState {
	readonly type: string;
	readonly state_key?: string | undefined;
	readonly content: JsonObject;
}

/** All that the first events of a room are made of. */
export interface Beginning {
	readonly version: RoomVersionId;
	readonly creator: UserId;
	readonly preset: Preset;
	/** The creator's own member event. */
	readonly creatorContent: JsonObject;
	readonly creationContent: JsonObject;
	readonly powerLevelOverride: JsonObject;
	readonly alias: RoomAlias | undefined;
	readonly initialState: readonly InitialState[];
	readonly name: string | undefined;
	readonly topic: string | undefined;
	/** Everybody invited: with `trusted_private_chat` they get the creator's power. */
	readonly invited: readonly UserId[];
	/** The invites that are part of the beginning. */
	readonly invites: readonly {readonly userId: UserId; readonly content: JsonObject}[];
}

/** What each preset sets. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
const presetState: Readonly<Record<Preset, Readonly<Record<string, JsonObject>>>> = {
	private_chat: privateState(),
	trusted_private_chat: privateState(),
	public_chat: {
		'm.room.join_rules': {join_rule: 'public'},
		'm.room.history_visibility': {history_visibility: 'shared'},
		'm.room.guest_access': {guest_access: 'forbidden'},
	},
};

function privateState(): Readonly<Record<string, JsonObject>> {
	return {
		'm.room.join_rules': {join_rule: 'invite'},
		'm.room.history_visibility': {history_visibility: 'shared'},
		'm.room.guest_access': {guest_access: 'can_join'},
	};
}

/** How far above `state_default` the level for ending a room stands at least, where creators are above all levels. */
const TOMBSTONE_ABOVE_STATE = 50;

/**
 * Lists the first events of a room, in the specification's order.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function listFirstEvents(beginning: Beginning): EventTemplate[] {
	const {creator, creatorContent, alias, initialState, name, topic, preset} = beginning;
	const state = (type: string, content: JsonObject, stateKey = ''): EventTemplate => ({
		type,
		stateKey,
		content,
		sender: creator,
	});
	const isSet = (type: string) => initialState.some((event) => event.type === type && (event.state_key ?? '') === '');
	const isImplied = (type: string) =>
		(type === 'm.room.name' && name !== undefined) || (type === 'm.room.topic' && topic !== undefined);
	return [
		state('m.room.create', createContent(beginning)),
		state('m.room.member', creatorContent, creator),
		state('m.room.power_levels', powerLevelsContent(beginning)),
		...(alias === undefined ? [] : [state('m.room.canonical_alias', {alias})]),
		// initial_state takes precedence over the preset, and is overridden by name and topic.
		...Object.entries(presetState[preset])
			.filter(([type]) => !isSet(type))
			.map(([type, content]) => state(type, {...content})),
		...initialState
			.filter((event) => !((event.state_key ?? '') === '' && isImplied(event.type)))
			.map((event) => state(event.type, event.content, event.state_key ?? '')),
		...(name === undefined ? [] : [state('m.room.name', {name})]),
		...(topic === undefined ? [] : [state('m.room.topic', {topic, 'm.topic': {'m.text': [{body: topic}]}})]),
		...beginning.invites.map(({userId, content}) => state('m.room.member', content, userId)),
	];
}

function createContent({version, creator, creationContent, preset, invited}: Beginning): JsonObject {
	const {creatorIn, creatorsAreUnlimited} = roomVersion(version);
	const {creator: _creator, room_version: _version, ...content} = creationContent;
	const additional = content['additional_creators'];
	if (
		creatorsAreUnlimited &&
		preset === 'trusted_private_chat' &&
		(additional === undefined || Array.isArray(additional))
	) {
		const creators = new Set<JsonValue>([...(additional ?? []), ...invited]);
		creators.delete(creator);
		if (creators.size > 0) content['additional_creators'] = [...creators];
	}
	if (creatorIn === 'content') content['creator'] = creator;
	content['room_version'] = version;
	return content;
}

function powerLevelsContent({version, creator, preset, invited, powerLevelOverride}: Beginning): JsonObject {
	const content = defaultPowerLevels(version, creator);
	// Whoever may enter a room of this kind needs no invite; where its join rule is made narrower, few should open it.
	if (preset === 'public_chat') content['invite'] = 50;
	const {creatorsAreUnlimited} = roomVersion(version);
	if (preset === 'trusted_private_chat' && !creatorsAreUnlimited) {
		const users = content['users'] as JsonObject;
		for (const userId of invited) users[userId] = 100;
	}
	Object.assign(content, powerLevelOverride);
	return creatorsAreUnlimited ? withTombstoneLevel(content) : content;
}

/** From version 12 on the level of `m.room.tombstone` must be written down, and above `state_default`. */
function withTombstoneLevel(content: JsonObject): JsonObject {
	const {events, state_default: stateDefault} = content;
	if (!isJsonObject(events) || 'm.room.tombstone' in events) return content;
	const above = (typeof stateDefault === 'number' ? stateDefault : 50) + TOMBSTONE_ABOVE_STATE;
	return {...content, events: {...events, 'm.room.tombstone': Math.max(150, above)}};
}
