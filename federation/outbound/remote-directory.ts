import {
	isRoomId,
	isServerName,
	isUserId,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
} from '../../crypto/index.ts';
import {type FederationClient, path} from './client.ts';
import {asObject} from './key-document.ts';
import {RemoteRoomError, toRemoteRoomError} from './remote-rooms.ts';

/** A child of a space, as a server tells of it: the stripped `m.space.child` event with its time. */
export interface SpaceChild {
	readonly roomId: RoomId;
	readonly via: readonly ServerName[];
	readonly event: JsonObject;
}

/** A room as a server describes it. */
export interface RemoteSummary {
	readonly roomId: RoomId;
	/** In the specification's form; only keys that it names, each of its type. */
	readonly summary: JsonObject;
	readonly children: readonly SpaceChild[];
}

/** A room and its children, as a server tells of them to every server that may know. */
export interface RemoteSpace {
	readonly room: RemoteSummary;
	readonly children: readonly RemoteSummary[];
	/** Children that we may not know of, whomever we ask. */
	readonly inaccessible: readonly RoomId[];
}

/** What is asked of another server's directory. */
export interface RemoteDirectoryQuery {
	readonly limit?: number | undefined;
	readonly since?: string | undefined;
	readonly searchTerm?: string | undefined;
	readonly roomTypes?: readonly (string | null)[] | undefined;
}

/** What other servers show of their rooms. All throw RemoteRoomError. */
export interface RemoteDirectory {
	/** Gives a room with its children; `undefined` where the server gives none. */
	findSpace(server: ServerName, roomId: RoomId): Promise<RemoteSpace | undefined>;
	/** Lists a page of the directory. */
	listPublished(
		server: ServerName,
		query: RemoteDirectoryQuery,
	): Promise<{readonly rooms: readonly JsonObject[]; readonly next: string | undefined}>;
}

/** Somebody waits for the answer, and there may be many servers to ask. */
const SPACE_LIMITS = {timeoutMs: 10_000, responseBytesMax: 1 << 20} as const;
const DIRECTORY_LIMITS = {timeoutMs: 20_000, responseBytesMax: 2 << 20} as const;
/** Rooms of one answer, and entries of lists in them, that are read. */
const ROOMS_MAX = 1_000;
const CHILDREN_MAX = 1_000;
const ENTRIES_MAX = 50;
const TOKEN_CHARACTERS_MAX = 1_000;

/** Makes the questions about rooms that one is not in. */
export function createRemoteDirectory(client: Pick<FederationClient, 'request'>): RemoteDirectory {
	return {
		async findSpace(destination, roomId) {
			try {
				const {body} = await client.request({
					destination,
					method: 'GET',
					path: path`/_matrix/federation/v1/hierarchy/${roomId}`,
					limits: SPACE_LIMITS,
				});
				return readSpace(body, roomId);
			} catch (error) {
				const failure = toRemoteRoomError(error);
				if (failure.code === 'not_found' || failure.code === 'refused') return undefined;
				throw failure;
			}
		},
		async listPublished(destination, {limit, since, searchTerm, roomTypes}) {
			const where = {destination, path: '/_matrix/federation/v1/publicRooms', limits: DIRECTORY_LIMITS};
			const page = {...(limit !== undefined && {limit}), ...(since !== undefined && {since})};
			const filter = {
				...(searchTerm !== undefined && {generic_search_term: searchTerm}),
				...(roomTypes !== undefined && {room_types: [...roomTypes]}),
			};
			const hasFilter = Object.keys(filter).length > 0;
			try {
				const {body} = await client.request(
					hasFilter ? {...where, method: 'POST', body: {...page, filter}} : {...where, method: 'GET', query: page},
				);
				const {chunk, next_batch: next} = asObject(body) ?? {};
				if (!Array.isArray(chunk)) throw new RemoteRoomError('bad_response');
				const rooms = chunk.slice(0, ROOMS_MAX).flatMap((entry) => {
					const read = readSummary(entry);
					return read ? [read.summary] : [];
				});
				return {rooms, next: typeof next === 'string' && next.length <= TOKEN_CHARACTERS_MAX ? next : undefined};
			} catch (error) {
				throw toRemoteRoomError(error);
			}
		},
	};
}

/** @throws RemoteRoomError 'bad_response' where it is not about the room that was asked for */
function readSpace(body: JsonValue, roomId: RoomId): RemoteSpace {
	const {room, children, inaccessible_children: inaccessible} = asObject(body) ?? {};
	const parent = readSummary(room);
	if (parent?.roomId !== roomId) throw new RemoteRoomError('bad_response');
	return {
		room: parent,
		children: listOf(children, ROOMS_MAX).flatMap((child) => readSummary(child) ?? []),
		inaccessible: listOf(inaccessible, ROOMS_MAX).filter((id) => isRoomId(id)),
	};
}

const TEXTS = [
	'name',
	'topic',
	'canonical_alias',
	'avatar_url',
	'room_type',
	'join_rule',
	'encryption',
	'room_version',
] as const;

function readSummary(value: JsonValue | undefined): RemoteSummary | undefined {
	const given = asObject(value) ?? {};
	const {room_id: roomId, num_joined_members: joined, allowed_room_ids: allowed} = given;
	if (!isRoomId(roomId)) return undefined;
	const texts = TEXTS.filter((key) => typeof given[key] === 'string').map((key) => [key, given[key]!]);
	const allowedIds = listOf(allowed, ENTRIES_MAX).filter((id) => isRoomId(id));
	return {
		roomId,
		summary: {
			room_id: roomId,
			num_joined_members: typeof joined === 'number' && joined >= 0 ? joined : 0,
			world_readable: given['world_readable'] === true,
			guest_can_join: given['guest_can_join'] === true,
			...(Object.fromEntries(texts) as JsonObject),
			...(allowedIds.length > 0 && {allowed_room_ids: allowedIds}),
		},
		children: listOf(given['children_state'], CHILDREN_MAX).flatMap((child) => readChild(child) ?? []),
	};
}

function readChild(value: JsonValue): SpaceChild | undefined {
	const {type, state_key: roomId, sender, content, origin_server_ts: ts} = asObject(value) ?? {};
	const said = asObject(content);
	if (type !== 'm.space.child' || !isRoomId(roomId) || !isUserId(sender) || !said || typeof ts !== 'number')
		return undefined;
	const via = listOf(said['via'], ENTRIES_MAX).filter((server) => isServerName(server));
	if (via.length === 0) return undefined;
	const {order, suggested} = said;
	const kept = {
		via,
		...(typeof order === 'string' && {order}),
		...(typeof suggested === 'boolean' && {suggested}),
	};
	return {roomId, via, event: {type, state_key: roomId, sender, content: kept, origin_server_ts: ts}};
}

function listOf(value: JsonValue | undefined, max: number): JsonValue[] {
	return Array.isArray(value) ? value.slice(0, max) : [];
}
