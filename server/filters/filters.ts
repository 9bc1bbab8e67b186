import {LRUCache} from 'lru-cache';
import {type JsonObject, readClientJson, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {SchemaError} from '../validation/index.ts';
import {type CompiledFilter, type CompiledRoomEventFilter, compileFilter, compileRoomEventFilter} from './compile.ts';
import {FiltersError, type FiltersErrorCode} from './errors.ts';
import {filterSchema, roomEventFilterSchema} from './schema.ts';

/** Compiled filters kept, and the longest text of one that is kept. */
const COMPILED_MAX = 1_000;
const KEPT_LENGTH_MAX = 4_096;

/** Filters that clients store, and those they send along. */
export interface Filters {
	/** Stores a filter and gives its id; the same filter has the same id. @throws FiltersError 'invalid-filter' */
	add(userId: UserId, filter: JsonObject): Promise<string>;
	/** @throws FiltersError 'unknown-filter' */
	get(userId: UserId, filterId: string): Promise<JsonObject>;
	/**
	 * Finds the filter that the parameter of `/sync` means: an id, or JSON where it begins with a brace.
	 * @throws FiltersError 'invalid-parameter'
	 */
	resolve(userId: UserId, parameter: string | undefined): Promise<CompiledFilter>;
	/** Reads the filter that `/messages` and `/context` are given as JSON. @throws FiltersError 'invalid-parameter' */
	readRoomEventFilter(parameter: string | undefined): CompiledRoomEventFilter;
	/** Makes the filter of a search ready for use; absent: everything passes. @throws FiltersError 'invalid-filter' */
	checkRoomEventFilter(filter: JsonObject | undefined): CompiledRoomEventFilter;
}

const everything = compileFilter({});

/** Makes the domain. */
export function createFilters({storage}: {readonly storage: Storage}): Filters {
	const compiled = new LRUCache<string, CompiledFilter>({maxSize: COMPILED_MAX, sizeCalculation: () => 1});

	return {
		async get(userId, filterId) {
			const filter = await storage.filters.find(userId, filterId);
			if (filter === undefined) throw new FiltersError('unknown-filter', 'No such filter');
			return filter;
		},
		async add(userId, filter) {
			checked(filter, filterSchema, 'invalid-filter');
			const batch = storage.batch();
			const filterId = await storage.filters.add(batch, userId, filter);
			await storage.commit(batch);
			return filterId;
		},
		async resolve(userId, parameter) {
			if (parameter === undefined || parameter === '') return everything;
			const isJson = parameter.startsWith('{');
			const key = isJson ? parameter : `${userId} ${parameter}`;
			const known = compiled.get(key);
			if (known) return known;
			const filter = isJson ? readJson(parameter) : await storage.filters.find(userId, parameter);
			if (filter === undefined) throw new FiltersError('invalid-parameter', 'filter: no such filter');
			const made = compileFilter(checked(filter, filterSchema, 'invalid-parameter'));
			if (key.length <= KEPT_LENGTH_MAX) compiled.set(key, made);
			return made;
		},
		readRoomEventFilter(parameter) {
			if (parameter === undefined || parameter === '') return everything.timeline;
			return compileRoomEventFilter(checked(readJson(parameter), roomEventFilterSchema, 'invalid-parameter'));
		},
		checkRoomEventFilter: (filter) =>
			filter === undefined
				? everything.timeline
				: compileRoomEventFilter(checked(filter, roomEventFilterSchema, 'invalid-filter')),
	};
}

function readJson(text: string): unknown {
	try {
		return readClientJson(text);
	} catch (cause) {
		throw new FiltersError('invalid-parameter', 'filter: not JSON', {cause});
	}
}

function checked<T>(value: unknown, schema: {check(value: unknown, path: string): T}, code: FiltersErrorCode): T {
	try {
		return schema.check(value, 'filter');
	} catch (cause) {
		if (cause instanceof SchemaError) throw new FiltersError(code, cause.message, {cause});
		throw cause;
	}
}
