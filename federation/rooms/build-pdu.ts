import type {EventId, JsonObject, JsonValue, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import {contentHash} from './event-hashes.ts';
import {type ParsedPdu, parsePdu} from './event-format.ts';
import {emptyJsonObject} from './json-object.ts';
import type {RoomVersionId} from './pdu.ts';
import {type RoomVersion, roomVersion} from './versions.ts';

/** What makes up an event of ours. */
export interface EventFields {
	readonly roomVersion: RoomVersionId;
	/** Absent for the create event of version 12 and later, and only there. */
	readonly roomId?: RoomId | undefined;
	readonly type: string;
	readonly sender: UserId;
	readonly stateKey?: string | undefined;
	readonly content: JsonObject;
	/** Greater values than the room version allows are lowered to its limit. */
	readonly depth: number;
	readonly originServerTs: number;
	readonly prevEvents: readonly EventId[];
	readonly authEvents: readonly EventId[];
	/** The target of a redaction, put where the room version wants it. */
	readonly redacts?: EventId | undefined;
	/** Versions 1 and 2 only, and needed there: the event's id, `$opaque:server`. */
	readonly eventId?: EventId | undefined;
	/** Versions 1 and 2 only: the reference hash of each event named; an unknown one is left out of its pair. */
	readonly referenceHashes?: ReadonlyMap<EventId, string> | undefined;
	/** Who will sign and with which key, so that the size limit counts their signatures. */
	readonly signers?: readonly {readonly serverName: ServerName; readonly keyId: string}[] | undefined;
}

/** Characters of a SHA-256 hash in unpadded base64. */
const hashLength = 43;
/** Characters of an ed25519 signature in unpadded base64. */
const signatureLength = 86;

/**
 * Makes an event with its hash and id, ready to be signed: `signatures` is empty. Content from a client may be refused
 * for the same reasons as that of another server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function buildPdu(fields: EventFields): ParsedPdu {
	const version = roomVersion(fields.roomVersion);
	const json = fieldsToJson(fields, version);
	// Judged first with stand-ins of the final size, because hashing knows no form for some numbers.
	json['hashes'] = {sha256: 'A'.repeat(hashLength)};
	json['signatures'] = placeholders(fields);
	const judged = parsePdu(json, fields.roomVersion);
	if (!judged.ok) return judged;
	json['hashes'] = {sha256: contentHash(json)};
	json['signatures'] = {};
	return parsePdu(json, fields.roomVersion);
}

function fieldsToJson(fields: EventFields, version: RoomVersion): JsonObject {
	const json = emptyJsonObject();
	const isRoomIdDerived = version.roomIds === 'create-event-hash' && fields.type === 'm.room.create';
	if (isRoomIdDerived === (fields.roomId !== undefined)) {
		throw new TypeError(`Expected ${isRoomIdDerived ? 'no room id' : 'a room id'} for this event`);
	}
	if (fields.roomId !== undefined) json['room_id'] = fields.roomId;
	if (version.eventIds === 'domain') {
		if (fields.eventId === undefined) throw new TypeError('Expected an event id in this room version');
		json['event_id'] = fields.eventId;
	}
	json['type'] = fields.type;
	json['sender'] = fields.sender;
	if (fields.stateKey !== undefined) json['state_key'] = fields.stateKey;
	json['content'] = fields.content;
	if (fields.redacts !== undefined) {
		if (version.redactsIn === 'content') json['content'] = {...fields.content, redacts: fields.redacts};
		else json['redacts'] = fields.redacts;
	}
	json['depth'] = Math.min(fields.depth, Number.MAX_SAFE_INTEGER);
	json['origin_server_ts'] = fields.originServerTs;
	json['prev_events'] = references(fields.prevEvents, fields, version);
	json['auth_events'] = references(fields.authEvents, fields, version);
	return json;
}

function references(ids: readonly EventId[], {referenceHashes}: EventFields, version: RoomVersion): JsonValue[] {
	if (version.eventReferences === 'ids') return [...ids];
	return ids.map((id): JsonValue => {
		const sha256 = referenceHashes?.get(id);
		const hashes: JsonObject = sha256 === undefined ? {} : {sha256};
		return [id, hashes];
	});
}

function placeholders({signers}: EventFields): JsonObject {
	const signatures = emptyJsonObject();
	for (const {serverName, keyId} of signers ?? []) {
		const byKey = (signatures[serverName] ?? emptyJsonObject()) as JsonObject;
		byKey[keyId] = 'A'.repeat(signatureLength);
		signatures[serverName] = byKey;
	}
	return signatures;
}
