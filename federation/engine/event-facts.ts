import {canonicalJson, type ServerName} from '../../crypto/index.ts';
import type {Change} from '../../storage/index.ts';
import type {Pdu} from '../rooms/index.ts';
import type {Redacted} from './draft.ts';
import {parentOf, relationOf} from './relations.ts';
import type {KnownEvent} from './stored-events.ts';

/**
 * Whoever holds the redacted event rendered must let go of it, and who holds what relates to an event, of that; no
 * timeline may show an event as if nothing were missing before it; and a server that is not in the room is told of the end
 * of what its user waited for.
 */
export function extraOf(
	pdu: Pdu,
	{
		redacted,
		isAfterGap = false,
		endsOf,
	}: {
		readonly redacted?: Redacted | undefined;
		readonly isAfterGap?: boolean;
		readonly endsOf?: ServerName | undefined;
	},
): Pick<Change, 'extra'> {
	const parent = redacted ? redacted.parent : parentOf(pdu);
	if (!redacted && parent === undefined && !isAfterGap && endsOf === undefined) return {};
	return {
		extra: {
			...(redacted && {redacted: redacted.nid}),
			...(parent !== undefined && {relates_to: parent}),
			...(isAfterGap && {after_gap: true}),
			...(endsOf !== undefined && {ends_of: endsOf}),
		},
	};
}

/** What a row holds of an event itself, whatever becomes of it. */
export function eventFacts({pdu, nid}: KnownEvent, receivedTs: number) {
	const relation = relationOf(pdu);
	return {
		nid,
		eventId: pdu.eventId,
		roomId: pdu.roomId,
		type: pdu.type,
		stateKey: pdu.stateKey ?? null,
		sender: pdu.sender,
		depth: pdu.depth,
		originServerTs: pdu.originServerTs,
		receivedTs,
		relatesTo: relation?.eventId ?? null,
		relType: relation?.relType ?? null,
		json: canonicalJson(pdu.json),
	};
}
