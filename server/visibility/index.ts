export {createFactBudget, type FactBudget} from './fact-budget.ts';
export {type FactAsker, FactsSpentError} from './facts.ts';
export {listOpenRooms} from './open-rooms.ts';
export {openSourceNames, type SourceNames} from './source-names.ts';
export {
	type Asker,
	createVisibility,
	type PrivacyScope,
	type Surface,
	type Visibility,
	type VisibilityDependencies,
} from './visibility.ts';
