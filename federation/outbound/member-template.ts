import {
	type EventId,
	isEventId,
	isUserId,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Engine} from '../engine/index.ts';
import {findRoomVersion, type Pdu, ROOM_VERSIONS} from '../rooms/index.ts';
import {type FederationClient, path} from './client.ts';
import {OutboundError} from './errors.ts';
import {asObject} from './key-document.ts';

/** A membership that a resident server prepares an event for. */
export interface MembershipWanted {
	readonly membership: 'join' | 'knock' | 'leave';
	readonly roomId: RoomId;
	readonly userId: UserId;
	/** What goes into the event's content beside `membership`. */
	readonly content: JsonObject;
}

/** What an event may refer to. @see https://spec.matrix.org/v1.19/rooms/v1/#event-format */
const PREV_EVENTS_MAX = 20;
const AUTH_EVENTS_MAX = 10;
/** One event, and little around it; the server may have to work out the room's state for it. */
const LIMITS = {timeoutMs: 60_000, responseBytesMax: 131_072} as const;

/**
 * Asks a resident server for what a member event of one of our users must refer to, and makes and signs that event. Only
 * references are taken from the answer: a server that prepares another event than the one asked for gets nothing signed
 * (threats B2).
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid
 * @throws OutboundError; `bad_response` for an answer that is not the event asked for.
 */
export async function makeMemberEvent(
	client: Pick<FederationClient, 'request'>,
	engine: Pick<Engine, 'signFromProto'>,
	server: ServerName,
	wanted: MembershipWanted,
): Promise<Pdu> {
	const {membership, roomId, userId} = wanted;
	const answer = await client.request({
		destination: server,
		method: 'GET',
		path: path`/_matrix/federation/v1/${`make_${membership}`}/${roomId}/${userId}`,
		// Leaving asks for no versions: whatever room it is, we want out of it.
		query: membership === 'leave' ? {} : {ver: ROOM_VERSIONS.map(({id}) => id)},
		limits: LIMITS,
	});
	const body = asObject(answer.body);
	const named = body?.['room_version'] ?? '1';
	const version = typeof named === 'string' ? findRoomVersion(named) : undefined;
	if (version === undefined) throw bad('a room version that we know');
	const template = asObject(body?.['event']);
	if (template === undefined) throw bad('an event');
	checkTemplate(template, wanted);
	const isPairs = version.eventReferences === 'pairs';
	const authoriser = asObject(template['content'])?.['join_authorised_via_users_server'];
	const isRestricted = membership === 'join' && version.hasRestrictedJoins && isUserId(authoriser);
	const depth = template['depth'];
	if (typeof depth !== 'number' || depth < 0) throw bad('a depth');
	// Whose authorisation it is stands in the template alone, never in what a client wrote.
	const {join_authorised_via_users_server: _, ...content} = wanted.content;
	return engine.signFromProto({
		version: version.id,
		roomId,
		event: {
			type: 'm.room.member',
			sender: userId,
			stateKey: userId,
			content: {...content, membership, ...(isRestricted && {join_authorised_via_users_server: authoriser})},
		},
		prevEvents: readReferences(template['prev_events'], isPairs, PREV_EVENTS_MAX),
		authEvents: readReferences(template['auth_events'], isPairs, AUTH_EVENTS_MAX),
		depth,
	});
}

/** The checks that the specification demands of templates. */
function checkTemplate(template: JsonObject, {membership, roomId, userId}: MembershipWanted): void {
	const {type, room_id: room, sender, state_key: stateKey} = template;
	const isRight =
		type === 'm.room.member' &&
		room === roomId &&
		sender === userId &&
		stateKey === userId &&
		asObject(template['content'])?.['membership'] === membership;
	if (!isRight) throw bad('the event that was asked for');
}

function readReferences(value: JsonValue | undefined, isPairs: boolean, countMax: number): EventId[] {
	if (!Array.isArray(value) || value.length > countMax) throw bad(`at most ${countMax} references`);
	const ids = value.map((reference) => (isPairs && Array.isArray(reference) ? reference[0] : reference));
	const events = ids.filter(isEventId);
	if (events.length < ids.length) throw bad('event ids');
	return events;
}

function bad(expected: string): OutboundError {
	return new OutboundError('bad_response', `Expected ${expected} in the template`);
}
