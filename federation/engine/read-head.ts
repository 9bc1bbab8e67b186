import {domainOf, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {RoomRow, Storage} from '../../storage/index.ts';
import {membershipOf, type RoomVersionId} from '../rooms/index.ts';
import type {Head} from './draft.ts';
import {EngineError} from './errors.ts';
import {RoomState} from './room-state.ts';
import type {StoredEvents} from './stored-events.ts';

interface HeadContext {
	readonly storage: Storage;
	readonly events: StoredEvents;
}

/** Joined members that are read at once. */
const MEMBERS_PAGE = 1_000;

/** Times that the members are counted anew because the state changed meanwhile; each is a change by another process. */
const COUNTS_MAX = 20;

/** Reads a room's head; `undefined` where this server has never been in the room. @throws EngineError('unavailable') */
export async function loadHead(context: HeadContext, roomId: RoomId): Promise<Head | undefined> {
	const {storage} = context;
	let room = await storage.rooms.find(roomId);
	for (let count = 0; count < COUNTS_MAX; count += 1) {
		if (!room || room.headRoot === null) return undefined;
		context.events.noteVersion(roomId, room.version as RoomVersionId);
		const joined = await countJoined(storage, roomId);
		const counted: RoomRow | undefined = await storage.rooms.find(roomId);
		if (counted?.headRoot === room.headRoot) return headOf(counted, openState(context, counted), joined);
		room = counted;
	}
	throw new EngineError('unavailable', 'The members of the room change too fast to be counted; try again');
}

/**
 * Reads a room's head where an older one is known: only what differs is looked at. The state's difference says whose
 * membership changed, so that nobody is counted again.
 */
export async function followHead(context: HeadContext, roomId: RoomId, old: Head): Promise<Head | undefined> {
	const room = await context.storage.rooms.find(roomId);
	if (!room || room.headRoot === null) return undefined;
	if (room.headRoot === old.state.root) return headOf(room, old.state, old.joined);
	const state = openState(context, room);
	const joined = new Map(old.joined);
	for (const {key, before, after} of await state.differenceFrom(old.state)) {
		if (key.type !== 'm.room.member') continue;
		const change = Number(membershipOf(after?.pdu) === 'join') - Number(membershipOf(before?.pdu) === 'join');
		const server = domainOf(key.stateKey as UserId);
		const count = (joined.get(server) ?? 0) + change;
		if (count > 0) joined.set(server, count);
		else joined.delete(server);
	}
	return headOf(room, state, joined);
}

function openState({storage, events}: HeadContext, {roomId, headRoot}: RoomRow): RoomState {
	return new RoomState(storage.state.open(roomId, headRoot ?? 0), events);
}

function headOf(room: RoomRow, state: RoomState, joined: Head['joined']): Head {
	return {
		version: room.headVersion,
		extremities: room.extremities,
		depth: room.depth,
		state,
		joined,
		notifyCount: room.notifyCount,
		ends: new Map(),
		threads: new Map(),
		isPartial: room.isPartial,
	};
}

/** Counts the joined members of each server. */
async function countJoined(storage: Storage, roomId: RoomId): Promise<ReadonlyMap<ServerName, number>> {
	const counts = new Map<ServerName, number>();
	let after: UserId | undefined;
	do {
		const page = await storage.memberships.listOfRoom(roomId, {memberships: ['join'], after, limit: MEMBERS_PAGE});
		for (const {userId} of page) counts.set(domainOf(userId), (counts.get(domainOf(userId)) ?? 0) + 1);
		after = page.length === MEMBERS_PAGE ? page.at(-1)?.userId : undefined;
	} while (after !== undefined);
	return counts;
}
