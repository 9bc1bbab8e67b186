import {type EventId, isEventId, type JsonObject, LosslessNumber} from '../../crypto/index.ts';
import type {Pdu} from '../rooms/index.ts';

/** The relation type under which a redaction is found from the event it names; no client can send it as a relation. */
export const REDACTION_RELATION = 'm.room.redaction';

/** Bytes of a relation's type: longer ones are no word that anybody would ask for, and no database could index them. */
const REL_TYPE_BYTES_MAX = 255;

/**
 * Gives the relation of an event: the event it names in `content.m.relates_to`, or the event that a redaction redacts.
 * What has not the form of a relation is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events
 */
export function relationOf(pdu: Pdu): {readonly relType: string; readonly eventId: EventId} | undefined {
	if (pdu.redacts !== undefined) return {relType: REDACTION_RELATION, eventId: pdu.redacts};
	const relatesTo = relatesToOf(pdu);
	if (!relatesTo) return undefined;
	const relType = relatesTo['rel_type'];
	const eventId = relatesTo['event_id'];
	if (typeof relType !== 'string' || relType === REDACTION_RELATION || !isEventId(eventId)) return undefined;
	return Buffer.byteLength(relType) > REL_TYPE_BYTES_MAX ? undefined : {relType, eventId};
}

/** Gives the event whose relations change when an event comes, or is redacted. */
export function parentOf(pdu: Pdu): EventId | undefined {
	return pdu.redacts === undefined ? relationOf(pdu)?.eventId : undefined;
}

/** Gives the `m.relates_to` of a content, if it is an object. */
export function relatesToOf(event: {readonly content: JsonObject}): JsonObject | undefined {
	const relatesTo = Object.hasOwn(event.content, 'm.relates_to') ? event.content['m.relates_to'] : undefined;
	if (relatesTo === null || typeof relatesTo !== 'object') return undefined;
	return Array.isArray(relatesTo) || relatesTo instanceof LosslessNumber ? undefined : relatesTo;
}

/** Whether the type of a stored event's relation is one that people make: a redaction's is the engine's own. */
export function isRelation(relType: string | null): relType is string {
	return relType !== null && relType !== REDACTION_RELATION;
}
