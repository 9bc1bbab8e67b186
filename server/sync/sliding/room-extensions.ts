import type {ReceiptRow} from '../../../storage/index.ts';
import {arrayText} from '../../events/index.ts';
import {anchorOf} from '../room-tails.ts';
import {contentOf, visibleTo} from '../v3/ephemeral.ts';
import type {ExtensionScope} from './request.ts';
import type {KnownRoom, RoomTelling, ScopedRoom, SlidingParts, SlidingView} from './view.ts';

/** Whether an extension tells of a room: of those in the lists, and of the subscribed ones, that it names. */
export function isInScope(scope: ExtensionScope | undefined, {row, lists, isSubscribed}: ScopedRoom): boolean {
	if (!scope) return false;
	if (scope.lists === undefined || scope.lists.includes('*')) {
		if (lists.length > 0) return true;
	} else if (lists.some((name) => scope.lists?.includes(name))) {
		return true;
	}
	// Today's clients name rooms that are in a list too.
	if (scope.rooms?.includes(row.roomId)) return true;
	return isSubscribed && (scope.rooms === undefined || scope.rooms.includes('*'));
}

/**
 * Renders what is new of a room's receipts, as JSON text. To who knows none: those for the events that are shown, and the
 * user's own.
 * @see proposal 3960
 */
export async function tellReceipts(
	{positions, storage}: SlidingParts,
	{request: {userId}, upto}: SlidingView,
	{row: {roomId}}: ScopedRoom,
	known: KnownRoom | undefined,
	{isWhole, shown}: RoomTelling,
): Promise<string | undefined> {
	const since = known?.told.hasReceipts ? known.since : undefined;
	const first = isWhole || since === undefined ? shown[0] : undefined;
	// Nobody reads an event before it is there, so the receipts for it come after it.
	const after = Math.min(since ?? upto, first ? anchorOf(first) - 1 : upto);
	const hasMoved = after < upto && positions.hasReceipts(roomId, userId, after);
	const changed = hasMoved ? await storage.receipts.listChanged(roomId, after, upto) : [];
	const ids = new Set(first ? shown.map(({pdu}) => pdu.eventId) : []);
	const wanted = changed.filter(({pos, eventId}) => (since !== undefined && pos > since) || ids.has(eventId));
	const own = since === undefined ? await storage.receipts.listOfUser(roomId, userId) : [];
	const content = contentOf(
		visibleTo(
			userId,
			union(
				wanted,
				own.filter(({pos}) => pos <= upto),
			),
		),
	);
	return content && JSON.stringify({type: 'm.receipt', content});
}

/** The newest first, each once. */
function union(some: readonly ReceiptRow[], others: readonly ReceiptRow[]): ReceiptRow[] {
	const distinct = new Map(
		[...some, ...others].map((row) => [JSON.stringify([row.userId, row.type, row.threadId]), row]),
	);
	return [...distinct.values()].toSorted((a, b) => b.pos - a.pos);
}

/** Renders what is new of the user's own data of a room, as JSON text. @see proposal 3959 */
export function tellAccountData(
	{own, upto}: SlidingView,
	{row: {roomId}}: ScopedRoom,
	known: KnownRoom | undefined,
): string | undefined {
	const since = known?.told.hasAccountData ? known.since : 0;
	const pieces = [...own.ofRoom(roomId).values()].filter(
		// To who knows nothing there is nothing to be said of what is gone.
		({pos, content}) => pos > since && pos <= upto && (since > 0 || content !== null),
	);
	if (pieces.length === 0) return undefined;
	return arrayText(pieces.map(({type, content}) => JSON.stringify({type, content: content ?? {}})));
}

/** Renders who types in a room, as JSON text, where that changed or the room has just come into view. @see proposal 4508 */
export function tellTyping(
	{ephemeral}: SlidingParts,
	{connection}: SlidingView,
	{row: {roomId}}: ScopedRoom,
): string | undefined {
	const {typing, epoch} = ephemeral;
	const {state, live} = connection;
	const isFollowed = live.has(roomId) && state.epoch === epoch;
	const seq = typing.seqOf(roomId);
	// That nobody types is said to who may have been told of somebody.
	if (isFollowed ? seq <= state.seq : seq === 0) return undefined;
	const users = typing.list(roomId);
	if (users.length === 0 && !isFollowed && !connection.find(roomId)) return undefined;
	return JSON.stringify({type: 'm.typing', content: {user_ids: users}});
}
