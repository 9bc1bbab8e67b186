import {isRoomId, type JsonObject, type RoomId, type ServerName} from '../../crypto/index.ts';
import {mayChangeAliases} from './aliases.ts';
import {type Actor, mustBeJoined, mustNotBeSuspended, type RoomsContext} from './context.ts';
import {describeRoom} from './describe-room.ts';
import {RoomsError} from './errors.ts';

/** Rooms that one answer holds at most, and where the caller does not say. */
const ROOMS_MAX = 100;
/** Rooms that are looked at in one request, however few of them a search term matches. */
const SCANNED_MAX = 1_000;

/** What of the directory is wanted. */
export interface DirectoryQuery {
	readonly limit?: number | undefined;
	/** Where an answer before said to go on. */
	readonly since?: string | undefined;
	/** Text that name, topic or alias contain, ignoring case. */
	readonly searchTerm?: string | undefined;
	/** `null`: rooms without a type. */
	readonly roomTypes?: readonly (string | null)[] | undefined;
}

/** A page of the directory. */
export interface DirectoryPage {
	/** In the specification's form. */
	readonly rooms: readonly JsonObject[];
	readonly next: string | undefined;
}

/** Lists the rooms that this server shows to everybody. @throws RoomsError 'invalid-parameter' for an unknown token */
export async function listPublished(context: RoomsContext, query: DirectoryQuery): Promise<DirectoryPage> {
	const {storage} = context;
	const limit = Math.max(1, Math.min(query.limit ?? ROOMS_MAX, ROOMS_MAX));
	if (query.since !== undefined && !isRoomId(query.since)) {
		throw new RoomsError('invalid-parameter', "'since' is no token of this server");
	}
	const shown: JsonObject[] = [];
	let after: RoomId | undefined = query.since;
	for (let scanned = 0; scanned < SCANNED_MAX; ) {
		const page = await storage.rooms.listPublished({after, limit: ROOMS_MAX});
		for (const {roomId} of page) {
			if (shown.length === limit) return {rooms: shown, next: after};
			const entry = (await describeRoom(context, roomId))?.entry;
			after = roomId;
			if (entry && isMatch(entry, query)) shown.push(entry);
		}
		scanned += page.length;
		if (page.length < ROOMS_MAX) return {rooms: shown, next: undefined};
	}
	return {rooms: shown, next: after};
}

/** Asks another server what it shows to everybody. @throws RoomsError 'unreachable', 'invalid-parameter' */
export async function listPublishedBy(
	{remote}: RoomsContext,
	server: ServerName,
	query: DirectoryQuery,
): Promise<DirectoryPage> {
	return remote.listPublished(server, {...query, limit: Math.max(1, Math.min(query.limit ?? ROOMS_MAX, ROOMS_MAX))});
}

function isMatch(entry: JsonObject, {searchTerm, roomTypes}: DirectoryQuery): boolean {
	const type = entry['room_type'] ?? null;
	if (roomTypes && !roomTypes.some((wanted) => wanted === type)) return false;
	if (searchTerm === undefined || searchTerm === '') return true;
	const term = searchTerm.toLowerCase();
	return ['name', 'topic', 'canonical_alias'].some((key) => {
		const value = entry[key];
		return typeof value === 'string' && value.toLowerCase().includes(term);
	});
}

/** Whether the directory shows a room; a room that is not known is not shown. */
export async function isPublished({storage}: RoomsContext, roomId: RoomId): Promise<boolean> {
	return (await storage.rooms.find(roomId))?.isPublished === true;
}

/**
 * Puts a room into the directory or takes it out: for members who keep the room's names, and administrators in it.
 * @throws RoomsError 'not-in-room', 'forbidden'
 */
export async function setPublished(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	isShown: boolean,
): Promise<void> {
	mustNotBeSuspended(actor);
	await mustBeJoined(context, roomId, actor.userId);
	if (!actor.isAdmin && !(await mayChangeAliases(context, actor, roomId))) {
		throw new RoomsError('forbidden', 'The power level is too low to change what the directory shows');
	}
	const {storage} = context;
	const batch = storage.batch();
	storage.rooms.setPublished(batch, roomId, isShown);
	await storage.commit(batch);
}
