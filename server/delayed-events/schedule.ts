import {
	canonicalJson,
	CanonicalJsonError,
	isJsonObject,
	type JsonObject,
	newOpaqueId,
	type RandomBytes,
	type RoomId,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type ClientTransactionKey, DuplicateError, type Storage} from '../../storage/index.ts';
import type {Rooms} from '../rooms/index.ts';
import {SEND_DELAYED_EVENT} from './deliver.ts';
import {DelayedEventsError} from './errors.ts';

/** A day: a call says every few seconds that it goes on, and a message for tomorrow is still known to its author. */
export const DELAY_MS_MAX = 24 * 60 * 60 * 1000;
/** Each device in a call has one or two waiting. */
const WAITING_OF_USER_MAX = 100;
/** What an event may be at most; what is longer is refused before it waits. */
const CONTENT_BYTES_MAX = 65_536;
/** Their endpoints do more than to send an event, and a delay would come between the two. */
const notDelayed: ReadonlySet<string> = new Set(['m.room.create', 'm.room.member', 'm.room.redaction']);

/** An event that is to be sent later. */
export interface NewDelayedEvent {
	readonly type: string;
	/** Absent: it is not state. */
	readonly stateKey?: string | undefined;
	readonly content: JsonObject;
	readonly delayMs: number;
	/** A repetition of the same request gets the same delay id. */
	readonly transaction?: ClientTransactionKey | undefined;
}

/** What scheduling needs. */
export interface ScheduleContext {
	readonly storage: Storage;
	readonly rooms: Pick<Rooms, 'mustBeJoined'>;
	readonly clock: Clock;
	readonly random: RandomBytes;
}

/** Holds an event back; see `DelayedEvents.schedule`. */
export async function schedule(
	context: ScheduleContext,
	userId: UserId,
	roomId: RoomId,
	event: NewDelayedEvent,
): Promise<string> {
	const {storage} = context;
	checkEvent(event);
	// What may be sent is judged when it is sent, but nothing waits for rooms of others.
	await context.rooms.mustBeJoined(userId, roomId);
	const earlier = await findEarlier(storage, event.transaction);
	if (earlier !== undefined) return earlier;
	if ((await storage.delayedEvents.listOfUser(userId)).length >= WAITING_OF_USER_MAX) {
		throw new DelayedEventsError('too-many', `At most ${WAITING_OF_USER_MAX} events wait for one person`);
	}
	if (storage.dialect === 'postgres') await storage.barrier();
	try {
		return await add(context, userId, roomId, event);
	} catch (error) {
		// The same request came twice at once.
		const first = error instanceof DuplicateError ? await findEarlier(storage, event.transaction) : undefined;
		if (first === undefined) throw error;
		return first;
	}
}

async function findEarlier(
	storage: Storage,
	transaction: ClientTransactionKey | undefined,
): Promise<string | undefined> {
	const stored = transaction && (await storage.clientTransactions.find(transaction));
	const id = isJsonObject(stored?.answer) ? stored.answer['delay_id'] : undefined;
	return typeof id === 'string' ? id : undefined;
}

async function add(
	{storage, clock, random}: ScheduleContext,
	userId: UserId,
	roomId: RoomId,
	{type, stateKey, content, delayMs, transaction}: NewDelayedEvent,
): Promise<string> {
	const [delayId, nowMs] = [newOpaqueId(random), clock.now()];
	const batch = storage.batch();
	const pos = storage.stream.head();
	const row = {delayId, userId, roomId, type, stateKey: stateKey ?? null, content, delayMs, runningSinceTs: nowMs, pos};
	storage.delayedEvents.add(batch, row);
	storage.jobs.add(batch, {kind: SEND_DELAYED_EVENT, key: delayId, payload: {}, dueTs: nowMs + delayMs});
	if (transaction !== undefined) {
		storage.clientTransactions.add(batch, {...transaction, answer: {delay_id: delayId}, ts: nowMs});
	}
	await storage.commit(batch);
	return delayId;
}

function checkEvent({type, content, delayMs}: NewDelayedEvent): void {
	if (delayMs > DELAY_MS_MAX) {
		throw new DelayedEventsError('delay-too-long', `Expected a delay of at most ${DELAY_MS_MAX} ms`);
	}
	const relation = content['m.relates_to'];
	if (notDelayed.has(type) || (isJsonObject(relation) && relation['rel_type'] === 'm.annotation')) {
		throw new DelayedEventsError('bad-event', 'Memberships, redactions and reactions cannot be delayed');
	}
	let text: string;
	try {
		// Read back as it will be: a fraction, which some room versions know, is not kept as it was sent.
		text = canonicalJson(JSON.parse(canonicalJson(content)) as JsonObject);
	} catch (error) {
		if (!(error instanceof CanonicalJsonError)) throw error;
		throw new DelayedEventsError('bad-event', 'The content has numbers or texts that no event may hold', {
			cause: error,
		});
	}
	if (Buffer.byteLength(text) > CONTENT_BYTES_MAX) {
		throw new DelayedEventsError('bad-event', 'The content is longer than an event may be');
	}
}
