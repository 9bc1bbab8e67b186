import {
	breathe,
	domainOf,
	type EventId,
	isRoomId,
	type RoomAlias,
	type RoomId,
	type UserId,
} from '../../crypto/index.ts';
import type {Batch, EventNid, RoomRow} from '../../storage/index.ts';
import type {RenderedEvent} from '../events/index.ts';
import type {AuditActor} from '../audit/index.ts';
import {actorOf, type AdministrationDependencies, type OffsetPage} from './context.ts';
import {AdministrationError, unknownRoom} from './errors.ts';
import {describeRooms, type RoomFacts} from './room-facts.ts';
import {makeRoomAdmin} from './room-power.ts';

/** What rooms can be put in the order of. */
export type RoomOrder = Exclude<keyof RoomFacts, 'roomId' | 'roomType'>;

/** Which rooms administrators look for; what is absent is not looked at. */
export interface RoomQuery {
	/** A part of the name or the localpart of the alias, ignoring case, or of the room id. */
	readonly text?: string | undefined;
	readonly isPublished?: boolean | undefined;
	readonly isEmpty?: boolean | undefined;
}

/** A room, in more words. */
export interface RoomDetails extends RoomFacts {
	readonly topic: string | null;
	readonly avatarUrl: string | null;
	/** Devices of the people of this server who are in it. */
	readonly joinedLocalDevices: number;
	/** Whether everybody of this server has left and forgotten it. */
	readonly isForgotten: boolean;
	readonly isTombstoned: boolean;
	readonly replacementRoom: string | null;
}

/** An end of a room's graph, which the next event follows upon. */
export interface RoomEnd {
	readonly eventId: EventId;
	readonly depth: number;
	readonly receivedTs: number;
}

/** The rooms of this server as administrators look after them. */
export interface AdministeredRooms {
	/** Lists rooms that this server is or was in; it looks at the first 10,000. */
	list(
		query: RoomQuery,
		page: OffsetPage & {readonly order: RoomOrder; readonly isDescending: boolean},
	): Promise<{readonly rooms: readonly RoomFacts[]; readonly total: number}>;
	/** @throws AdministrationError 'unknown-room' */
	get(roomId: RoomId): Promise<RoomDetails>;
	/** Lists who is in a room. @throws AdministrationError 'unknown-room' */
	listMembers(roomId: RoomId): Promise<UserId[]>;
	/** Lists the state, of one type or all. @throws AdministrationError 'unknown-room' */
	listState(roomId: RoomId, type: string | undefined): Promise<RenderedEvent[]>;
	/** Lists the ends of a room's graph. @throws AdministrationError 'unknown-room' */
	listEnds(roomId: RoomId): Promise<RoomEnd[]>;
	/** Whether nobody of this server may enter a room. */
	isBlocked(roomId: RoomId): Promise<boolean>;
	/** Keeps people of this server out of a room, known here or not, or lets them in again. */
	setBlocked(by: AuditActor, roomId: RoomId, isBlocked: boolean): Promise<void>;
	/** Gives the room that an alias of this server names, or the room itself. @throws AdministrationError 'unknown-room' */
	find(roomIdOrAlias: RoomId | RoomAlias): Promise<RoomId>;
	/**
	 * Brings somebody of this server into a room; where it lets in the invited alone, the administrator invites them, and must
	 * be in it. @throws AccountsError, RoomsError
	 */
	join(by: UserId, roomIdOrAlias: RoomId | RoomAlias, userId: UserId): Promise<RoomId>;
	/**
	 * Gives somebody as much power in a room as anybody of this server there can give, and invites them where they are not in it.
	 * @throws AdministrationError 'unknown-room', 'powerless', RoomsError
	 */
	makeAdmin(by: AuditActor, roomIdOrAlias: RoomId | RoomAlias, userId: UserId): Promise<void>;
}

/** Rooms that one list is made of: their names are read to put them in order. */
const ROOMS_MAX = 10_000;
const PAGE = 500;

/** Makes the administration of rooms. */
export function createAdministeredRooms(dependencies: AdministrationDependencies): AdministeredRooms {
	const {storage, audit, rooms, accounts, serverName} = dependencies;

	async function get(roomId: RoomId): Promise<RoomRow> {
		const row = await storage.rooms.find(roomId);
		if (row === undefined || row.headRoot === null) throw unknownRoom();
		return row;
	}

	async function find(roomIdOrAlias: RoomId | RoomAlias): Promise<RoomId> {
		if (isRoomId(roomIdOrAlias)) return roomIdOrAlias;
		const alias = await storage.aliases.find(roomIdOrAlias);
		if (alias === undefined) throw unknownRoom();
		return alias.roomId;
	}

	return {
		list: (query, page) => listRooms(dependencies, query, page),
		get: async (roomId) => describeWhole(dependencies, await get(roomId)),
		async listMembers(roomId) {
			await get(roomId);
			const members: UserId[] = [];
			for (let after: UserId | undefined; ; ) {
				const page = await storage.memberships.listOfRoom(roomId, {memberships: ['join'], after, limit: PAGE});
				members.push(...page.map(({userId}) => userId));
				after = page.at(-1)?.userId;
				if (page.length < PAGE) return members;
			}
		},
		async listState(roomId, type) {
			const {headRoot} = await get(roomId);
			const entries = await storage.state.entries(roomId, headRoot ?? 0);
			const wanted = entries.filter((entry) => type === undefined || entry.type === type);
			const nids: EventNid[] = wanted.map(({eventNid}) => eventNid);
			return [...(await dependencies.events.findRendered(nids)).values()];
		},
		async listEnds(roomId) {
			const {extremities} = await get(roomId);
			const events = await dependencies.engine.findEvents(extremities);
			return events.map(({row: {eventId, depth, receivedTs}}) => ({eventId, depth, receivedTs}));
		},
		isBlocked: async (roomId) => (await storage.rooms.find(roomId))?.isBlocked ?? false,
		async setBlocked(by, roomId, isBlocked) {
			const batch = storage.batch();
			await block(dependencies, batch, roomId, isBlocked);
			audit.note(batch, {who: by, act: isBlocked ? 'block-room' : 'unblock-room', whom: roomId});
			await storage.commit(batch);
		},
		find,
		async join(by, roomIdOrAlias, userId) {
			const roomId = await find(roomIdOrAlias);
			const account = domainOf(userId) === serverName ? await accounts.find(userId) : undefined;
			if (account === undefined || account.isDeactivated) {
				throw new AdministrationError('invalid', 'user_id: expected somebody of this server');
			}
			// It takes several commits, and must not happen without its entry.
			await audit.record({who: by, act: 'join-room', whom: userId, details: {room_id: roomId}});
			const view = await dependencies.engine.findRoom(roomId);
			const rules = await view?.findState('m.room.join_rules', '');
			if (view !== undefined && rules?.content['join_rule'] !== 'public') {
				const membership = (await storage.memberships.find(roomId, userId))?.membership;
				if (membership !== 'join' && membership !== 'invite') await rooms.invite(actorOf(by), roomId, userId);
			}
			await rooms.join(actorOf(userId), roomId);
			return roomId;
		},
		async makeAdmin(by, roomIdOrAlias, userId) {
			const roomId = await find(roomIdOrAlias);
			await get(roomId);
			await audit.record({who: by, act: 'make-room-admin', whom: userId, details: {room_id: roomId}});
			await makeRoomAdmin(dependencies, roomId, userId);
		},
	};
}

/** Adds to a batch that a room is blocked, or is no more; a room that is not known here becomes one of which only that is. */
export async function block(
	{storage}: Pick<AdministrationDependencies, 'storage'>,
	batch: Batch,
	roomId: RoomId,
	isBlocked: boolean,
): Promise<void> {
	if ((await storage.rooms.find(roomId)) === undefined) {
		if (!isBlocked) return;
		// Which version it has is learnt by whoever enters it, once that is possible again.
		storage.rooms.add(batch, {roomId, version: '', creator: null});
	}
	storage.rooms.setBlocked(batch, roomId, isBlocked);
}

async function listRooms(
	dependencies: AdministrationDependencies,
	{text, isPublished, isEmpty}: RoomQuery,
	{order, isDescending, offset, limit}: OffsetPage & {readonly order: RoomOrder; readonly isDescending: boolean},
): Promise<{readonly rooms: readonly RoomFacts[]; readonly total: number}> {
	const found: RoomFacts[] = [];
	let after: RoomId | undefined;
	for (let looked = 0; looked < ROOMS_MAX; looked += PAGE) {
		const rows = await dependencies.storage.rooms.list({after, limit: PAGE});
		const known = rows.filter(
			(row) => row.headRoot !== null && (isPublished === undefined || row.isPublished === isPublished),
		);
		const facts = await describeRooms(dependencies, known);
		found.push(...facts.filter((room) => fits(room, text, isEmpty)));
		after = rows.at(-1)?.roomId;
		if (rows.length < PAGE) break;
		await breathe();
	}
	const sign = isDescending ? -1 : 1;
	const sorted = found.toSorted((a, b) => sign * compare(a[order], b[order]) || compare(a.roomId, b.roomId));
	return {rooms: sorted.slice(offset, offset + limit), total: found.length};
}

function fits(room: RoomFacts, text: string | undefined, isEmpty: boolean | undefined): boolean {
	if (isEmpty !== undefined && (room.joinedMembers === 0) !== isEmpty) return false;
	if (text === undefined) return true;
	const small = text.toLowerCase();
	const localpart = (room.canonicalAlias ?? '').split(':')[0] ?? '';
	return (
		room.roomId.includes(text) ||
		(room.name ?? '').toLowerCase().includes(small) ||
		localpart.toLowerCase().includes(small)
	);
}

/** Numbers by their size, the largest first as Synapse has them; texts by their letters, those without one last. */
function compare(a: RoomFacts[RoomOrder], b: RoomFacts[RoomOrder]): number {
	if (a === b) return 0;
	if (typeof a === 'number' && typeof b === 'number') return b - a;
	if (typeof a === 'boolean') return a ? 1 : -1;
	if (a === null) return 1;
	if (b === null) return -1;
	return a < b ? -1 : 1;
}

async function describeWhole(dependencies: AdministrationDependencies, row: RoomRow): Promise<RoomDetails> {
	const {storage} = dependencies;
	const {roomId} = row;
	const [facts] = await describeRooms(dependencies, [row]);
	if (facts === undefined) throw unknownRoom();
	const contents = await Promise.all(
		['m.room.topic', 'm.room.avatar', 'm.room.tombstone'].map(async (type) => {
			const event = await storage.rooms.findCurrentState(roomId, type, '');
			return event && (JSON.parse(event.json) as {content?: Record<string, unknown>}).content;
		}),
	);
	const [topic, avatar, tombstone] = contents;
	const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
	const local = await storage.memberships.listLocalJoined(roomId);
	return {
		...facts,
		topic: text(topic?.['topic']),
		avatarUrl: text(avatar?.['url']),
		joinedLocalDevices: (await storage.devices.listOfUsers(local)).length,
		isForgotten: local.length === 0 && (await isForgottenByAll(dependencies, roomId)),
		isTombstoned: tombstone !== undefined,
		replacementRoom: text(tombstone?.['replacement_room']),
	};
}

async function isForgottenByAll({storage, serverName}: AdministrationDependencies, roomId: RoomId): Promise<boolean> {
	for (let after: UserId | undefined; ; ) {
		const page = await storage.memberships.listOfRoom(roomId, {after, limit: PAGE});
		if (page.some(({userId, forgotten}) => domainOf(userId) === serverName && !forgotten)) return false;
		after = page.at(-1)?.userId;
		if (page.length < PAGE) return true;
	}
}
