import type {EventId} from '../../../crypto/index.ts';
import {AuthChainIndex, type AuthEdges} from './auth-chains.ts';
import type {EventSource} from './sources.ts';
import type {WorkBudget} from './work-budget.ts';

/** What state resolution asks about the graph that the `auth_events` of a room's events form. */
export interface AuthGraph {
	/**
	 * Gives the events that some state sets reach and others do not, by the auth chains of the events that they hold.
	 * @param unconflicted Events that every one of the state sets holds, and that are therefore not listed in each.
	 */
	authDifference(
		stateSets: readonly Iterable<EventId>[],
		unconflicted: Iterable<EventId>,
		budget: WorkBudget,
	): readonly EventId[];
	/** Gives the events on all paths between any two of these events, ends included. */
	conflictedSubgraph(conflicted: Iterable<EventId>, budget: WorkBudget): readonly EventId[];
}

/** Translates between event ids and the numbers that an index knows them by. */
export interface EventNumbers {
	numberOf(eventId: EventId): number;
	eventIdOf(number: number): EventId;
}

/** Gives the auth graph that an index holds. The index must hold the auth chains of all state sets that are asked about. */
export function createAuthGraph(index: AuthChainIndex, numbers: EventNumbers): AuthGraph {
	const toNumbers = (eventIds: Iterable<EventId>): number[] => Array.from(eventIds, (id) => numbers.numberOf(id));
	const toEventIds = (found: Uint32Array): EventId[] => Array.from(found, (number) => numbers.eventIdOf(number));
	return {
		authDifference(stateSets, unconflicted, budget) {
			return toEventIds(index.authDifference(stateSets.map(toNumbers), toNumbers(unconflicted), budget));
		},
		conflictedSubgraph(conflicted, budget) {
			return toEventIds(index.subgraph(toNumbers(conflicted), budget));
		},
	};
}

/**
 * Reads an auth graph from the events themselves, from these down to the room's start. Events that are not found are left
 * out of it; the source remembers them.
 */
export function readAuthGraph(eventIds: Iterable<EventId>, source: EventSource, budget: WorkBudget): AuthGraph {
	const interned: EventId[] = [];
	const numbers = new Map<EventId, number>();
	const intern = (eventId: EventId): number => {
		const known = numbers.get(eventId);
		if (known !== undefined) return known;
		numbers.set(eventId, interned.length);
		return interned.push(eventId) - 1;
	};
	for (const eventId of eventIds) intern(eventId);
	const rows: AuthEdges[] = [];
	// `interned` grows while it is walked: it is the queue as well.
	for (let number = 0; number < interned.length; number++) {
		const authEvents = source.find(interned[number] as EventId)?.authEvents ?? [];
		budget.spend(1 + authEvents.length);
		rows.push([number, authEvents.map(intern)]);
	}
	const index = new AuthChainIndex();
	// What was found last lies deepest: turned round, hardly an event has to wait for those that it cites.
	index.add(rows.toReversed());
	return createAuthGraph(index, {
		numberOf: intern,
		eventIdOf: (number) => interned[number] as EventId,
	});
}
