import type {EventId} from '../../../crypto/index.ts';
import {type AuthRules, EventSource, MissingEvents, type ResolutionInput} from './sources.ts';
import {type Conflict, type StateKey, type StateMap, separateStates} from './state-map.ts';
import {resolveV1} from './v1.ts';
import {type Resolution, resolveV2} from './v2.ts';
import {resolveV2Dot1} from './v2-1.ts';
import {createWorkBudget} from './work-budget.ts';

/** The algorithms there are, as the table of room versions names them. */
export type Algorithm = 'v1' | 'v2' | 'v2.1';

const ALGORITHMS: Readonly<Record<Algorithm, (resolution: Resolution) => ReadonlyMap<StateKey, EventId>>> = {
	v1: resolveV1,
	v2: resolveV2,
	'v2.1': resolveV2Dot1,
};

/**
 * Resolves a conflict and gives what has to be laid over the unconflicted state: the winners of the conflicted keys, and
 * now and then an event that no state set held.
 *
 * @throws MissingEvents, ForeignEvent, BudgetExceeded, AuthChainCycle, UnknownAuthChain
 */
export function resolveConflictBy(
	algorithm: Algorithm,
	rules: AuthRules,
	input: ResolutionInput & {readonly conflict: Conflict},
): StateMap {
	const {conflict} = input;
	if (conflict.conflicted.every((entries) => entries.size === 0)) return new Map();
	const resolved = ALGORITHMS[algorithm]({
		conflict,
		rules,
		source: new EventSource(input),
		budget: input.budget ?? createWorkBudget(),
		authGraph: input.authGraph,
	});
	// 5.: what all state sets agree on stays, whatever the replay made of it.
	return new Map([...resolved].filter(([key]) => conflict.unconflicted.get(key) === undefined));
}

/**
 * Resolves whole states. Gives a new map; of no state sets, an empty one.
 *
 * @throws MissingEvents, ForeignEvent, BudgetExceeded, AuthChainCycle, UnknownAuthChain
 */
export function resolveStateBy(
	algorithm: Algorithm,
	rules: AuthRules,
	input: ResolutionInput & {readonly stateSets: readonly StateMap[]},
): StateMap {
	const conflict = separateStates(input.stateSets);
	return new Map([...conflict.unconflicted, ...resolveConflictBy(algorithm, rules, {...input, conflict})]);
}

/**
 * Resolves again and again, loading in between what was missing. A resolution needs its conflicted events, the auth
 * difference, the auth events of these, and the power levels that those are based on: who loads the room's power levels
 * beforehand needs few rounds.
 *
 * @param load Makes events known to the resolution's `findEvent`.
 * @throws MissingEvents when an event is missing still after it was to be loaded, and whatever `resolve` or `load` throw.
 */
export async function resolveLoading<Result>(
	resolve: () => Result,
	load: (eventIds: readonly EventId[]) => Promise<void>,
): Promise<Result> {
	const asked = new Set<EventId>();
	for (;;) {
		try {
			return resolve();
		} catch (error) {
			if (!(error instanceof MissingEvents) || error.eventIds.some((eventId) => asked.has(eventId))) throw error;
			for (const eventId of error.eventIds) asked.add(eventId);
			// oxlint-disable-next-line no-await-in-loop -- Each round needs what the one before it loaded.
			await load(error.eventIds);
		}
	}
}
