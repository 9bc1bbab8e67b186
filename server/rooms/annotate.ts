import {
	type EventId,
	isEventId,
	isJsonObject,
	type JsonValue,
	type RoomId,
	sha256Base64Url,
	type UserId,
} from '../../crypto/index.ts';
import type {EventTemplate} from '../../federation/engine/index.ts';
import type {ClientTransactionKey} from '../../storage/index.ts';
import {type RoomsContext, sendAllowed} from './context.ts';
import {RoomsError} from './errors.ts';

/** What makes an annotation the same as another one: who makes it, of which event, of what type, with which key. */
export type AnnotationDigest = string;

/** Gives the digest of the annotation that an event is; `undefined` where it is none. */
export function readAnnotation(
	userId: UserId,
	type: string,
	relation: JsonValue | undefined,
): AnnotationDigest | undefined {
	if (!isJsonObject(relation) || relation['rel_type'] !== 'm.annotation') return undefined;
	const {event_id: eventId, key} = relation;
	if (!isEventId(eventId) || typeof key !== 'string') return undefined;
	return sha256Base64Url(JSON.stringify([userId, eventId, type, key]));
}

/**
 * Sends an annotation, unless the same one stands. In this process the same ones go one after the other; of several
 * processes the database lets one through, and the others look again.
 * @see https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations
 * @throws RoomsError 'duplicate-annotation', 'forbidden'
 */
export function sendAnnotation(
	context: RoomsContext,
	roomId: RoomId,
	event: EventTemplate,
	digest: AnnotationDigest,
	transaction: ClientTransactionKey,
): Promise<EventId> {
	const {relations} = context.storage;
	return context.annotations.run(`${roomId} ${digest}`, async () => {
		const sent = await sendAllowed(context, roomId, event, {
			transaction,
			async condition() {
				if ((await relations.findAnnotation(roomId, digest)) === undefined) return;
				throw new RoomsError('duplicate-annotation', 'The same annotation was sent before');
			},
			alsoWrite(batch, {pdus: [pdu]}) {
				if (pdu) relations.addAnnotation(batch, {roomId, digest, eventId: pdu.eventId});
			},
		});
		return sent.eventId;
	});
}
