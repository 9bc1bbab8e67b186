import type {JsonObject} from '../../crypto/index.ts';
import type {Pdu} from './pdu.ts';

export interface ClientEventOptions {
	/** What this server says about the event to this viewer; absent for nothing. */
	readonly unsigned?: JsonObject;
	/** Answers that are grouped by room, as `/sync`, leave `room_id` out. */
	readonly withoutRoomId?: boolean;
}

/**
 * Gives an event as clients and application services see it. Only what the specification names goes out, so nothing
 * that a sender put beside it passes for the server's word. A redaction names its target at the top level and in
 * `content`, whatever the room version.
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-event-format
 */
export function toClientEvent(pdu: Pdu, {unsigned, withoutRoomId}: ClientEventOptions = {}): JsonObject {
	const event: JsonObject = {
		content: pdu.redacts === undefined ? pdu.content : {...pdu.content, redacts: pdu.redacts},
		event_id: pdu.eventId,
		origin_server_ts: pdu.originServerTs,
		sender: pdu.sender,
		type: pdu.type,
	};
	if (!withoutRoomId) event['room_id'] = pdu.roomId;
	if (pdu.stateKey !== undefined) event['state_key'] = pdu.stateKey;
	if (pdu.redacts !== undefined) event['redacts'] = pdu.redacts;
	if (unsigned !== undefined) event['unsigned'] = unsigned;
	return event;
}

/**
 * Gives the four keys by which a state event is shown to users who are not in the room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function toStrippedState(pdu: Pdu): JsonObject {
	return {content: pdu.content, sender: pdu.sender, state_key: pdu.stateKey ?? '', type: pdu.type};
}

/** Gives an event as it travels between servers, with what this server has to say about it. */
export function toFederationEvent(pdu: Pdu, unsigned?: JsonObject): JsonObject {
	return unsigned === undefined ? pdu.json : {...pdu.json, unsigned};
}
