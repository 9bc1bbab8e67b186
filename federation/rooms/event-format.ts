import {
	CanonicalJsonError,
	canonicalJson,
	type EventId,
	findCanonicalFault,
	isEventId,
	isEventIdOfShape,
	isDomainRoomId,
	isHashRoomId,
	isUserId,
	type JsonObject,
	type JsonValue,
	LosslessNumber,
	type RoomId,
} from '../../crypto/index.ts';
import {calculateEventId, roomIdOfCreateEvent} from './event-hashes.ts';
import {isJsonObject} from './json-object.ts';
import type {Pdu, PduSignatures, RoomVersionId} from './pdu.ts';
import {type RoomVersion, roomVersion} from './versions.ts';

/** The largest event: canonical JSON in federation format, signatures included. @see https://spec.matrix.org/v1.19/client-server-api/#size-limits */
export const EVENT_BYTES_MAX = 65_536;
/** The largest `type` and `state_key`; identifiers have the same limit. */
export const FIELD_BYTES_MAX = 255;
export const PREV_EVENTS_MAX = 20;
export const AUTH_EVENTS_MAX = 10;

/** Why an event is not one: it is dropped, unlike one that the authorisation rules reject. */
export interface FormatFault {
	/** `size`: beyond a limit in bytes. `json`: numbers that the room version forbids. `form`: anything else. */
	readonly code: 'form' | 'json' | 'size';
	/** The field at fault; absent for the event as a whole. */
	readonly field?: string;
	readonly reason: string;
}

/** An event, or why it is none. */
export type ParsedPdu = {readonly ok: true; readonly pdu: Pdu} | {readonly ok: false; readonly fault: FormatFault};

export interface ParseOptions {
	/** Answers to `/backfill` and the like may exceed the numbers of `prev_events` and `auth_events`: true lets them. */
	readonly allowManyReferences?: boolean;
}

/** Thrown and caught only within this file: reading a field either gives a value or ends the whole. */
class Refusal extends Error {
	readonly fault: FormatFault;
	constructor(fault: FormatFault) {
		super(fault.reason);
		this.fault = fault;
	}
}

/**
 * Reads an event in federation format as the strict reader gave it. What the sender's word is not to be taken for
 * (`unsigned`, `age_ts`, from version 3 on `event_id`) is left out; the id is calculated. Neither hash nor signatures
 * are checked. Never throws for content.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function parsePdu(value: JsonValue | undefined, version: RoomVersionId, options: ParseOptions = {}): ParsedPdu {
	try {
		if (!isJsonObject(value)) throw refusal('form', undefined, 'Expected an object');
		return {ok: true, pdu: readPdu(value, roomVersion(version), options)};
	} catch (error) {
		if (error instanceof Refusal) return {ok: false, fault: error.fault};
		if (error instanceof CanonicalJsonError) return {ok: false, fault: {code: 'json', reason: error.message}};
		throw error;
	}
}

function readPdu(received: JsonObject, version: RoomVersion, options: ParseOptions): Pdu {
	const json = withoutUntrusted(received, version);
	checkNumbers(json, version);
	const type = readShortText(json, 'type');
	const stateKey = json['state_key'] === undefined ? undefined : readShortText(json, 'state_key');
	const {sender, content} = json;
	if (!isUserId(sender)) throw refusal('form', 'sender', 'Expected a user id');
	if (!isJsonObject(content)) throw refusal('form', 'content', 'Expected an object');
	const hashes = json['hashes'];
	if (!isJsonObject(hashes) || typeof hashes['sha256'] !== 'string') {
		throw refusal('form', 'hashes', 'Expected an object with sha256');
	}
	const redacts = readRedacts(json, type, version);
	const fields = {
		roomVersion: version.id,
		type,
		sender,
		...(stateKey === undefined ? {} : {stateKey}),
		content,
		depth: readDepth(json, version),
		originServerTs: readTimestamp(json),
		prevEvents: readReferences(json, 'prev_events', version, options.allowManyReferences ? undefined : PREV_EVENTS_MAX),
		authEvents: readReferences(json, 'auth_events', version, options.allowManyReferences ? undefined : AUTH_EVENTS_MAX),
		...(redacts === undefined ? {} : {redacts}),
		signatures: readSignatures(json),
		json,
	};
	checkSize(canonicalJson(json));
	const eventId = readEventId(json, version);
	return {...fields, eventId, roomId: readRoomId(json, type, eventId, version)};
}

function refusal(code: FormatFault['code'], field: string | undefined, reason: string): Refusal {
	return new Refusal({code, ...(field === undefined ? {} : {field}), reason});
}

/** Keys which any server on the way could have written, and which no hash or signature of an honest event covers. */
function withoutUntrusted(received: JsonObject, version: RoomVersion): JsonObject {
	const {unsigned: _unsigned, age_ts: _ageTs, event_id: eventId, ...json} = received;
	if (version.eventIds === 'domain' && eventId !== undefined) json['event_id'] = eventId;
	return json;
}

function checkNumbers(json: JsonObject, version: RoomVersion): void {
	if (!version.isStrictJson) return;
	const fault = findCanonicalFault(json);
	if (fault === 'number') throw refusal('json', undefined, 'Expected integers from -(2^53)+1 to (2^53)-1');
	if (fault !== undefined) throw refusal('json', undefined, `Expected canonical JSON, got a fault of ${fault}`);
}

function readShortText(json: JsonObject, field: string): string {
	const value = json[field];
	if (typeof value !== 'string') throw refusal('form', field, 'Expected a string');
	if (exceedsBytes(value, FIELD_BYTES_MAX)) throw refusal('size', field, `Expected at most ${FIELD_BYTES_MAX} bytes`);
	return value;
}

/** Reads `depth`; what exceeds the largest integer of ours counts as that, so that it can be counted with. */
function readDepth(json: JsonObject, version: RoomVersion): number {
	const depth = readInteger(json['depth'], BigInt(version.depthMax));
	if (depth === undefined || depth < 0) {
		throw refusal('form', 'depth', `Expected an integer from 0 to ${version.depthMax}`);
	}
	return Math.min(depth, Number.MAX_SAFE_INTEGER);
}

const int64Max = 2n ** 63n - 1n;

function readTimestamp(json: JsonObject): number {
	const timestamp = readInteger(json['origin_server_ts'], int64Max);
	if (timestamp === undefined) throw refusal('form', 'origin_server_ts', 'Expected an integer of 64 bits');
	return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(timestamp, Number.MAX_SAFE_INTEGER));
}

/** Longest text of a 64-bit integer. */
const integerCharactersMax = 20;

function readInteger(value: JsonValue | undefined, max: bigint): number | undefined {
	if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
	if (!(value instanceof LosslessNumber) || value.raw.length > integerCharactersMax || !/^-?\d+$/.test(value.raw)) {
		return undefined;
	}
	const integer = BigInt(value.raw);
	return integer <= max && integer >= -max ? Number(integer) : undefined;
}

function readReferences(
	json: JsonObject,
	field: 'auth_events' | 'prev_events',
	version: RoomVersion,
	max: number | undefined,
): EventId[] {
	const value = json[field];
	if (!Array.isArray(value)) throw refusal('form', field, 'Expected an array');
	if (max !== undefined && value.length > max) throw refusal('form', field, `Expected at most ${max} events`);
	return value.map((reference) => {
		const id = version.eventReferences === 'pairs' ? idOfPair(reference) : reference;
		// Versions 3 and later name events by their hash, but a wrong name here only leads to no event.
		if (!isEventId(id)) throw refusal('form', field, 'Expected event ids');
		return id;
	});
}

function idOfPair(reference: JsonValue): JsonValue | undefined {
	if (!Array.isArray(reference) || reference.length !== 2 || !isJsonObject(reference[1])) return undefined;
	return reference[0];
}

function readRedacts(json: JsonObject, type: string, version: RoomVersion): EventId | undefined {
	if (type !== 'm.room.redaction') return undefined;
	if (version.redactsIn === 'content') {
		// `content` is not judged here: a malformed target is none.
		const {redacts} = json['content'] as JsonObject;
		return isEventId(redacts) ? redacts : undefined;
	}
	const {redacts} = json;
	if (redacts === undefined) return undefined;
	if (typeof redacts !== 'string') throw refusal('form', 'redacts', 'Expected a string');
	return isEventId(redacts) ? redacts : undefined;
}

function readSignatures(json: JsonObject): PduSignatures {
	const {signatures} = json;
	if (!isJsonObject(signatures)) throw refusal('form', 'signatures', 'Expected an object');
	for (const byKey of Object.values(signatures)) {
		if (!isJsonObject(byKey) || !Object.values(byKey).every((signature) => typeof signature === 'string')) {
			throw refusal('form', 'signatures', 'Expected signatures by server and key id');
		}
	}
	return signatures as unknown as PduSignatures;
}

function readEventId(json: JsonObject, version: RoomVersion): EventId {
	const calculated = calculateEventId(version.id, json);
	if (calculated !== undefined) return calculated;
	const {event_id: eventId} = json;
	if (!isEventIdOfShape(eventId, 'domain')) throw refusal('form', 'event_id', 'Expected an event id');
	return eventId;
}

function readRoomId(json: JsonObject, type: string, eventId: EventId, version: RoomVersion): RoomId {
	const {room_id: roomId} = json;
	if (version.roomIds === 'create-event-hash') {
		// A create event that names a room besides is rejected by authorisation rule 1.2.
		if (type === 'm.room.create') return roomIdOfCreateEvent(eventId);
		if (!isHashRoomId(roomId)) throw refusal('form', 'room_id', 'Expected ! and a hash');
		return roomId;
	}
	if (!isDomainRoomId(roomId)) throw refusal('form', 'room_id', 'Expected a room id');
	return roomId;
}

function checkSize(canonical: string): void {
	if (exceedsBytes(canonical, EVENT_BYTES_MAX)) {
		throw refusal('size', undefined, `Expected at most ${EVENT_BYTES_MAX} bytes of canonical JSON`);
	}
}

const encoder = new TextEncoder();

/** Tells whether a text is longer than so many bytes of UTF-8. */
export function exceedsBytes(text: string, bytesMax: number): boolean {
	// A UTF-16 unit is at least one byte and at most three.
	if (text.length > bytesMax) return true;
	return text.length * 3 > bytesMax && encoder.encode(text).length > bytesMax;
}
