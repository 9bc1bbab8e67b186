import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Clock, Engine, StoredEvent} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import type {CompiledRoomEventFilter} from '../filters/index.ts';
import {gather, type Hit, type SearchScope} from './gather.ts';
import {Indexer} from './indexer.ts';
import {type GroupKey, readSearchToken, type SearchToken, writeSearchToken} from './tokens.ts';
import {readTerm, type SearchKey} from './words.ts';

/** How long a search waits for what was said just before it; on a server that has long been without an index, the rest is found later. */
const CATCH_UP_MS = 5_000;

/** What somebody looks for. */
export interface SearchWish {
	readonly term: string;
	readonly keys: readonly SearchKey[];
	readonly filter: CompiledRoomEventFilter;
	readonly order: 'rank' | 'recent';
	readonly groupBy: readonly GroupKey[];
	/** From the answer before; absent: from the beginning. */
	readonly token: string | undefined;
}

/** An event that was found. */
export interface SearchResult {
	readonly event: StoredEvent;
	/** The higher the closer. */
	readonly rank: number;
}

/** The results of one group. */
export interface SearchGroup {
	readonly results: readonly SearchResult[];
	/** The order of groups: 1 is the first. */
	readonly order: number;
	readonly nextBatch: string | undefined;
}

/** What was found. */
export interface SearchAnswer {
	/** Events that were found at least, this page or not. */
	readonly count: number;
	readonly results: readonly SearchResult[];
	/** Words to be marked in the results. */
	readonly highlights: readonly string[];
	readonly groups: ReadonlyMap<GroupKey, ReadonlyMap<string, SearchGroup>>;
	readonly nextBatch: string | undefined;
}

/** What the domain is built from. */
export interface SearchDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly clock: Clock;
	/** Told of what keeps events from being indexed; it is tried again. */
	readonly onProblem: (problem: Error) => void;
}

/** Finds events by the words in them. */
export interface Search {
	/**
	 * Finds events that a user may see, in rooms that the user is in or was in, and that are not encrypted. The most
	 * relevant are found among the newest ones.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-search
	 * @throws SearchError
	 */
	find(userId: UserId, wish: SearchWish): Promise<SearchAnswer>;
	/** Indexes from now on what comes, without being asked; a search indexes what is missing in any case. */
	follow(): void;
	/** Stops following the stream. */
	close(): void;
}

/** Makes the domain. */
export function createSearch(dependencies: SearchDependencies): Search {
	const {storage} = dependencies;
	const indexer = new Indexer(dependencies);
	return {
		async find(userId, wish) {
			const token = readSearchToken(wish.token);
			if (storage.dialect === 'postgres') await storage.barrier();
			await indexer.catchUp(storage.stream.head(), CATCH_UP_MS);
			const term = readTerm(wish.term);
			const highlights = [...new Set(term.phrases.flat())];
			const rooms = await listRooms(dependencies, userId, wish.filter);
			if (term.phrases.length === 0 || rooms.length === 0) {
				return {count: 0, results: [], highlights, groups: new Map(), nextBatch: undefined};
			}
			const scope: SearchScope = {userId, rooms, term, keys: wish.keys, filter: wish.filter, group: token.group};
			const {hits, count} = await gather(
				dependencies,
				scope,
				wish.order === 'rank' ? undefined : token.before,
				wish.filter.limit,
			);
			const {page, next, consumed} =
				wish.order === 'rank' ? pageByRank(hits, wish, token) : pageByTime(hits, wish, token);
			return {
				count,
				results: page,
				highlights,
				groups: groupResults(page, consumed, wish, next !== undefined),
				nextBatch: next && writeSearchToken(next),
			};
		},
		follow: () => indexer.follow(),
		close: () => indexer.close(),
	};
}

/** Rooms that the user is in or was in, and has not forgotten. */
async function listRooms(
	{storage}: SearchDependencies,
	userId: UserId,
	{mayShowRoom}: CompiledRoomEventFilter,
): Promise<RoomId[]> {
	const rows = await storage.memberships.listOfUser(userId, ['join', 'leave', 'ban']);
	return rows.map(({roomId}) => roomId).filter((roomId) => mayShowRoom(roomId));
}

interface Page {
	readonly page: readonly Hit[];
	/** The page, and what came before it in its order. */
	readonly consumed: readonly Hit[];
	/** Where to go on: a full page may have been the last, which the next one says. */
	readonly next: SearchToken | undefined;
}

function pageByTime(hits: readonly Hit[], {filter: {limit}}: SearchWish, {before, group}: SearchToken): Page {
	const page = hits.filter(({id}) => before === undefined || id < before).slice(0, limit);
	const last = page.length === limit ? page.at(-1) : undefined;
	return {page, consumed: page, next: last && {before: last.id, group}};
}

function pageByRank(hits: readonly Hit[], {filter: {limit}}: SearchWish, {offset = 0, group}: SearchToken): Page {
	const consumed = hits.toSorted((a, b) => b.rank - a.rank || b.id - a.id).slice(0, offset + limit);
	const page = consumed.slice(offset);
	return {page, consumed, next: page.length === limit && limit > 0 ? {offset: offset + limit, group} : undefined};
}

/** Says which results are in which group, in the order of each group's first. */
function groupResults(
	page: readonly Hit[],
	consumed: readonly Hit[],
	{groupBy, order}: SearchWish,
	hasMore: boolean,
): SearchAnswer['groups'] {
	const groups = new Map<GroupKey, Map<string, SearchGroup>>();
	for (const key of groupBy) {
		const valueOf = ({event: {row}}: Hit): string => (key === 'room_id' ? row.roomId : row.sender);
		const named = [...new Set(page.map(valueOf))].map((value, index): [string, SearchGroup] => {
			const results = page.filter((hit) => valueOf(hit) === value);
			const group = {key, value};
			const next =
				order === 'rank'
					? {offset: consumed.filter((hit) => valueOf(hit) === value).length, group}
					: {before: results.at(-1)!.id, group};
			return [value, {results, order: index + 1, nextBatch: hasMore ? writeSearchToken(next) : undefined}];
		});
		groups.set(key, new Map(named));
	}
	return groups;
}
