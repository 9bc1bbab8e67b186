import {desc} from 'drizzle-orm';
import {bind, build} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {TimelinePlace} from '../interfaces/events.ts';
import type {SearchRepository, WordMatch} from '../interfaces/search.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {searchEntries} = tables;

/** Places that one anchor has in the index: events that were fetched for the gap before one event. */
const minorsMax = 65_536;
/** Words of one event that are indexed. */
const wordsMax = 2_000;

/** Puts places in one order of numbers, as long as positions stay below 2^37. */
function idOf({anchor, minor}: TimelinePlace): number | undefined {
	return minor > -minorsMax ? anchor * minorsMax + minorsMax - 1 + minor : undefined;
}

/** Makes the repository of words. */
export function createSearch(core: Core): SearchRepository {
	const {catalog, dialect} = core;
	const add = core.put(catalog.insert(searchEntries, {orIgnore: true}));
	const remove = core.put(catalog.delete(searchEntries, ['id']));
	const list = core.many<{query: string; before: number; limit: number}, WordMatch>((p) =>
		build
			.select({id: searchEntries.id, nid: searchEntries.nid})
			.from(searchEntries)
			.where(
				dialect.holdsWords({
					id: searchEntries.id,
					query: bind(searchEntries.words, p.query),
					before: bind(searchEntries.id, p.before),
					limit: bind(searchEntries.id, p.limit),
				}),
			)
			.orderBy(desc(searchEntries.id))
			.limit(p.limit.placeholder),
	);
	return {
		idOf,
		add(batch, {nid, place, words}) {
			const id = idOf(place);
			if (id !== undefined) add(batch, {id, nid, words: dialect.encodeWords(words.slice(0, wordsMax))});
		},
		remove(batch, ids) {
			for (const id of ids) remove(batch, {id});
		},
		list: (query, {before = Number.MAX_SAFE_INTEGER, limit}) =>
			list({query: dialect.encodeWordQuery(query), before, limit: pageOf(limit)}),
	};
}
