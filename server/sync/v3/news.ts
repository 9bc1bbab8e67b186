import type {RoomId} from '../../../crypto/index.ts';
import type {MembershipRow} from '../../../storage/index.ts';
import type {SyncParts, View} from './view.ts';

/** What is asked for, before the account data that an answer depends on is read. */
export type Request = Omit<View, 'unwanted' | 'roomAccountData'>;

/**
 * Tells whether an answer to who has a token may tell anything: by positions alone, so that a waiting request reads no
 * row. True also where it is not known.
 */
export function mayHaveNews(parts: SyncParts, request: Request): boolean {
	const {positions} = parts;
	const {userId, since} = request;
	return (
		since === undefined ||
		positions.hasAccountData(userId, since.pos) ||
		positions.hasToDevice(userId, since.toDevice) ||
		positions.hasDeviceLists(since.pos) ||
		positions.hasDeviceKeys(userId, since.pos) ||
		mayHavePresence(parts, request) ||
		listTouchedRooms(parts, request, []).length > 0
	);
}

/** Tells whether anybody's presence may have changed. */
export function mayHavePresence({ephemeral, positions}: SyncParts, {since}: Request): boolean {
	return ephemeral.presence.isOn && (since?.epoch !== ephemeral.epoch || positions.presence > since.seq);
}

/**
 * Lists those of the user's rooms that an answer has to look at: where anything happened since the token, or `others`
 * that the caller knows of; all where what happened is not known.
 */
export function listTouchedRooms(
	{positions, ephemeral}: SyncParts,
	{userId, since, rooms, forgotten, isFullState}: Request,
	others: Iterable<RoomId>,
): MembershipRow[] {
	const every = () => [...rooms.values(), ...forgotten.values()];
	// Who was told by an earlier process is told anew who types, in whatever room.
	if (since === undefined || isFullState || since.epoch !== ephemeral.epoch) return every();
	// Where more rooms than the user's own were touched, looking at those is less work.
	const max = rooms.size;
	const touched = positions.listTouchedRooms(since.pos, max);
	const ofReceipts = positions.listRoomsOfOwnReceipts(userId, since.pos, max);
	const ofTyping = positions.listRoomsOfTyping(since.seq, max);
	if (!touched || !ofReceipts || !ofTyping) return every();
	return [...new Set([...touched, ...ofReceipts, ...ofTyping, ...others])]
		.map((roomId) => rooms.get(roomId) ?? forgotten.get(roomId))
		.filter((row) => row !== undefined);
}
