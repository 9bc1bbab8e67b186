import type {EventId, JsonObject, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {EventRow, ReceiptRow, Storage, TimelinePlace} from '../../storage/index.ts';
import type {AccountData} from '../account-data/index.ts';
import type {Events} from '../events/index.ts';
import {ReceiptsError} from './errors.ts';
import {receiveReceipts} from './receive.ts';
import {findThreadOf} from './threads.ts';

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
	/** Moves the marker of what was read in full. @throws ReceiptsError */
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

	async function isAhead(event: TimelinePlaceOf, than: EventId): Promise<boolean> {
		const other = await storage.events.findById(than);
		return other === undefined || comparePlaces(event, other) > 0;
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

	return {
		async set(userId, roomId, {type, eventId, threadId}) {
			const event = await getReadable(userId, roomId, eventId);
			if (threadId !== undefined && threadId !== (await findThreadOf(storage, event)) && threadId !== eventId) {
				throw new ReceiptsError('invalid-thread', 'The event is not in this thread');
			}
			const own = await storage.receipts.listOfUser(roomId, userId);
			const before = own.find((receipt) => receipt.type === type && receipt.threadId === (threadId ?? null));
			if (before && !(await isAhead(event, before.eventId))) return;
			await write({roomId, userId, type, threadId: threadId ?? null, eventId, ts: clock.now(), data: {}});
		},
		async setFullyRead(userId, roomId, eventId) {
			await getReadable(userId, roomId, eventId);
			await accountData.update({userId, roomId, type: 'm.fully_read'}, () => ({event_id: eventId}));
		},
		receive: (origin, content) => receiveReceipts({storage, clock, write}, origin, content),
	};
}

type TimelinePlaceOf = {readonly [Key in keyof TimelinePlace]: TimelinePlace[Key] | null};

/** Orders events by their places; those without one come first. */
function comparePlaces(left: TimelinePlaceOf, right: TimelinePlaceOf): number {
	return (left.anchor ?? 0) - (right.anchor ?? 0) || (left.minor ?? 0) - (right.minor ?? 0);
}
