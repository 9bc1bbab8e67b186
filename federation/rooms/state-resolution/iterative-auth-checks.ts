import type {EventId} from '../../../crypto/index.ts';
import type {Pdu, StateLookup} from '../pdu.ts';
import type {AuthRules, EventSource} from './sources.ts';
import {type StateKey, stateKeyOf} from './state-map.ts';
import {CREATE, impliedCreateId} from './state-types.ts';
import type {Steps} from './steps.ts';
import type {WorkBudget} from './work-budget.ts';

/** What one check of the authorisation rules counts as, besides the auth events looked at: a few lookups and comparisons. */
const CHECK_UNITS = 10;

/** A state under construction: what was there at first, and what was laid over it. */
export interface PartialState {
	readonly base: {get(key: StateKey): EventId | undefined};
	readonly resolved: Map<StateKey, EventId>;
}

/** Gives the event that holds a key. */
export function findInState(state: PartialState, key: StateKey): EventId | undefined {
	return state.resolved.get(key) ?? state.base.get(key);
}

/**
 * Lays each event that the authorisation rules allow in the state so far over it, in the order given; ignores the others.
 * @see https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* applyAllowedEvents(
	events: readonly Pdu[],
	state: PartialState,
	rules: AuthRules,
	source: EventSource,
	budget: WorkBudget,
): Steps<void> {
	for (const event of events) {
		if (budget.spend(CHECK_UNITS + event.authEvents.length)) yield;
		if (event.stateKey === undefined || source.rejectionOf(event.eventId) === 'auth-events') continue;
		const verdict = rules.checkAuth(event, lookUpFor(event, state, rules, source));
		if (verdict.allowed) state.resolved.set(stateKeyOf(event.type, event.stateKey), event.eventId);
	}
}

/** Gives the state as the check of one event sees it: the state so far, and behind it what the event itself cites. */
function lookUpFor(event: Pdu, state: PartialState, rules: AuthRules, source: EventSource): StateLookup {
	// Most checks find all they need in the state.
	let cited: ReadonlyMap<StateKey, Pdu> | undefined;
	return (type, stateKey) => {
		const key = stateKeyOf(type, stateKey);
		const eventId = findInState(state, key);
		if (eventId !== undefined) return source.find(eventId);
		if (rules.isCreateImplied && type === CREATE && stateKey === '') return findImpliedCreate(event, source);
		cited ??= findCited(event, source);
		return cited.get(key);
	};
}

/** Finds the state that an event cites. Auth events are not checked again here, so the rejected ones must not be used. */
function findCited(event: Pdu, source: EventSource): ReadonlyMap<StateKey, Pdu> {
	const cited = new Map<StateKey, Pdu>();
	for (const eventId of event.authEvents) {
		const authEvent = source.find(eventId);
		if (authEvent?.stateKey === undefined || source.rejectionOf(eventId) !== undefined) continue;
		cited.set(stateKeyOf(authEvent.type, authEvent.stateKey), authEvent);
	}
	return cited;
}

function findImpliedCreate(event: Pdu, source: EventSource): Pdu | undefined {
	const eventId = impliedCreateId(event);
	return source.rejectionOf(eventId) === undefined ? source.find(eventId) : undefined;
}
