import type {EventId, JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Position, PositionOrAnnounced} from '../batch.ts';

interface ReceiptFacts {
	readonly roomId: RoomId;
	readonly userId: UserId;
	/** `m.read` or `m.read.private`. */
	readonly type: string;
	/** `null`: unthreaded; `main`, or the thread root's event id. */
	readonly threadId: string | null;
	readonly eventId: EventId;
	/** When it was sent, in milliseconds. */
	readonly ts: number;
	/** The receipt's data beside `ts` and `thread_id`. */
	readonly data: JsonObject;
}

/** A receipt: the latest of a user, type and thread. */
export interface ReceiptRow extends ReceiptFacts {
	readonly pos: Position;
}

/** Read receipts. Private ones are stored too: who may see them is for the caller. */
export interface ReceiptsRepository {
	/** Moves a receipt; it stays where it is for an event that comes at or after the new one in the timeline. */
	set(batch: Batch, receipt: ReceiptFacts & {readonly pos: PositionOrAnnounced}): void;
	/** Lists the receipts of a room that changed in `(after, upto]`; `after` 0: all. At most 5,000, the newest. */
	listChanged(roomId: RoomId, after: Position, upto: Position): Promise<ReceiptRow[]>;
	/** Lists a user's own receipts in a room. */
	listOfUser(roomId: RoomId, userId: UserId): Promise<ReceiptRow[]>;
}
