import type {JsonObject, JsonValue} from '../../crypto/index.ts';
import {emptyJsonObject, isJsonObject} from './json-object.ts';
import type {Pdu, RoomVersionId} from './pdu.ts';
import {type RedactionRules, roomVersion} from './versions.ts';

/**
 * Strips an event in federation format to what its room version protects. The same form is shown after a redaction, is
 * signed, and gives the event its id. Never changes what it is given.
 * @see https://spec.matrix.org/v1.19/client-server-api/#redactions
 */
export function redactJson(version: RoomVersionId, json: JsonObject): JsonObject {
	const {redaction} = roomVersion(version);
	const redacted = emptyJsonObject();
	for (const key of redaction.topLevel) {
		const value = json[key];
		if (value !== undefined && Object.hasOwn(json, key)) redacted[key] = value;
	}
	const {type, content} = json;
	redacted['content'] = isJsonObject(content) ? redactContent(redaction, type, content) : emptyJsonObject();
	return redacted;
}

function redactContent(redaction: RedactionRules, type: JsonValue | undefined, content: JsonObject): JsonObject {
	const kept = typeof type === 'string' && Object.hasOwn(redaction.content, type) ? redaction.content[type] : undefined;
	if (kept === 'all') return content;
	const redacted = emptyJsonObject();
	for (const key of kept ?? []) {
		const value = content[key];
		if (value !== undefined) redacted[key] = value;
	}
	const invite = content['third_party_invite'];
	if (redaction.keepsSignedThirdPartyInvite && type === 'm.room.member' && isJsonObject(invite)) {
		const reduced = emptyJsonObject();
		if (invite['signed'] !== undefined) reduced['signed'] = invite['signed'];
		// An object without `signed` stays as an empty one, as Synapse has it: the event's id depends on it.
		redacted['third_party_invite'] = reduced;
	}
	return redacted;
}

/** Gives the event as it is after a redaction: same id, same place in the room, only protected content. */
export function redactPdu(pdu: Pdu): Pdu {
	const json = redactJson(pdu.roomVersion, pdu.json);
	const {redacts, ...rest} = pdu;
	const content = json['content'] as JsonObject;
	const isTargetKept = redacts !== undefined && content['redacts'] === redacts;
	return {...rest, content, json, ...(isTargetKept ? {redacts} : {})};
}
