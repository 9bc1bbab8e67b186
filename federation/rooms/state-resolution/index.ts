export {AuthChainCycle, AuthChainIndex, type AuthEdges, UnknownAuthChain} from './auth-chains.ts';
export {type AuthGraph, createAuthGraph, type EventNumbers} from './auth-graph.ts';
export {
	type ConflictResolutionInput,
	resolveConflict,
	resolveConflictInSteps,
	resolveLoading,
	resolveState,
	type StateResolutionInput,
} from './resolve.ts';
export {ForeignEvent, MissingEvents, type Rejection, type ResolutionInput} from './sources.ts';
export {
	type Conflict,
	type StateKey,
	type StateMap,
	separateStates,
	splitStateKey,
	stateKeyOf,
	type UnconflictedState,
} from './state-map.ts';
export type {Steps} from './steps.ts';
export {BudgetExceeded, createWorkBudget, type WorkBudget} from './work-budget.ts';
