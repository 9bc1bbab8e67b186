import {
	breathe,
	isServerName,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
} from '../../crypto/index.ts';
import {type SignatureChecker} from '../engine/index.ts';
import {
	hasRightContentHash,
	mergeSignatures,
	type Pdu,
	parsePdu,
	redactPdu,
	type RoomVersionId,
} from '../rooms/index.ts';
import {OutboundError} from './errors.ts';
import {asObject} from './key-document.ts';
import {listEvents} from './remote-events.ts';

/** Events of one answer (threats C13): rooms with more do not exist outside of attacks. */
const EVENTS_MAX = 200_000;
/** Servers of a room that are taken from an answer; the largest rooms have half as many. */
const SERVERS_MAX = 20_000;
/** Events that are checked at a time: enough for all cores, little memory, and some milliseconds of this thread. */
const CHECKED_AT_ONCE = 200;

/** What a resident server gave us with our join, checked: forms, hashes, signatures. */
export interface JoinAnswer {
	/** Our event, with the resident server's signature where it needs one. */
	readonly join: Pdu;
	readonly state: readonly Pdu[];
	readonly authChain: readonly Pdu[];
	/** Where members are left out: which servers are in the room. */
	readonly withoutMembers: {readonly servers: readonly ServerName[]} | undefined;
}

/**
 * Reads the answer of send_join. Every event of it is checked by itself (threats B1): one that is no event, or carries no
 * right signature, is left out; one that is of another room condemns the whole answer.
 * @throws OutboundError `bad_response`
 */
export async function readJoinAnswer(
	answer: JsonValue,
	join: Pdu,
	signatures: SignatureChecker,
	mayOmitMembers = false,
): Promise<JoinAnswer> {
	const body = asObject(answer);
	if (body === undefined) throw bad('an object');
	const withoutMembers = readOmission(body);
	// Where we ask for all members, a room half of whose members are missing would be another room.
	if (withoutMembers && !mayOmitMembers) throw bad('the whole state');
	const [state, authChain] = [listEvents(body['state']), listEvents(body['auth_chain'])];
	if (state.length + authChain.length > EVENTS_MAX) throw bad(`at most ${EVENTS_MAX} events`);
	const room = {roomId: join.roomId, version: join.roomVersion};
	const signed = countersigned(join, asObject(body['event']));
	const verdict = await signatures.check(signed);
	if (!verdict.allowed) throw bad('our event signed as it must be');
	const events = await checkEvents([...state, ...authChain], room, signatures);
	const states = events.slice(0, state.length).filter((pdu) => pdu !== undefined);
	const create = states.find(({type, stateKey}) => type === 'm.room.create' && stateKey === '');
	if ((create?.content['room_version'] ?? '1') !== join.roomVersion) throw bad('the create event of this room version');
	const chain = events.slice(state.length).filter((pdu) => pdu !== undefined);
	return {join: signed, state: states, authChain: chain, withoutMembers};
}

/** Reads which servers are in a room whose members are left out; there must be one, as somebody let us in. */
function readOmission(body: JsonObject): JoinAnswer['withoutMembers'] {
	if (body['members_omitted'] !== true) return undefined;
	const listed = body['servers_in_room'];
	const servers = Array.isArray(listed) ? listed.slice(0, SERVERS_MAX).filter(isServerName) : [];
	if (servers.length === 0) throw bad('the servers in the room');
	return {servers};
}

/** Adds to our event the signatures that the resident server made of it. */
function countersigned(join: Pdu, event: JsonObject | undefined): Pdu {
	if (event === undefined) return join;
	const parsed = parsePdu(event, join.roomVersion);
	if (!parsed.ok || parsed.pdu.eventId !== join.eventId) throw bad('our own event back');
	return mergeSignatures(join, parsed.pdu.signatures);
}

/** Checks events, the same one once only; what is none is `undefined` at its place. */
async function checkEvents(
	events: readonly JsonObject[],
	room: {readonly roomId: RoomId; readonly version: RoomVersionId},
	signatures: SignatureChecker,
): Promise<(Pdu | undefined)[]> {
	const parsed: (Pdu | undefined)[] = [];
	for (const json of events) {
		if (parsed.length % CHECKED_AT_ONCE === CHECKED_AT_ONCE - 1) await breathe();
		const result = parsePdu(json, room.version, {allowManyReferences: true});
		parsed.push(result.ok ? result.pdu : undefined);
	}
	if (parsed.some((pdu) => pdu !== undefined && pdu.roomId !== room.roomId)) throw bad('events of this room only');
	const unique = new Map(parsed.filter((pdu) => pdu !== undefined).map((pdu) => [pdu.eventId, pdu]));
	const checked = new Map<string, Pdu>();
	const pending = [...unique.values()];
	for (let start = 0; start < pending.length; start += CHECKED_AT_ONCE) {
		const chunk = pending.slice(start, start + CHECKED_AT_ONCE);
		const verdicts = await Promise.all(chunk.map((pdu) => signatures.check(pdu)));
		for (const [index, pdu] of chunk.entries()) {
			if (verdicts[index]?.allowed !== true) continue;
			checked.set(pdu.eventId, hasRightContentHash(pdu.json) ? pdu : redactPdu(pdu));
		}
	}
	return parsed.map((pdu) => (pdu === undefined ? undefined : checked.get(pdu.eventId)));
}

function bad(expected: string): OutboundError {
	return new OutboundError('bad_response', `Expected ${expected} in the answer to our join`);
}
