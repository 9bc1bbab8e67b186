import {v} from '../../validation/index.ts';

/** Rows that a page has unless said otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/** How administrators' tools ask for a part of a list: by numbers. */
export const pageQuery = {
	from: v.optional(v.integer({min: 0})),
	limit: v.optional(v.integer({min: 0})),
	dir: v.optional(v.literal('f', 'b')),
};

/** What {@link pageQuery} says, within bounds. */
export function readPage({from, limit}: {readonly from?: number | undefined; readonly limit?: number | undefined}): {
	readonly offset: number;
	readonly limit: number;
} {
	return {offset: from ?? 0, limit: Math.min(limit ?? LIMIT_DEFAULT, LIMIT_MAX)};
}

/** Cuts a page out of a whole list. */
export function cut<T>(rows: readonly T[], page: {readonly offset: number; readonly limit: number}): readonly T[] {
	return rows.slice(page.offset, page.offset + page.limit);
}

/** Where the next page begins; nothing where there is none. */
export function nextOffset(page: {readonly offset: number}, shown: number, total: number): number | undefined {
	const next = page.offset + shown;
	return shown > 0 && next < total ? next : undefined;
}
