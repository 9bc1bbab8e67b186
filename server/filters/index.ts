export {
	type CompiledEventFilter,
	type CompiledFilter,
	type CompiledRoomEventFilter,
	type FilteredEvent,
} from './compile.ts';
export {FiltersError, type FiltersErrorCode} from './errors.ts';
export {type FieldPath, parseFieldPath, pickFields} from './event-fields.ts';
export {createFilters, type Filters} from './filters.ts';
