import {EngineError, type EngineErrorCode} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, type DelayedEventRow, type Storage} from '../../storage/index.ts';
import {type Rooms, RoomsError} from '../rooms/index.ts';
import {DelayedEventsError} from './errors.ts';

/** The kind of the background job that sends one when it is due; its key is the delay id. */
export const SEND_DELAYED_EVENT = 'send-delayed-event';

/** Failures of the engine that another attempt may not meet. */
const passing: ReadonlySet<EngineErrorCode> = new Set(['overloaded', 'unavailable', 'conflict']);

/** What became of an event whose time had come. */
export type Delivery =
	| {readonly status: 'sent'}
	/** It was sent or cancelled before. */
	| {readonly status: 'gone'}
	/** The rules do not allow it any more, or somebody else has set the state; it does not wait any longer. */
	| {readonly status: 'dropped'; readonly error: unknown}
	/** Its time began anew. */
	| {readonly status: 'early'; readonly inMs: number};

/** What delivering needs. */
export interface DeliveryContext {
	readonly storage: Storage;
	readonly rooms: Pick<Rooms, 'sendHeld'>;
}

/**
 * Sends an event that waits, in one commit with its removal: whatever ends in between, and however many try at once, it
 * is sent once. Whether its sender may send it is judged now, not when it was asked for.
 * @throws EngineError, StorageError where another attempt may fare better
 */
export async function deliver(
	{storage, rooms}: DeliveryContext,
	row: DelayedEventRow,
	isDue: (row: DelayedEventRow) => boolean,
): Promise<Delivery> {
	const {delayId, userId, roomId, type, stateKey, content, pos} = row;
	const account = await storage.accounts.find(userId);
	if (account === undefined || account.isDeactivated || account.isLocked) return drop(storage, delayId, undefined);
	try {
		await rooms.sendHeld(account, roomId, {
			type,
			stateKey: stateKey ?? undefined,
			content,
			heldSince: pos,
			async condition() {
				const now = await storage.delayedEvents.find(delayId);
				if (now === undefined || !isDue(now)) {
					throw new DelayedEventsError('gone', 'It was sent, cancelled or delayed anew meanwhile');
				}
			},
			alsoWrite: (batch) => storage.delayedEvents.remove(batch, delayId),
		});
		return {status: 'sent'};
	} catch (error) {
		if (error instanceof DelayedEventsError) return {status: 'gone'};
		if (error instanceof RoomsError ? error.code === 'unreachable' : isPassing(error)) throw error;
		return drop(storage, delayId, error);
	}
}

function isPassing(error: unknown): boolean {
	return !(error instanceof EngineError) || passing.has(error.code);
}

async function drop(storage: Storage, delayId: string, error: unknown): Promise<Delivery> {
	const batch = storage.batch();
	storage.delayedEvents.remove(batch, delayId);
	return (await isCommitted(storage, batch)) ? {status: 'dropped', error} : {status: 'gone'};
}

/** Commits what is to be done to an event that waits; false where it is gone. */
export async function isCommitted(storage: Storage, batch: Batch): Promise<boolean> {
	try {
		await storage.commit(batch);
		return true;
	} catch (error) {
		if (error instanceof ConflictError && error.condition === 'delayed_event') return false;
		throw error;
	}
}
