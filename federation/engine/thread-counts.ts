import {type EventId, isEventId, type JsonObject, type RoomId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {relatesToOf} from './relations.ts';

/** Gives the running notification count of the thread that an event would join; 0 outside threads. */
export async function findThreadCount(
	storage: Storage,
	roomId: RoomId,
	event: {readonly content: JsonObject},
): Promise<number> {
	const threadRoot = threadOf(event);
	if (threadRoot === undefined) return 0;
	const latest = await storage.events.findLatestInThread(roomId, threadRoot, storage.stream.head());
	return latest?.threadNotifyCount ?? 0;
}

/** Gives the root of the thread that an event belongs to by its own word. */
export function threadOf(event: {readonly content: JsonObject}): EventId | undefined {
	const relatesTo = relatesToOf(event);
	if (!relatesTo || relatesTo['rel_type'] !== 'm.thread') return undefined;
	const root = relatesTo['event_id'];
	return isEventId(root) ? root : undefined;
}
