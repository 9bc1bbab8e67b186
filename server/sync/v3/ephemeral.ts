import type {EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {Position, ReceiptRow} from '../../../storage/index.ts';
import type {CompiledEventFilter} from '../../filters/index.ts';
import type {SyncParts, View} from './view.ts';

/** Lists what passes in a room and is new to the device, as JSON texts of events: receipts and typing. */
export async function listEphemeral(
	parts: SyncParts,
	view: View,
	roomId: RoomId,
	since: Position | undefined,
): Promise<string[]> {
	const {ephemeral: filter} = view.filter;
	if (!filter.mayShowRoom(roomId)) return [];
	const texts: string[] = [];
	if (isWanted(filter, 'm.receipt')) {
		const content = await findReceipts(parts, view, roomId, since);
		if (content) texts.push(JSON.stringify({type: 'm.receipt', content}));
	}
	if (isWanted(filter, 'm.typing')) {
		const content = findTyping(parts, view, roomId, since);
		if (content) texts.push(JSON.stringify({type: 'm.typing', content}));
	}
	return texts;
}

/** Tells whether somebody began or ended typing in a room since the device was told. */
export function hasTyping(parts: SyncParts, view: View, roomId: RoomId): boolean {
	return findTyping(parts, view, roomId, view.since?.pos) !== undefined;
}

function isWanted({matches}: CompiledEventFilter, type: string): boolean {
	return matches === undefined || matches({type});
}

async function findReceipts(
	{positions, storage}: SyncParts,
	{userId, upto}: View,
	roomId: RoomId,
	since: Position | undefined,
): Promise<JsonObject | undefined> {
	if (since !== undefined && !positions.hasReceipts(roomId, userId, since)) return undefined;
	const receipts = await storage.receipts.listChanged(roomId, since ?? 0, upto);
	return contentOf(visibleTo(userId, receipts));
}

/** Leaves out what others keep to themselves. */
export function visibleTo(userId: UserId, receipts: readonly ReceiptRow[]): ReceiptRow[] {
	return receipts.filter(({type, userId: reader}) => type !== 'm.read.private' || reader === userId);
}

/**
 * Gives the content of the event that tells of receipts, the newest first; `undefined` where there are none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mreceipt
 */
export function contentOf(receipts: readonly ReceiptRow[]): JsonObject | undefined {
	if (receipts.length === 0) return undefined;
	const byEvent = new Map<EventId, Map<string, Map<UserId, JsonObject>>>();
	for (const {eventId, type, userId, ts, threadId} of receipts) {
		const byType = byEvent.get(eventId) ?? new Map<string, Map<UserId, JsonObject>>();
		byEvent.set(eventId, byType);
		const byUser = byType.get(type) ?? new Map<UserId, JsonObject>();
		byType.set(type, byUser);
		// Newest first: of several receipts of one person on one event the form has room for one, and that of all threads
		// says the most. https://github.com/matrix-org/matrix-spec-proposals/pull/4102
		if (!byUser.has(userId) || threadId === null) {
			byUser.set(userId, {ts, ...(threadId !== null && {thread_id: threadId})});
		}
	}
	return Object.fromEntries(
		[...byEvent].map(([eventId, byType]) => [
			eventId,
			Object.fromEntries([...byType].map(([type, byUser]) => [type, Object.fromEntries(byUser)])),
		]),
	);
}

function findTyping(
	{ephemeral}: SyncParts,
	view: View,
	roomId: RoomId,
	since: Position | undefined,
): JsonObject | undefined {
	const {typing, epoch} = ephemeral;
	const isKnown = since !== undefined && view.since?.epoch === epoch;
	const users = typing.list(roomId);
	// Whoever was told by an earlier process is told anew; that nobody types is news only to who knew of somebody.
	const isNew = isKnown ? typing.seqOf(roomId) > (view.since?.seq ?? 0) : users.length > 0;
	return isNew ? {user_ids: users} : undefined;
}
