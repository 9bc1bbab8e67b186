import type {RoomDetails, RoomFacts, RoomOrder} from '../../administration/index.ts';
import {arrayText} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {nextOffset, pageQuery, readPage} from './offset-page.ts';

/** A room as Synapse lists it. */
function toListed(room: RoomFacts) {
	return {
		room_id: room.roomId,
		name: room.name,
		canonical_alias: room.canonicalAlias,
		joined_members: room.joinedMembers,
		joined_local_members: room.joinedLocalMembers,
		version: room.version,
		creator: room.creator,
		encryption: room.encryption,
		federatable: room.isFederated,
		public: room.isPublished,
		join_rules: room.joinRule,
		guest_access: room.guestAccess,
		history_visibility: room.historyVisibility,
		state_events: room.stateEvents,
		room_type: room.roomType,
	};
}

function toDetails(room: RoomDetails) {
	return {
		...toListed(room),
		topic: room.topic,
		avatar: room.avatarUrl,
		joined_local_devices: room.joinedLocalDevices,
		forgotten: room.isForgotten,
		tombstoned: room.isTombstoned,
		replacement_room: room.replacementRoom,
	};
}

const orders = {
	alphabetical: 'name',
	size: 'joinedMembers',
	name: 'name',
	canonical_alias: 'canonicalAlias',
	joined_members: 'joinedMembers',
	joined_local_members: 'joinedLocalMembers',
	version: 'version',
	creator: 'creator',
	encryption: 'encryption',
	federatable: 'isFederated',
	public: 'isPublished',
	join_rules: 'joinRule',
	guest_access: 'guestAccess',
	history_visibility: 'historyVisibility',
	state_events: 'stateEvents',
} as const satisfies Readonly<Record<string, RoomOrder>>;

const orderNames = Object.keys(orders) as (keyof typeof orders)[];

const path = '/_synapse/admin/v1/rooms';

/** Lists the rooms that this server is or was in. */
export const listRooms = route({
	id: 'adminListRooms',
	method: 'GET',
	path,
	auth: 'admin',
	query: v.object({
		...pageQuery,
		order_by: v.optional(v.literal(...orderNames)),
		search_term: v.optional(v.string({min: 1})),
		public_rooms: v.optional(v.boolean()),
		empty_rooms: v.optional(v.boolean()),
	}),
	async handle({query}, {administration}) {
		const page = readPage(query);
		const wish = {text: query.search_term, isPublished: query.public_rooms, isEmpty: query.empty_rooms};
		const order = orders[query.order_by ?? 'name'];
		const {rooms, total} = await administration.rooms.list(wish, {...page, order, isDescending: query.dir === 'b'});
		const next = nextOffset(page, rooms.length, total);
		return {
			rooms: rooms.map(toListed),
			offset: page.offset,
			total_rooms: total,
			...(next !== undefined && {next_batch: next}),
			...(page.offset > 0 && {prev_batch: Math.max(0, page.offset - page.limit)}),
		};
	},
});

/** Gives one room. */
export const getRoom = route({
	id: 'adminGetRoom',
	method: 'GET',
	path: `${path}/:roomId`,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => toDetails(await administration.rooms.get(parameters.roomId)),
});

/** Lists who is in a room. */
export const listRoomMembers = route({
	id: 'adminListRoomMembers',
	method: 'GET',
	path: `${path}/:roomId/members`,
	auth: 'admin',
	async handle({parameters}, {administration}) {
		const members = await administration.rooms.listMembers(parameters.roomId);
		return {members, total: members.length};
	},
});

/** Lists the state of a room, of one type or all. */
export const listRoomState = route({
	id: 'adminListRoomState',
	method: 'GET',
	path: `${path}/:roomId/state`,
	auth: 'admin',
	query: v.object({type: v.optional(v.string())}),
	async handle({parameters: {roomId}, query}, {administration, events}) {
		const state = await administration.rooms.listState(roomId, query.type);
		return rawJson(`{"state":${arrayText(await events.renderState(state))}}`);
	},
});

/** Lists the ends of a room's graph. They are merged by themselves: there is nothing to remove. */
export const listForwardExtremities = route({
	id: 'adminListForwardExtremities',
	method: 'GET',
	path: `${path}/:roomIdOrAlias/forward_extremities`,
	auth: 'admin',
	async handle({parameters}, {administration: {rooms}}) {
		const ends = await rooms.listEnds(await rooms.find(parameters.roomIdOrAlias));
		return {
			count: ends.length,
			results: ends.map(({eventId, depth, receivedTs}) => ({event_id: eventId, depth, received_ts: receivedTs})),
		};
	},
});

const blockPath = `${path}/:roomId/block` as const;

/** Tells whether people of this server are kept out of a room. */
export const getRoomBlock = route({
	id: 'adminGetRoomBlock',
	method: 'GET',
	path: blockPath,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => ({
		block: await administration.rooms.isBlocked(parameters.roomId),
	}),
});

/** Keeps people of this server out of a room, or lets them in again. */
export const setRoomBlock = route({
	id: 'adminSetRoomBlock',
	method: 'PUT',
	path: blockPath,
	auth: 'admin',
	body: v.object({block: v.boolean()}),
	async handle({caller, parameters, body: {block}}, {administration}) {
		await administration.rooms.setBlocked(caller.userId, parameters.roomId, block);
		return {block};
	},
});

/** Brings somebody of this server into a room. */
export const joinRoom = route({
	id: 'adminJoinRoom',
	method: 'POST',
	path: '/_synapse/admin/v1/join/:roomIdOrAlias',
	auth: 'admin',
	body: v.object({user_id: v.userId()}),
	handle: async ({caller, parameters, body}, {administration}) => ({
		room_id: await administration.rooms.join(caller.userId, parameters.roomIdOrAlias, body.user_id),
	}),
});

/** Gives somebody, the caller unless said otherwise, as much power in a room as anybody here can give. */
export const makeRoomAdmin = route({
	id: 'adminMakeRoomAdmin',
	method: 'POST',
	path: `${path}/:roomIdOrAlias/make_room_admin`,
	auth: 'admin',
	body: v.object({user_id: v.optional(v.userId())}),
	async handle({caller, parameters, body}, {administration}) {
		await administration.rooms.makeAdmin(caller.userId, parameters.roomIdOrAlias, body.user_id ?? caller.userId);
		return {};
	},
});
