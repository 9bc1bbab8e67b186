import {
	type EventId,
	isEventId,
	type JsonObject,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {EventRow, ReceiptRow, Storage, TimelinePlace} from '../../storage/index.ts';
import type {AccountData} from '../account-data/index.ts';
import type {Events} from '../events/index.ts';
import {ReceiptsError} from './errors.ts';
import {receiveReceipts} from './receive.ts';
import {mayBeReadIn} from './threads.ts';

/** What somebody says to have read. */
export type ReceiptType = 'm.read' | 'm.read.private';

/** A receipt as its reader gives it. */
export interface NewReceipt {
	readonly type: ReceiptType;
	readonly eventId: EventId;
	/** `main` or a thread root's event id; absent for receipts that mean all threads. */
	readonly threadId?: string | undefined;
}

/** What the domain is built from. */
export interface ReceiptsDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly accountData: AccountData;
	readonly clock: Clock;
}

/** How far people have read. */
export interface Receipts {
	/** Moves a receipt forwards; nothing happens where it is further on already. @throws ReceiptsError */
	set(userId: UserId, roomId: RoomId, receipt: NewReceipt): Promise<void>;
	/** Moves the marker of what was read in full forwards. @throws ReceiptsError */
	setFullyRead(userId: UserId, roomId: RoomId, eventId: EventId): Promise<void>;
	/** Takes a receipt EDU of another server: about its own people in rooms that they are in. */
	receive(origin: ServerName, content: JsonObject): Promise<void>;
}

/** Makes the domain. */
export function createReceipts(dependencies: ReceiptsDependencies): Receipts {
	const {storage, engine, events, accountData, clock} = dependencies;

	async function getReadable(userId: UserId, roomId: RoomId, eventId: EventId): Promise<EventRow> {
		const membership = await storage.memberships.find(roomId, userId);
		if (membership?.membership !== 'join') throw new ReceiptsError('not-in-room', 'You are not in this room');
		const event = await engine.findEvent(eventId);
		const [visible] = event?.pdu.roomId === roomId ? await events.filterVisible(userId, [event]) : [];
		if (visible === undefined) throw new ReceiptsError('unknown-event', 'No such event in this room');
		return visible.row;
	}

	/** What nobody here knows has no place: a receipt for it moves anywhere, and any receipt moves on from it. */
	async function isAhead(eventId: EventId, than: EventId): Promise<boolean> {
		const rows = await storage.events.findByIds([eventId, than]);
		const [event, other] = [rows.get(eventId), rows.get(than)];
		return !event || !other || comparePlaces(event, other) > 0;
	}

	async function write(receipt: Omit<ReceiptRow, 'pos'>): Promise<void> {
		const batch = storage.batch();
		const pos = batch.announce({
			kind: 'receipt',
			roomId: receipt.roomId,
			subject: receipt.userId,
			// Nobody else is woken by what nobody else is shown.
			...(receipt.type === 'm.read.private' && {extra: {private: true}}),
		});
		storage.receipts.set(batch, {...receipt, pos});
		await storage.commit(batch);
	}

	/** Moves a receipt forwards; nobody is told of one that stays. Of several at once the database keeps the furthest. */
	async function move(receipt: Omit<ReceiptRow, 'pos'>): Promise<void> {
		const {roomId, userId, type, threadId, eventId} = receipt;
		const own = await storage.receipts.listOfUser(roomId, userId);
		const before = own.find((it) => it.type === type && it.threadId === threadId);
		if (!before || (await isAhead(eventId, before.eventId))) await write(receipt);
	}

	return {
		async set(userId, roomId, {type, eventId, threadId}) {
			const event = await getReadable(userId, roomId, eventId);
			if (threadId !== undefined && !(await mayBeReadIn(storage, event, threadId))) {
				throw new ReceiptsError('invalid-thread', 'The event is not in this thread');
			}
			await move({roomId, userId, type, threadId: threadId ?? null, eventId, ts: clock.now(), data: {}});
		},
		async setFullyRead(userId, roomId, eventId) {
			await getReadable(userId, roomId, eventId);
			// Another device may be further on.
			const now = await accountData.find({userId, roomId, type: 'm.fully_read'});
			const before = now?.['event_id'];
			if (isEventId(before) && !(await isAhead(eventId, before))) return;
			await accountData.update({userId, roomId, type: 'm.fully_read'}, () => ({event_id: eventId}));
		},
		receive: (origin, content) => receiveReceipts({storage, clock, move}, origin, content),
	};
}

type TimelinePlaceOf = {readonly [Key in keyof TimelinePlace]: TimelinePlace[Key] | null};

/** Orders events by their places; those without one come first. */
function comparePlaces(left: TimelinePlaceOf, right: TimelinePlaceOf): number {
	return (left.anchor ?? 0) - (right.anchor ?? 0) || (left.minor ?? 0) - (right.minor ?? 0);
}
