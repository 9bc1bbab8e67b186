import type {JsonObject, RoomId} from '../../crypto/index.ts';
import {
	historyVisibilityOf,
	isRestricted,
	joinRuleOf,
	listAllowedRooms,
	type Pdu,
	type RoomVersion,
	roomVersion,
} from '../../federation/rooms/index.ts';
import type {RoomsContext} from './context.ts';
import {DESCRIBING_TYPES, listShown} from './current-state.ts';

/** A room as it is described to somebody who is not in it. */
export interface RoomDescription {
	readonly roomId: RoomId;
	/** What the directory shows, in the specification's form. */
	readonly entry: JsonObject;
	/** What summaries say beside that. */
	readonly more: JsonObject;
	readonly state: ReadonlyMap<string, Pdu>;
	readonly version: RoomVersion;
}

/** Describes a room; `undefined` where nobody is in it any more, or it is not known. */
export async function describeRoom(context: RoomsContext, roomId: RoomId): Promise<RoomDescription | undefined> {
	const {join} = await context.storage.memberships.count(roomId);
	if (join === 0) return undefined;
	const state = await listShown(context, roomId, DESCRIBING_TYPES);
	const create = state.get('m.room.create');
	if (create === undefined) return undefined;
	const version = roomVersion(create.roomVersion);
	const rules = state.get('m.room.join_rules');
	const text = (type: string, key: string, name = key): JsonObject => {
		const value = state.get(type)?.content[key];
		return typeof value === 'string' ? {[name]: value} : {};
	};
	const entry = {
		room_id: roomId,
		num_joined_members: join,
		world_readable: historyVisibilityOf(state.get('m.room.history_visibility')) === 'world_readable',
		guest_can_join: state.get('m.room.guest_access')?.content['guest_access'] === 'can_join',
		join_rule: joinRuleOf(rules),
		...text('m.room.name', 'name'),
		...text('m.room.topic', 'topic'),
		...text('m.room.canonical_alias', 'alias', 'canonical_alias'),
		...text('m.room.avatar', 'url', 'avatar_url'),
		...text('m.room.create', 'type', 'room_type'),
	};
	const more = {
		room_version: create.roomVersion,
		...text('m.room.encryption', 'algorithm', 'encryption'),
		...(isRestricted(version, joinRuleOf(rules)) && {allowed_room_ids: listAllowedRooms(rules)}),
	};
	return {roomId, entry, more, state, version};
}
