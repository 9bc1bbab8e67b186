import {
	domainOf,
	isEventId,
	isJsonObject,
	isRoomId,
	isUserId,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {ReceiptRow, Storage} from '../../storage/index.ts';
import {MAIN_THREAD} from './threads.ts';

/** Receipts of one EDU that are taken; a transaction may bring 100 EDUs. */
const RECEIVED_MAX = 1_000;

/** What receiving is done with. */
export interface ReceivingContext {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly move: (receipt: Omit<ReceiptRow, 'pos'>) => Promise<void>;
}

/**
 * Takes a receipt EDU of another server: about its own people in rooms that they are in.
 * @see https://spec.matrix.org/v1.19/server-server-api/#receipts
 */
export async function receiveReceipts(
	context: ReceivingContext,
	origin: ServerName,
	content: JsonObject,
): Promise<void> {
	let left = RECEIVED_MAX;
	for (const [roomId, types] of entriesOf(content)) {
		const read = isJsonObject(types) ? types['m.read'] : undefined;
		if (!isRoomId(roomId)) continue;
		for (const [userId, receipt] of entriesOf(read)) {
			if (left === 0) return;
			left -= 1;
			if (!isUserId(userId) || domainOf(userId) !== origin || !isJsonObject(receipt)) continue;
			const membership = await context.storage.memberships.find(roomId, userId);
			if (membership?.membership === 'join') await receiveOne(context, roomId, userId, receipt);
		}
	}
}

async function receiveOne(
	{storage, clock, move}: ReceivingContext,
	roomId: RoomId,
	userId: UserId,
	receipt: JsonObject,
): Promise<void> {
	const {event_ids: eventIds, data} = receipt;
	const eventId = Array.isArray(eventIds) ? eventIds[0] : undefined;
	if (!isEventId(eventId) || !isJsonObject(data)) return;
	const {ts, thread_id: threadId} = data;
	if (threadId !== undefined && threadId !== MAIN_THREAD && !isEventId(threadId)) return;
	// An event that is not here may be on its way; one that is here must be of this room.
	const event = await storage.events.findById(eventId);
	if (event !== undefined && event.roomId !== roomId) return;
	await move({
		roomId,
		userId,
		type: 'm.read',
		threadId: threadId ?? null,
		eventId,
		ts: Number.isSafeInteger(ts) ? (ts as number) : clock.now(),
		data: {},
	});
}

function entriesOf(value: JsonValue | undefined): [string, JsonValue][] {
	return isJsonObject(value) ? Object.entries(value) : [];
}
