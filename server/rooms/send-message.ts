import {
	type EventId,
	isEventId,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type RoomId,
} from '../../crypto/index.ts';
import {isRelation} from '../../federation/engine/index.ts';
import type {ClientTransactionKey} from '../../storage/index.ts';
import {readAnnotation, sendAnnotation} from './annotate.ts';
import {
	type Actor,
	findSent,
	isJoined,
	mustBeJoined,
	mustNotBeSuspended,
	type RoomsContext,
	sendAllowed,
} from './context.ts';
import {notInRoom, RoomsError} from './errors.ts';
import {type NewRedaction, redactNow} from './redact.ts';

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
		await mustBeginThread(context, roomId, relation);
	}
	const event = {type, sender: actor.userId, content};
	const annotation = readAnnotation(actor.userId, type, relation);
	if (annotation) return sendAnnotation(context, roomId, event, annotation, transaction);
	return (await sendAllowed(context, roomId, event, {transaction})).eventId;
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

/** @see https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships */
async function mustBeginThread(
	{storage}: RoomsContext,
	roomId: RoomId,
	relation: JsonValue | undefined,
): Promise<void> {
	if (!isJsonObject(relation) || relation['rel_type'] !== 'm.thread' || !isEventId(relation['event_id'])) return;
	const root = await storage.events.findById(relation['event_id']);
	if (root?.roomId === roomId && isRelation(root.relType)) {
		throw new RoomsError('nested-thread', 'A thread cannot begin at an event that relates to another one');
	}
}
