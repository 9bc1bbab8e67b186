import type {EventId} from '../../../crypto/index.ts';
import {authEventKeys} from '../auth-events.ts';
import type {Pdu, StateLookup, Verdict} from '../pdu.ts';
import {roomVersion} from '../versions.ts';
import {type AuthContext, createEventFor, createEventIdOf, startCheck} from './auth-check.ts';
import {checkCreate} from './create.ts';
import {checkAliases, checkFederation, checkGeneral} from './general.ts';
import {checkMember} from './member.ts';
import {ruleNumbers} from './rule-numbers.ts';
import {allowed, refuse} from './verdict.ts';

export type {AuthContext, VerifySignature} from './auth-check.ts';

/**
 * Tells whether the authorisation rules of an event's room version allow it in a state of the room: that made of its
 * auth events, that before it, or the current one. Never throws, whatever the event holds.
 *
 * The rules about the `auth_events` themselves are {@link checkAuthEvents}'. Signatures must have been checked before,
 * those of `signaturesRequired`; of a restricted join only the presence of the authorising server's is looked at here.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkAuth(event: Pdu, state: StateLookup, context: AuthContext): Verdict {
	// 1: If type is m.room.create.
	if (event.type === 'm.room.create') return checkCreate(event);
	const create = createEventFor(state, context);
	if (create === undefined || !isCreateEventOf(event, create)) {
		const {room, authEvents} = ruleNumbers(event.roomVersion);
		return refuse(room === '' ? `${authEvents}.4` : room, 'the room has no accepted create event');
	}
	const check = startCheck(event, create, state, context);
	const unfederated = checkFederation(check);
	if (unfederated !== undefined) return unfederated;
	if (event.type === 'm.room.aliases' && check.version.hasAliasesRule) return checkAliases(check);
	if (event.type === 'm.room.member') return checkMember(check);
	return checkGeneral(check);
}

/**
 * 2.4 (up to version 11): If there is no m.room.create event among the entries, reject.
 * 2 (version 12): If the event's room_id is not an event ID for an accepted (not rejected) m.room.create event, with the
 * sigil ! instead of $, reject.
 */
function isCreateEventOf(event: Pdu, create: Pdu): boolean {
	if (create.type !== 'm.room.create') return false;
	return roomVersion(event.roomVersion).roomIds === 'sent' || create.eventId === createEventIdOf(event.roomId);
}

/** What is known about the events which an event names as its `auth_events`. */
export interface AuthEventsContext {
	/** Tells whether this server rejected an event. */
	isRejected(eventId: EventId): boolean;
}

/**
 * Checks an event's own `auth_events`: rule 2, from version 12 on rule 3. All of them must be given; the state made of
 * them is then what {@link checkAuth} is asked with.
 */
export function checkAuthEvents(event: Pdu, authEvents: readonly Pdu[], context: AuthEventsContext): Verdict {
	// Rule 1 decides alone about the create event.
	if (event.type === 'm.room.create') return allowed;
	const rule = ruleNumbers(event.roomVersion).authEvents;
	const expected = new Set(authEventKeys(event).map(([type, stateKey]) => entryName(type, stateKey)));
	const seen = new Set<string>();
	let hasCreate = false;
	for (const entry of authEvents) {
		const name = entry.stateKey === undefined ? undefined : entryName(entry.type, entry.stateKey);
		// .1: If there are duplicate entries for a given type and state_key pair, reject.
		if (name !== undefined && seen.has(name)) return refuse(`${rule}.1`, 'an entry of auth_events is there twice');
		// .2: If there are entries whose type and state_key don't match those specified by the auth events selection
		// algorithm, reject.
		if (name === undefined || !expected.has(name)) return refuse(`${rule}.2`, 'an entry has no place in auth_events');
		// .3: If there are entries which were themselves rejected under the checks performed on receipt of a PDU, reject.
		if (context.isRejected(entry.eventId)) return refuse(`${rule}.3`, 'an entry of auth_events was rejected');
		// .5: If any event in auth_events has a room_id which does not match that of the event being authorised, reject.
		if (entry.roomId !== event.roomId) return refuse(`${rule}.5`, 'an entry of auth_events is of another room');
		seen.add(name);
		if (entry.type === 'm.room.create') hasCreate = true;
	}
	// .4 (up to version 11): If there is no m.room.create event among the entries, reject.
	if (!hasCreate && roomVersion(event.roomVersion).selectsCreateEvent) {
		return refuse(`${rule}.4`, 'no create event is in auth_events');
	}
	return allowed;
}

/** A type and a state key as one text; NUL, which may stand in either, is no obstacle since the length leads. */
function entryName(type: string, stateKey: string): string {
	return `${type.length}:${type}${stateKey}`;
}

/** Makes a state of given events; where two have the same type and state key, the later one counts. */
export function stateOf(events: Iterable<Pdu>): StateLookup {
	const entries = new Map<string, Pdu>();
	for (const event of events) {
		if (event.stateKey !== undefined) entries.set(entryName(event.type, event.stateKey), event);
	}
	return (type, stateKey) => entries.get(entryName(type, stateKey));
}
