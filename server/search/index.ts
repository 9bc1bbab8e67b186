export {SearchError, type SearchErrorCode} from './errors.ts';
export {
	createSearch,
	type Search,
	type SearchAnswer,
	type SearchDependencies,
	type SearchGroup,
	type SearchResult,
	type SearchWish,
} from './search.ts';
export type {GroupKey} from './tokens.ts';
export {type SearchKey, searchKeys} from './words.ts';
