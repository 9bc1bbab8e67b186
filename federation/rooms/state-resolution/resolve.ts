import {type EventId, verify} from '../../../crypto/index.ts';
import {checkAuth} from '../auth-rules/index.ts';
import type {RoomVersionId} from '../pdu.ts';
import {powerLevelsOf, userLevel} from '../power-levels.ts';
import {type RoomVersion, roomVersion} from '../versions.ts';
import {type AuthRules, EventSource, MissingEvents, type ResolutionInput} from './sources.ts';
import {type Conflict, type StateKey, type StateMap, separateStates} from './state-map.ts';
import {finish, type Steps} from './steps.ts';
import {resolveV1} from './v1.ts';
import {type Resolution, resolveV2} from './v2.ts';
import {resolveV2Dot1} from './v2-1.ts';
import {createWorkBudget} from './work-budget.ts';

const ALGORITHMS: Readonly<
	Record<RoomVersion['stateResolution'], (resolution: Resolution) => Steps<ReadonlyMap<StateKey, EventId>>>
> = {
	v1: resolveV1,
	v2: resolveV2,
	'v2.1': resolveV2Dot1,
};

/** Several whole states of a room, which are to become one. */
export interface StateResolutionInput extends ResolutionInput {
	/** In any order; the result does not depend on it. */
	readonly stateSets: readonly StateMap[];
}

/** What several states of a room do not agree on. */
export interface ConflictResolutionInput extends ResolutionInput {
	readonly conflict: Conflict;
}

/**
 * Resolves several states of a room into one: that before an event, from those after its `prev_events`. Gives a new map;
 * of no state sets, an empty one. Depends on its input alone, and on no order within it.
 *
 * @throws MissingEvents, ForeignEvent, BudgetExceeded, AuthChainCycle, UnknownAuthChain
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveState(version: RoomVersionId, input: StateResolutionInput): StateMap {
	const conflict = separateStates(input.stateSets);
	return new Map([...conflict.unconflicted, ...resolveConflict(version, {...input, conflict})]);
}

/**
 * Resolves what several states do not agree on, for callers who find that out faster than by comparing whole states. Gives
 * what has to be laid over the unconflicted state: the winners of the conflicted keys, and now and then an event that no
 * state set held. A conflicted key may be left without an event.
 *
 * @throws MissingEvents, ForeignEvent, BudgetExceeded, AuthChainCycle, UnknownAuthChain
 */
export function resolveConflict(version: RoomVersionId, input: ConflictResolutionInput): StateMap {
	return finish(resolveConflictInSteps(version, input));
}

/**
 * Like {@link resolveConflict}, in steps of some milliseconds: what a large conflict takes need not be taken from others
 * at once. Where no auth graph is given, reading one is the first step, whatever it takes.
 */
export function* resolveConflictInSteps(version: RoomVersionId, input: ConflictResolutionInput): Steps<StateMap> {
	const {conflict} = input;
	if (conflict.conflicted.every((entries) => entries.size === 0)) return new Map();
	const row = roomVersion(version);
	const resolved = yield* ALGORITHMS[row.stateResolution]({
		conflict,
		rules: authRulesOf(row),
		source: new EventSource(input),
		budget: input.budget ?? createWorkBudget(),
		authGraph: input.authGraph,
	});
	// 5.: what all state sets agree on stays, whatever the replay made of it.
	return new Map([...resolved].filter(([key]) => conflict.unconflicted.get(key) === undefined));
}

function authRulesOf(version: RoomVersion): AuthRules {
	return {
		checkAuth: (event, state) => checkAuth(event, state, {verifySignature: verify}),
		senderLevel: (event, powerLevels, create) => userLevel(powerLevelsOf(create, powerLevels), event.sender),
		isCreateImplied: !version.selectsCreateEvent,
	};
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
	resolve: () => Result | Promise<Result>,
	load: (eventIds: readonly EventId[]) => Promise<void>,
): Promise<Result> {
	const asked = new Set<EventId>();
	for (;;) {
		try {
			// oxlint-disable-next-line no-await-in-loop -- Each round needs what the one before it loaded.
			return await resolve();
		} catch (error) {
			if (!(error instanceof MissingEvents) || error.eventIds.some((eventId) => asked.has(eventId))) throw error;
			for (const eventId of error.eventIds) asked.add(eventId);
			// oxlint-disable-next-line no-await-in-loop -- As above.
			await load(error.eventIds);
		}
	}
}
