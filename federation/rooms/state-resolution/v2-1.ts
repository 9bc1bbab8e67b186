import type {EventId} from '../../../crypto/index.ts';
import type {StateKey} from './state-map.ts';
import type {Steps} from './steps.ts';
import {findAll, listConflicted, openAuthGraph, type Resolution, resolveFullConflictedSet} from './v2.ts';

/**
 * Resolves a conflict by the algorithm of room version 12, which differs from version 2's in two points: events on the
 * paths between conflicted events are replayed as well, and the replay starts from an empty state and not from what the
 * state sets agree on, so that old state is judged by what it was based on.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function* resolveV2Dot1(resolution: Resolution): Steps<ReadonlyMap<StateKey, EventId>> {
	const {conflict, source, budget} = resolution;
	const graph = openAuthGraph(resolution);
	const conflicted = listConflicted(conflict);
	const authDifference = graph.authDifference(
		conflict.conflicted.map((entries) => entries.values()),
		conflict.unconflicted.values(),
		budget,
	);
	const subgraph = graph.conflictedSubgraph(conflicted, budget);
	const fullConflictedSet = findAll([...conflicted, ...subgraph, ...authDifference], source);
	const empty = new Map<StateKey, EventId>();
	return yield* resolveFullConflictedSet(fullConflictedSet, {base: empty, resolved: new Map()}, resolution);
}
