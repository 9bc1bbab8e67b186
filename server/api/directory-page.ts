import type {DirectoryPage, DirectoryQuery} from '../rooms/index.ts';
import {type Infer, v} from '../validation/index.ts';

const limit = v.optional(v.integer({min: 0}));
/** What a server says to go on with is long with some. */
const since = v.optional(v.string({max: 1_000}));

/** What of the directory is wanted, as a query says it. */
export const directoryQuery = {limit, since};

/** The same as a body says it. There are no other networks to include. */
export const directoryBody = v.object({
	limit,
	since,
	filter: v.optional(
		v.object({
			generic_search_term: v.optional(v.nullable(v.string({max: 1_000}))),
			room_types: v.optional(v.nullable(v.array(v.nullable(v.string()), {max: 100}))),
		}),
	),
	include_all_networks: v.optional(v.boolean()),
	third_party_instance_id: v.optional(v.nullable(v.string())),
});

/** Reads {@link directoryBody}. */
export function toDirectoryQuery(body: Infer<typeof directoryBody>): DirectoryQuery {
	return {
		limit: body.limit,
		since: body.since,
		searchTerm: body.filter?.generic_search_term ?? undefined,
		roomTypes: body.filter?.room_types ?? undefined,
	};
}

/** Shapes a page of the directory. */
export function toDirectoryAnswer({rooms, next}: DirectoryPage): object {
	return {chunk: rooms, ...(next !== undefined && {next_batch: next})};
}
