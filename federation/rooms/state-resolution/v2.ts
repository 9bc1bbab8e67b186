import type {EventId} from '../../../crypto/index.ts';
import type {Pdu} from '../pdu.ts';
import {type AuthGraph, readAuthGraph} from './auth-graph.ts';
import {applyAllowedEvents, findInState, type PartialState} from './iterative-auth-checks.ts';
import {sortByMainline} from './mainline.ts';
import {selectPowerEvents, sortByPower} from './power-ordering.ts';
import type {AuthRules, EventSource} from './sources.ts';
import type {Conflict, StateKey} from './state-map.ts';
import {POWER_LEVELS_KEY} from './state-types.ts';
import type {Steps} from './steps.ts';
import type {WorkBudget} from './work-budget.ts';

/** One conflict and all that it takes to resolve it. */
export interface Resolution {
	readonly conflict: Conflict;
	readonly rules: AuthRules;
	readonly source: EventSource;
	readonly budget: WorkBudget;
	/** Absent: read from the events. */
	readonly authGraph?: AuthGraph | undefined;
}

/**
 * Resolves a conflict by the algorithm of room versions 2 to 11. Gives what it lays over the unconflicted state; that still
 * has to be laid over the result (step 5).
 * @see https://spec.matrix.org/v1.19/rooms/v2/#state-resolution
 */
export function* resolveV2(resolution: Resolution): Steps<ReadonlyMap<StateKey, EventId>> {
	const {conflict, source, budget} = resolution;
	const authDifference = openAuthGraph(resolution).authDifference(
		conflict.conflicted.map((entries) => entries.values()),
		conflict.unconflicted.values(),
		budget,
	);
	const fullConflictedSet = findAll([...listConflicted(conflict), ...authDifference], source);
	return yield* resolveFullConflictedSet(
		fullConflictedSet,
		{base: conflict.unconflicted, resolved: new Map()},
		resolution,
	);
}

/** Lists the conflicted state set, each event once. */
export function listConflicted(conflict: Conflict): Set<EventId> {
	return new Set(conflict.conflicted.flatMap((entries) => [...entries.values()]));
}

/** Gives the room's auth graph: the caller's, or one that is read from the events of this conflict. */
export function openAuthGraph({authGraph, conflict, source, budget}: Resolution): AuthGraph {
	if (authGraph !== undefined) return authGraph;
	const graph = readAuthGraph([...listConflicted(conflict), ...conflict.unconflicted.values()], source, budget);
	source.checkComplete();
	return graph;
}

/** Finds all events of a set, each once. */
export function findAll(eventIds: Iterable<EventId>, source: EventSource): Map<EventId, Pdu> {
	const events = new Map<EventId, Pdu>();
	for (const eventId of eventIds) {
		const event = source.find(eventId);
		if (event !== undefined) events.set(eventId, event);
	}
	source.checkComplete();
	return events;
}

/** The algorithm's steps 1 to 4, which all versions from 2 on share: lays what is allowed over a state. */
export function* resolveFullConflictedSet(
	fullConflictedSet: ReadonlyMap<EventId, Pdu>,
	state: PartialState,
	{rules, source, budget}: Resolution,
): Steps<ReadonlyMap<StateKey, EventId>> {
	// 1. and 2.: what might take somebody's ability away goes first, and what it depends on.
	const powerEvents = yield* selectPowerEvents(fullConflictedSet, budget);
	const sorted = yield* sortByPower(powerEvents, rules, source, budget);
	source.checkComplete();
	yield* applyAllowedEvents(sorted, state, rules, source, budget);
	// 3. and 4.: all others, in the order of the power levels that they are based on.
	const others = [...fullConflictedSet.values()].filter((event) => !powerEvents.has(event.eventId));
	const powerLevelsId = findInState(state, POWER_LEVELS_KEY);
	const powerLevels = powerLevelsId === undefined ? undefined : source.find(powerLevelsId);
	source.checkComplete();
	yield* applyAllowedEvents(yield* sortByMainline(others, powerLevels, source, budget), state, rules, source, budget);
	source.checkComplete();
	return state.resolved;
}
