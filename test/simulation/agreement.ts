import {domainOf, type EventId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import {type Pdu, splitStateKey, type StateMap} from '../../federation/rooms/index.ts';
import {BYZANTINE} from './byzantine.ts';
import {Replay} from './replay.ts';
import type {ServerLife, ServerNode} from './server-node.ts';

/** What became of an event that is part of the graph. */
type Fate = 'shown' | 'soft-failed' | 'rejected';

/** What one server knows of a room in the end. */
export interface Account {
	readonly server: ServerName;
	readonly state: readonly string[];
	/** Events that have a place in the timeline, in its order. */
	readonly timeline: readonly EventId[];
	/** Events that are here as part of the graph, by what became of them. */
	readonly known: ReadonlyMap<EventId, Fate>;
	readonly pdus: ReadonlyMap<EventId, Pdu>;
	readonly joined: readonly string[];
	readonly extremities: readonly EventId[];
	readonly faults: readonly string[];
}

const compare = (a: string, b: string): number => (a < b ? -1 : 1);

/** Lists the servers that take themselves to be in a room. */
export async function listInRoom(nodes: readonly ServerNode[], roomId: RoomId): Promise<ServerNode[]> {
	const present: ServerNode[] = [];
	for (const node of nodes) {
		if ((await node.life.storage.memberships.listLocalJoined(roomId)).length > 0) present.push(node);
	}
	return present;
}

/** Asks one server what it knows of a room, and whether what it keeps in several forms is one thing. */
export async function takeAccount({name, life}: ServerNode, roomId: RoomId): Promise<Account> {
	const {engine, storage} = life;
	const view = await engine.findRoom(roomId);
	const pdusOfState = (await view?.listState()) ?? [];
	const describe = (type: string, stateKey: string, eventId: string): string => `${type} ${stateKey} ${eventId}`;
	const state = pdusOfState.map((pdu) => describe(pdu.type, pdu.stateKey ?? '', pdu.eventId)).toSorted(compare);
	const table = (await storage.rooms.listCurrentState(roomId, {limit: 1_000}))
		.map((row) => describe(row.type, row.stateKey ?? '', row.eventId))
		.toSorted(compare);
	const members = await storage.memberships.listOfRoom(roomId, {memberships: ['join'], limit: 1_000});
	const joined = members.map(({userId}) => userId as string).toSorted(compare);
	const joinedByState = pdusOfState
		.filter(({type, content}) => type === 'm.room.member' && content['membership'] === 'join')
		.map(({stateKey}) => stateKey as string)
		.toSorted(compare);
	const servers = (await storage.memberships.listServers(roomId)).filter((server) => server !== name);
	const others = new Set(members.map(({userId}) => domainOf(userId)).filter((server) => server !== name));
	const faults: string[] = [];
	const mustMatch = (what: string, one: readonly string[], other: readonly string[]): void => {
		if (one.join('\n') !== other.join('\n')) faults.push(`${what} differ: ${one.join(', ')} | ${other.join(', ')}`);
	};
	mustMatch('state by the trie and by the table', state, table);
	mustMatch('members by the state and by the table', joinedByState, joined);
	mustMatch('servers by the table and by members', servers.toSorted(compare), [...others].toSorted(compare));
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 10_000});
	const {known, pdus} = await listGraph(
		life,
		view?.extremities ?? [],
		rows.map(({eventId}) => eventId),
	);
	return {
		server: name,
		state,
		timeline: rows.map(({eventId}) => eventId),
		known,
		pdus,
		joined,
		extremities: view?.extremities ?? [],
		faults,
	};
}

/** Asks a server what became of events that others know: no event that it shows need name them. */
export async function learnFates({life}: ServerNode, account: Account, eventIds: Iterable<EventId>): Promise<Account> {
	const fates = (await life.engine.findEvents([...eventIds])).flatMap(fateOf);
	return {...account, known: new Map([...account.known, ...fates])};
}

function fateOf({pdu, row}: StoredEvent): [EventId, Fate][] {
	if (row.outlier) return [];
	return [[pdu.eventId, row.rejected !== null ? 'rejected' : row.softFailed ? 'soft-failed' : 'shown']];
}

/** Walks the graph of a room as far as a server has it. */
async function listGraph(
	{engine}: ServerLife,
	extremities: readonly EventId[],
	timeline: readonly EventId[],
): Promise<Pick<Account, 'known' | 'pdus'>> {
	const known = new Map<EventId, Fate>();
	const pdus = new Map<EventId, Pdu>();
	for (let layer: readonly EventId[] = [...new Set([...extremities, ...timeline])]; layer.length > 0; ) {
		const next = new Set<EventId>();
		for (const stored of await engine.findEvents(layer)) {
			const {pdu} = stored;
			pdus.set(pdu.eventId, pdu);
			for (const [eventId, fate] of fateOf(stored)) known.set(eventId, fate);
			for (const prev of pdu.prevEvents) if (!pdus.has(prev)) next.add(prev);
		}
		layer = [...next].filter((eventId) => !pdus.has(eventId));
	}
	return {known, pdus};
}

/**
 * Compares what the servers of a room say; gives what is wrong with it. Each must have the state that follows from the
 * graph by the rules alone. Servers that take each other to be in the room must agree; where one of two takes the other to
 * be out, it tells it nothing any more, and the other cannot know better.
 * @see docs/decisions/servers-that-lost-each-other.md
 * @param pdus All events of the room that any server knows, in it or not.
 */
export function findDisagreements(
	roomId: RoomId,
	accounts: readonly Account[],
	pdus: ReadonlyMap<EventId, Pdu>,
): string[] {
	const found = accounts.flatMap(({server, faults}) => faults.map((fault) => `${server} ${roomId}: ${fault}`));
	const replay = new Replay(pdus);
	const built = listBuiltOn(accounts, pdus);
	const isForgotten = (eventId: EventId): boolean => isOfLiar(eventId, pdus) && !built.has(eventId);
	for (const account of accounts) {
		const {server, state, extremities} = account;
		found.push(...compareStates(roomId, server, state, 'the graph', describeState(replay.stateAfter(extremities))));
		const peers = accounts.filter((other) => other !== account && isMutual(account, other));
		for (const other of peers) {
			if (other.server > server) found.push(...compareStates(roomId, server, state, other.server, other.state));
		}
		found.push(...compareEvents(roomId, account, peers, {pdus, isForgotten}));
	}
	return found;
}

/** Whether two servers tell each other what happens in the room. */
function isMutual(one: Account, other: Account): boolean {
	const takesIn = ({joined}: Account, {server}: Account): boolean =>
		joined.some((userId) => domainOf(userId as UserId) === server);
	return takesIn(one, other) && takesIn(other, one);
}

function describeState(state: StateMap | undefined): string[] {
	return [...(state ?? [])].map(([key, eventId]) => [...splitStateKey(key), eventId].join(' ')).toSorted(compare);
}

function compareStates(
	roomId: RoomId,
	one: string,
	state: readonly string[],
	other: string,
	otherState: readonly string[],
): string[] {
	const [left, right] = [new Set(state), new Set(otherState)];
	const differences = [
		...state.filter((entry) => !right.has(entry)).map((entry) => `only ${one}: ${entry}`),
		...otherState.filter((entry) => !left.has(entry)).map((entry) => `only ${other}: ${entry}`),
	];
	return differences.length === 0 ? [] : [`${roomId}: state differs; ${differences.join('; ')}`];
}

/** What of the events that its peers show a server lacks or refuses, since its last entry into the room. */
function compareEvents(
	roomId: RoomId,
	account: Account,
	peers: readonly Account[],
	{
		pdus,
		isForgotten,
	}: {
		readonly pdus: ReadonlyMap<EventId, Pdu>;
		readonly isForgotten: (eventId: EventId) => boolean;
	},
): string[] {
	const found: string[] = [];
	const shown = new Set(
		peers.flatMap(({known}) => [...known].filter(([, fate]) => fate === 'shown').map(([id]) => id)),
	);
	const since = listSince(account, pdus);
	const missing = [...shown].filter(
		(eventId) =>
			since.has(eventId) && !account.known.has(eventId) && !hasFalseDepth(eventId, pdus) && !isForgotten(eventId),
	);
	if (missing.length > 0) found.push(`${account.server} lacks of ${roomId}: ${missing.join(', ')}`);
	const rejected = [...shown].filter((eventId) => account.known.get(eventId) === 'rejected');
	if (rejected.length > 0) found.push(`${account.server} rejects of ${roomId}: ${rejected.join(', ')}`);
	return found;
}

/**
 * Lists what the ends of the graph rest on. A liar may tell an event to one server only, and where that leaves before it
 * builds on it and enters anew, nobody else ever hears of it.
 */
function listBuiltOn(accounts: readonly Account[], pdus: ReadonlyMap<EventId, Pdu>): ReadonlySet<EventId> {
	const built = new Set<EventId>();
	const open = accounts.flatMap(({extremities}) => extremities);
	for (let eventId = open.pop(); eventId !== undefined; eventId = open.pop()) {
		if (built.has(eventId)) continue;
		built.add(eventId);
		open.push(...(pdus.get(eventId)?.prevEvents ?? []));
	}
	return built;
}

function isOfLiar(eventId: EventId, pdus: ReadonlyMap<EventId, Pdu>): boolean {
	const pdu = pdus.get(eventId);
	return pdu !== undefined && domainOf(pdu.sender) === BYZANTINE;
}

/**
 * Whether an event says that it is less deep than what it is built on. It may be taken for history from before a server's
 * entry: its state counts there all the same, and that it is not shown hurts nobody but the liar.
 */
function hasFalseDepth(eventId: EventId, pdus: ReadonlyMap<EventId, Pdu>): boolean {
	const pdu = pdus.get(eventId);
	return pdu?.prevEvents.some((prev) => (pdus.get(prev)?.depth ?? -1) >= pdu.depth) === true;
}

/** Lists the events that come after a server's last entry into the room by the graph: all of them it must have. */
function listSince(account: Account, everything: ReadonlyMap<EventId, Pdu>): ReadonlySet<EventId> {
	const joins = account.timeline.filter((eventId) => {
		const pdu = account.pdus.get(eventId);
		return (
			pdu?.type === 'm.room.member' &&
			pdu.content['membership'] === 'join' &&
			pdu.stateKey !== undefined &&
			domainOf(pdu.stateKey as UserId) === account.server
		);
	});
	const start = joins.at(-1);
	const since = new Set<EventId>(start === undefined ? [] : [start]);
	for (let grows = true; grows; ) {
		grows = false;
		for (const [eventId, {prevEvents}] of everything) {
			if (since.has(eventId) || !prevEvents.some((prev) => since.has(prev))) continue;
			since.add(eventId);
			grows = true;
		}
	}
	return since;
}
