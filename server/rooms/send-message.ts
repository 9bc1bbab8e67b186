import {
	type EventId,
	isEventId,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type RoomId,
} from '../../crypto/index.ts';
import type {ClientTransactionKey} from '../../storage/index.ts';
import {type Actor, isJoined, mustBeJoined, mustNotBeSuspended, type RoomsContext, sendAllowed} from './context.ts';
import {notInRoom, RoomsError} from './errors.ts';
import {mayRedact} from './redact.ts';

/** Reactions to one event that are looked through for a repetition. */
const REACTIONS_MAX = 1_000;

/** A message as a client sends it. */
export interface NewMessage {
	readonly type: string;
	readonly content: JsonObject;
	/** A repetition of the same request gets the same event. */
	readonly transaction: ClientTransactionKey;
}

/**
 * Sends an event that is not state.
 * @throws RoomsError 'not-in-room', 'forbidden', 'bad-event', 'duplicate-annotation', 'nested-thread'; for redactions
 * also 'not-found'
 */
export async function sendMessage(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	{type, content, transaction}: NewMessage,
): Promise<EventId> {
	const isMember = await isJoined(context, roomId, actor.userId);
	const relation = content['m.relates_to'];
	const isPlain = isMember && type !== 'm.room.redaction' && relation === undefined && !actor.isSuspended;
	if (!isPlain) {
		// The engine knows repetitions itself, but nothing that is refused before may come between.
		const sent = await findSent(context, transaction);
		if (sent !== undefined) return sent;
		if (!isMember) throw notInRoom();
		if (type === 'm.room.redaction') {
			const {redacts, ...rest} = content;
			if (!isEventId(redacts)) throw new RoomsError('bad-event', "'redacts' is wrong: expected an event id");
			return redactNow(context, actor, roomId, {redacts, content: rest, transaction});
		}
		mustNotBeSuspended(actor);
		await checkRelation(context, actor, roomId, type, relation);
	}
	const event = {type, sender: actor.userId, content};
	return (await sendAllowed(context, roomId, event, {transaction})).eventId;
}

/** What a client says to take an event's content away. */
export interface NewRedaction {
	readonly redacts: EventId;
	/** Such as `reason`. */
	readonly content: JsonObject;
	readonly transaction: ClientTransactionKey;
}

/**
 * Takes the content of an event away.
 * @see https://spec.matrix.org/v1.19/client-server-api/#redactions
 * @throws RoomsError 'not-in-room', 'forbidden', 'not-found'
 */
export async function redact(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	redaction: NewRedaction,
): Promise<EventId> {
	const sent = await findSent(context, redaction.transaction);
	if (sent !== undefined) return sent;
	await mustBeJoined(context, roomId, actor.userId);
	return redactNow(context, actor, roomId, redaction);
}

async function redactNow(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	{redacts, content, transaction}: NewRedaction,
): Promise<EventId> {
	const target = await mayRedact(context, actor, roomId, redacts);
	// A suspended person may take back what they said themselves, and nothing more.
	if (target.sender !== actor.userId) mustNotBeSuspended(actor);
	const event = {type: 'm.room.redaction', sender: actor.userId, content, redacts};
	return (await sendAllowed(context, roomId, event, {transaction})).eventId;
}

/** Finds what a repeated request sent: it is answered alike whatever has become of the room meanwhile. */
async function findSent({storage}: RoomsContext, transaction: ClientTransactionKey): Promise<EventId | undefined> {
	const stored = await storage.clientTransactions.find(transaction);
	const answer = stored?.answer;
	return isJsonObject(answer) && isEventId(answer['event_id']) ? answer['event_id'] : undefined;
}

async function checkRelation(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	type: string,
	relation: JsonValue | undefined,
): Promise<void> {
	if (!isJsonObject(relation) || !isEventId(relation['event_id'])) return;
	const {event_id: eventId, rel_type: relType, key} = relation;
	if (relType === 'm.thread') {
		const root = await context.storage.events.findById(eventId);
		// https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships
		if (root?.roomId === roomId && root.relType !== null) {
			throw new RoomsError('nested-thread', 'A thread cannot begin at an event that relates to another one');
		}
	} else if (relType === 'm.annotation' && typeof key === 'string') {
		await mustBeNew(context, actor, roomId, {eventId, type, key});
	}
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations */
async function mustBeNew(
	{storage, engine}: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	{eventId, type, key}: {readonly eventId: EventId; readonly type: string; readonly key: string},
): Promise<void> {
	const page = {roomId, eventId, relType: 'm.annotation', type, direction: 'backwards', limit: REACTIONS_MAX} as const;
	const own = (await storage.events.listRelations(page)).filter(
		(row) => row.sender === userId && row.redactedBy === null,
	);
	const isThere = (await engine.readRows(own)).some(({pdu}) => {
		const relation = pdu.content['m.relates_to'];
		return isJsonObject(relation) && relation['key'] === key;
	});
	if (isThere) throw new RoomsError('duplicate-annotation', 'The same annotation was sent before');
}
