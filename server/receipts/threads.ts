import type {EventId} from '../../crypto/index.ts';
import {isRelation} from '../../federation/engine/index.ts';
import type {EventRow, Storage} from '../../storage/index.ts';

/** Relations that are followed in search of a thread: what the specification recommends. */
const HOPS_MAX = 3;

/** The thread of events that are in none. */
export const MAIN_THREAD = 'main';

type Related = Pick<EventRow, 'roomId' | 'relType' | 'relatesTo'>;

/** Where an event belongs. */
export interface ThreadPlace {
	/** The root of the thread, or `main`. */
	readonly thread: EventId | typeof MAIN_THREAD;
	/** Whether no event that may come yet can change that. */
	readonly isSettled: boolean;
}

/**
 * Finds the thread that an event is in, itself or by what it relates to; `main` outside threads. Roots, and what relates
 * to a root otherwise, are in the main timeline.
 * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export async function findThreadOf({events}: Pick<Storage, 'events'>, event: Related): Promise<ThreadPlace> {
	let current = event;
	for (let hop = 0; hop <= HOPS_MAX; hop += 1) {
		const {relatesTo, relType} = current;
		if (relatesTo === null || !isRelation(relType)) return {thread: MAIN_THREAD, isSettled: true};
		if (relType === 'm.thread') return {thread: relatesTo, isSettled: true};
		if (hop === HOPS_MAX) break;
		const parent = await events.findById(relatesTo);
		if (parent?.roomId !== event.roomId) return {thread: MAIN_THREAD, isSettled: parent !== undefined};
		current = parent;
	}
	return {thread: MAIN_THREAD, isSettled: true};
}

/**
 * Tells whether a receipt for an event may be one of a thread: the event is in it, is its root, or relates to the root in
 * whatever way. What is redacted may have been in any.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
 */
export async function mayBeReadIn(
	{events}: Pick<Storage, 'events'>,
	event: EventRow,
	threadId: string,
): Promise<boolean> {
	if (event.redactedBy !== null || event.eventId === threadId) return true;
	const {thread} = await findThreadOf({events}, event);
	if (threadId === MAIN_THREAD || thread !== MAIN_THREAD) return thread === threadId;
	let current: EventRow | undefined = event;
	for (let hop = 0; hop < HOPS_MAX && current?.roomId === event.roomId && current.relatesTo !== null; hop += 1) {
		if (current.relatesTo === threadId) return true;
		current = await events.findById(current.relatesTo);
	}
	return false;
}
