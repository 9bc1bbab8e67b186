import {setImmediate as nextTurn} from 'node:timers/promises';
import type {RoomId} from '../../../crypto/index.ts';
import {tellJoinedRoom} from './joined-room.ts';
import {tellLeftRoom} from './left-room.ts';
import {tellOutsideRoom} from './outside-room.ts';
import {isInScope, tellAccountData, tellReceipts, tellTyping} from './room-extensions.ts';
import type {Told} from './told.ts';
import {
	type KnownRoom,
	nothingTold,
	type RoomTelling,
	type ScopedRoom,
	type SlidingParts,
	type SlidingView,
} from './view.ts';

/** A long answer lets others have their turn after so long. */
const TURN_MS = 5;
/** Rooms that one answer tells of; of the others the next one tells, at once. */
const ROOMS_MAX = 500;

/** What an answer tells of rooms, as JSON texts. */
export interface RoomsTelling {
	readonly rooms: ReadonlyMap<RoomId, string>;
	readonly receipts: ReadonlyMap<RoomId, string>;
	readonly accountData: ReadonlyMap<RoomId, string>;
	readonly typing: ReadonlyMap<RoomId, string>;
	readonly told: ReadonlyMap<RoomId, Told>;
	/** Rooms of which there is nothing more to tell. */
	readonly live: ReadonlySet<RoomId>;
}

/** Tells of the rooms that a request asks for. */
export async function tellRooms(parts: SlidingParts, view: SlidingView): Promise<RoomsTelling> {
	const rooms = new Map<RoomId, string>();
	const receipts = new Map<RoomId, string>();
	const accountData = new Map<RoomId, string>();
	const typing = new Map<RoomId, string>();
	const told = new Map<RoomId, Told>();
	const live = new Set<RoomId>();
	const put = (to: Map<RoomId, string>, roomId: RoomId, text: string | undefined): void => {
		if (text !== undefined) to.set(roomId, text);
	};
	if (view.isSettled) return {rooms, receipts, accountData, typing, told, live: view.connection.live};
	let turnEndsMs = performance.now() + TURN_MS;
	for (const room of view.scope.rooms) {
		const {roomId} = room.row;
		if (isQuiet(parts, view, room)) {
			live.add(roomId);
			continue;
		}
		if (rooms.size >= ROOMS_MAX) break;
		const news = await tellRoom(parts, view, room);
		put(rooms, roomId, news.room);
		put(receipts, roomId, news.receipts);
		put(accountData, roomId, news.accountData);
		put(typing, roomId, news.typing);
		if (news.told) told.set(roomId, news.told);
		live.add(roomId);
		if (performance.now() > turnEndsMs) {
			await nextTurn();
			turnEndsMs = performance.now() + TURN_MS;
		}
	}
	return {rooms, receipts, accountData, typing, told, live};
}

/** Whether it is plain to see that there is nothing to tell of a room: most of them, most of the time. */
function isQuiet(
	{positions, ephemeral}: SlidingParts,
	{connection, own, request, seq}: SlidingView,
	room: ScopedRoom,
): boolean {
	const {roomId, membership, pos, userId} = room.row;
	const {state, live} = connection;
	if (room.activity > state.pos || pos > state.pos || own.last > state.pos || !live.has(roomId)) return false;
	const told = connection.find(roomId);
	if (!told) return false;
	const {accountData, receipts, typing} = request.extensions;
	const isJoined = membership === 'join';
	return (
		told.limit >= room.limit &&
		told.wishId === room.wish.id &&
		told.hasReceipts === (isJoined && isInScope(receipts, room)) &&
		told.hasAccountData === isInScope(accountData, room) &&
		!positions.hasReceipts(roomId, userId, state.pos) &&
		(!typing || (state.epoch === ephemeral.epoch && (seq === state.seq || ephemeral.typing.seqOf(roomId) <= state.seq)))
	);
}

/** What is told of one room; absent parts are not news. */
interface RoomNews {
	readonly room?: string | undefined;
	readonly receipts?: string | undefined;
	readonly accountData?: string | undefined;
	readonly typing?: string | undefined;
	/** What the client has been told with this answer; absent: no more than before. */
	readonly told?: Told | undefined;
}

async function tellRoom(parts: SlidingParts, view: SlidingView, room: ScopedRoom): Promise<RoomNews> {
	const {membership} = room.row;
	const {accountData: forAccountData, receipts: forReceipts, typing: forTyping} = view.request.extensions;
	const known = await findKnown(parts, view, room);
	const telling = await tellEvents(parts, view, room, known);
	const isJoined = membership === 'join';
	const hasReceipts = isJoined && isInScope(forReceipts, room);
	const hasAccountData = isInScope(forAccountData, room);
	const receipts = hasReceipts ? await tellReceipts(parts, view, room, known, telling) : undefined;
	const accountData = hasAccountData ? tellAccountData(view, room, known) : undefined;
	const typing = isJoined && isInScope(forTyping, room) ? tellTyping(parts, view, room) : undefined;
	const before = known?.told;
	const isSame =
		before !== undefined &&
		[telling.text, telling.after, receipts, accountData].every((part) => part === undefined) &&
		before.hasReceipts === hasReceipts &&
		before.hasAccountData === hasAccountData;
	const after = telling.after ?? before;
	const told = isSame || !after ? undefined : {...pick(after), sent: view.upto, hasReceipts, hasAccountData};
	return {room: telling.text, receipts, accountData, typing, told};
}

const pick = ({limit, wishId, isDm}: Pick<Told, 'limit' | 'wishId' | 'isDm'>) => ({limit, wishId, isDm});

/** Finds what the client knows of a room; `undefined` where it is to be told of it as if for the first time. */
async function findKnown(
	{events}: SlidingParts,
	{connection, request: {userId}}: SlidingView,
	{row: {roomId, membership, pos}}: ScopedRoom,
): Promise<KnownRoom | undefined> {
	const told = connection.find(roomId);
	if (!told) return undefined;
	const since = connection.sinceOf(roomId, told);
	// Who was not in the room then has seen it from outside at most.
	if (membership === 'join' && pos > since && !(await events.wasJoined(roomId, userId, since))) return undefined;
	return {told, since};
}

function tellEvents(
	parts: SlidingParts,
	view: SlidingView,
	room: ScopedRoom,
	known: KnownRoom | undefined,
): Promise<RoomTelling> {
	const {membership} = room.row;
	switch (membership) {
		case 'join':
			return tellJoinedRoom(parts, view, room, known);
		case 'invite':
		case 'knock':
			return tellOutsideRoom(parts, view, room, known);
		case 'leave':
		case 'ban':
			return tellLeftRoom(parts, view, room, known);
		default:
			membership satisfies never;
			return Promise.resolve(nothingTold);
	}
}
