import type {EventId} from '../../crypto/index.ts';
import type {EventRow, Storage} from '../../storage/index.ts';

/** Relations that are followed in search of a thread: what the specification recommends. */
const HOPS_MAX = 3;

/** The thread of events that are in none. */
export const MAIN_THREAD = 'main';

/**
 * Finds the root of the thread that an event is in, itself or by what it relates to; `main` outside threads. Roots, and
 * what relates to a root otherwise, are in the main timeline.
 * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export async function findThreadOf(
	{events}: Pick<Storage, 'events'>,
	event: Pick<EventRow, 'roomId' | 'relType' | 'relatesTo'>,
): Promise<EventId | typeof MAIN_THREAD> {
	let current = event;
	for (let hop = 0; hop <= HOPS_MAX; hop += 1) {
		const {relatesTo, relType} = current;
		if (relatesTo === null) return MAIN_THREAD;
		if (relType === 'm.thread') return relatesTo;
		const parent = await events.findById(relatesTo);
		if (parent?.roomId !== event.roomId) return MAIN_THREAD;
		current = parent;
	}
	return MAIN_THREAD;
}
