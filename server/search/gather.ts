import {setImmediate as nextTurn} from 'node:timers/promises';
import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import type {Storage, WordMatch, WordQuery} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import type {CompiledRoomEventFilter} from '../filters/index.ts';
import type {GroupKey} from './tokens.ts';
import {nameWord, rankOf, type SearchKey, searchableOf, searchKeys, type SearchTerm, wordsOf} from './words.ts';

/** Matches that one search looks at from the newest on, and those that are ranked and counted. */
const LOOKED_AT_MAX = 1_000;
const HITS_MAX = 500;
/** Matches that are looked at in one turn of the event loop. */
const CHUNK = 100;
/** Rooms of one read: the index merges the lists of all. */
const ROOMS_MAX = 200;

/** An event that was found, its place in the index, and how well it fits. */
export interface Hit extends WordMatch {
	readonly event: StoredEvent;
	readonly rank: number;
}

/** What is looked for, and where. */
export interface SearchScope {
	readonly userId: UserId;
	readonly rooms: readonly RoomId[];
	readonly term: SearchTerm;
	readonly keys: readonly SearchKey[];
	readonly filter: CompiledRoomEventFilter;
	readonly group: {readonly key: GroupKey; readonly value: string} | undefined;
}

/** What gathering is done with. */
export interface GatherContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
}

/**
 * Gathers what the user may see of the newest matches, and says how much that is. Where the page that is wanted lies
 * beyond those (`before`), goes on there.
 */
export async function gather(
	context: GatherContext,
	scope: SearchScope,
	before: number | undefined,
	limit: number,
): Promise<{readonly hits: readonly Hit[]; readonly count: number}> {
	const {hits, nextId} = await gatherFrom(context, scope, undefined, HITS_MAX);
	const onPage = before === undefined ? hits.length : hits.filter(({id}) => id < before).length;
	if (nextId === undefined || onPage >= limit) return {hits, count: hits.length};
	const more = await gatherFrom(context, scope, Math.min(nextId, before ?? nextId), limit);
	return {hits: [...hits, ...more.hits], count: hits.length + more.hits.length};
}

async function gatherFrom(
	context: GatherContext,
	scope: SearchScope,
	from: number | undefined,
	hitsMax: number,
): Promise<{readonly hits: readonly Hit[]; readonly nextId: number | undefined}> {
	const look = await createLook(context, scope);
	const hits: Hit[] = [];
	let before = from;
	for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX && hits.length < hitsMax; lookedAt += CHUNK) {
		const matches = await listMatches(context, scope, before);
		for (const hit of await look(matches)) hits.push(hit);
		if (matches.length < CHUNK) return {hits, nextId: undefined};
		before = matches.at(-1)!.id;
		await nextTurn();
	}
	return {hits, nextId: before};
}

/** Lists the newest matches below an id in all rooms. */
async function listMatches(
	{storage}: GatherContext,
	scope: SearchScope,
	before: number | undefined,
): Promise<WordMatch[]> {
	const matches: WordMatch[] = [];
	const rooms = scope.group?.key === 'room_id' ? scope.rooms.filter((it) => it === scope.group?.value) : scope.rooms;
	for (let index = 0; index < rooms.length; index += ROOMS_MAX) {
		const query = queryOf(scope, rooms.slice(index, index + ROOMS_MAX));
		matches.push(...(await storage.search.list(query, {before, limit: CHUNK})));
		await nextTurn();
	}
	return matches.toSorted((a, b) => b.id - a.id).slice(0, CHUNK);
}

function queryOf({term, keys, group}: SearchScope, rooms: readonly RoomId[]): WordQuery {
	const names = (kind: 'key' | 'room' | 'sender', all: readonly string[]) => all.map((name) => [nameWord(kind, name)]);
	return {
		all: [
			names('room', rooms),
			...(keys.length < searchKeys.length ? [names('key', keys)] : []),
			...(group?.key === 'sender' ? [names('sender', [group.value])] : []),
			...term.phrases.map((phrase) => [phrase]),
		],
		none: term.excluded,
	};
}

/** Gives what looks at matches one by one: the index says where words are, and nothing of who may read them. */
async function createLook(
	{storage, engine, events}: GatherContext,
	{userId, rooms, term, keys, filter, group}: SearchScope,
): Promise<(matches: readonly WordMatch[]) => Promise<Hit[]>> {
	const {users: ignored} = await events.findUnwanted(userId);
	const own = new Set<RoomId>(rooms);
	const encrypted = new Map<RoomId, boolean>();
	const isOpen = async (roomId: RoomId): Promise<boolean> => {
		if (!encrypted.has(roomId)) {
			const row = await storage.rooms.findCurrentState(roomId, 'm.room.encryption', '');
			encrypted.set(roomId, row !== undefined);
		}
		return own.has(roomId) && encrypted.get(roomId) === false;
	};
	const isWanted = ({pdu, row}: StoredEvent): boolean =>
		row.redactedBy === null &&
		(row.stateKey !== null || !ignored.has(row.sender)) &&
		(group?.key !== 'sender' || group.value === row.sender) &&
		filter.matches?.({type: pdu.type, sender: pdu.sender, hasUrl: typeof pdu.content['url'] === 'string'}) !== false;
	return async (matches) => {
		const rows = await storage.events.findByNids(matches.map(({nid}) => nid));
		const found = (await engine.readRows([...rows.values()])).filter(isWanted);
		const open: StoredEvent[] = [];
		for (const event of found) if (await isOpen(event.row.roomId)) open.push(event);
		const visible = new Map((await events.filterVisible(userId, open)).map((event) => [event.row.nid, event]));
		const forgotten = await events.findForgotten(userId, [...visible.values()]);
		return matches.flatMap(({id, nid}) => {
			const event = forgotten.has(nid) ? undefined : visible.get(nid);
			const searchable = event && searchableOf(event.pdu);
			if (!searchable || !keys.includes(searchable.key)) return [];
			const rank = rankOf(wordsOf(searchable.text), term);
			return rank > 0 ? [{id, nid, event, rank}] : [];
		});
	};
}
