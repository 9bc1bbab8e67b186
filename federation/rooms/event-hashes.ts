import {
	canonicalJson,
	decodeBase64,
	type EventId,
	encodeBase64,
	type JsonObject,
	type RoomId,
	sha256Base64,
	sha256Base64Url,
} from '../../crypto/index.ts';
import {isJsonObject} from './json-object.ts';
import type {RoomVersionId} from './pdu.ts';
import {redactJson} from './redact.ts';
import {roomVersion} from './versions.ts';

/**
 * Calculates the content hash of an event in federation format: unpadded base64, as in `hashes.sha256`. Throws
 * `CanonicalJsonError` for JSON that has no canonical form.
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(json: JsonObject): string {
	const {unsigned: _unsigned, signatures: _signatures, hashes: _hashes, ...covered} = json;
	return sha256Base64(canonicalJson(covered));
}

/** Tells whether the content hash written in an event is right; where it is not, only the redacted form counts. */
export function hasRightContentHash(json: JsonObject): boolean {
	const {hashes} = json;
	const written = isJsonObject(hashes) ? hashes['sha256'] : undefined;
	if (typeof written !== 'string') return false;
	const right = contentHash(json);
	if (written === right) return true;
	// What other servers decode to the same bytes is the same hash, however it is padded.
	const bytes = decodeBase64(written, {padding: true, trailingBits: true});
	return bytes !== undefined && encodeBase64(bytes) === right;
}

/**
 * Gives what the signatures and the reference hash of an event cover: its redacted form without `signatures` and
 * `unsigned`.
 */
export function signedForm(version: RoomVersionId, json: JsonObject): JsonObject {
	const form = redactJson(version, json);
	delete form['signatures'];
	return form;
}

/**
 * Calculates the reference hash of an event: unpadded base64 of the standard alphabet, as in the pairs of
 * `prev_events` of room versions 1 and 2.
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(version: RoomVersionId, json: JsonObject): string {
	return sha256Base64(canonicalJson(signedForm(version, json)));
}

/** Calculates an event's id from its reference hash; undefined in versions 1 and 2, whose events carry theirs. */
export function calculateEventId(version: RoomVersionId, json: JsonObject): EventId | undefined {
	const {eventIds} = roomVersion(version);
	if (eventIds === 'domain') return undefined;
	const covered = canonicalJson(signedForm(version, json));
	return `$${eventIds === 'base64' ? sha256Base64(covered) : sha256Base64Url(covered)}` as EventId;
}

/** Gives the id of the room which a create event makes, from room version 12 on. */
export function roomIdOfCreateEvent(eventId: EventId): RoomId {
	return `!${eventId.slice(1)}` as RoomId;
}
