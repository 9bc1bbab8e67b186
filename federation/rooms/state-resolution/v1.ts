import {type EventId, LosslessNumber, sha1Hex} from '../../../crypto/index.ts';
import type {Pdu, StateLookup} from '../pdu.ts';
import {type StateKey, splitStateKey, stateKeyOf} from './state-map.ts';
import {JOIN_RULES, MEMBER, POWER_LEVELS_KEY} from './state-types.ts';
import type {Steps} from './steps.ts';
import type {Resolution} from './v2.ts';

/** What one conflicted event counts as: a hash and its share of the sort. */
const EVENT_UNITS = 10;
/** What one check of the authorisation rules counts as. */
const CHECK_UNITS = 10;

/** The rivals for one `(type, state_key)`, by ascending depth, then descending SHA-1 of the id. */
interface Contest {
	readonly key: StateKey;
	readonly events: readonly Pdu[];
}

/**
 * Resolves a conflict by the algorithm of room version 1. Gives what it lays over the unconflicted state.
 *
 * Unlike later versions, a key which only some state sets have, all with the same event, is not conflicting.
 *
 * The specification leaves two things open, in which this does what all servers of such rooms do: the events of each
 * `(type, state_key)` are a list of their own, checked against what was resolved before the pass and not against its other
 * lists; and where no event of the last pass is allowed, the one of the least depth is taken.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function* resolveV1(resolution: Resolution): Steps<ReadonlyMap<StateKey, EventId>> {
	const {resolved, contests} = yield* listContests(resolution);
	for (const [pass, resolve] of [resolveInTurn, resolveInTurn, resolveInTurn, resolveLast].entries()) {
		const winners: {readonly contest: Contest; readonly winner: Pdu}[] = [];
		for (const contest of contests.filter(({key}) => passOf(key) === pass)) {
			if (resolution.budget.spend(CHECK_UNITS * contest.events.length)) yield;
			winners.push({contest, winner: resolve(contest, resolved, resolution)});
		}
		for (const {contest, winner} of winners) resolved.set(contest.key, winner.eventId);
	}
	resolution.source.checkComplete();
	return resolved;
}

/** Power levels, then join rules, then members, then whatever no other event depends on. */
function passOf(key: StateKey): number {
	if (key === POWER_LEVELS_KEY) return 0;
	const [type] = splitStateKey(key);
	if (type === JOIN_RULES) return 1;
	return type === MEMBER ? 2 : 3;
}

/** Sorts the conflicted events into contests; a key with one event only is decided at once. */
function* listContests(
	resolution: Resolution,
): Steps<{readonly resolved: Map<StateKey, EventId>; readonly contests: Contest[]}> {
	const {conflict, source, budget} = resolution;
	const rivals = new Map<StateKey, Set<EventId>>();
	for (const [key, eventId] of conflict.conflicted.flatMap((entries) => [...entries])) {
		const known = rivals.get(key);
		if (known === undefined) rivals.set(key, new Set([eventId]));
		else known.add(eventId);
	}
	const resolved = new Map<StateKey, EventId>();
	const contests: Contest[] = [];
	for (const [key, eventIds] of rivals) {
		if (budget.spend(EVENT_UNITS * eventIds.size)) yield;
		const events: Pdu[] = [];
		for (const eventId of eventIds) {
			const event = source.rejectionOf(eventId) === undefined ? source.find(eventId) : undefined;
			if (event !== undefined) events.push(event);
		}
		const [first] = events;
		if (first !== undefined && events.length === 1) resolved.set(key, first.eventId);
		else if (first !== undefined) contests.push({key, events: sortByDepth(events)});
	}
	source.checkComplete();
	return {resolved, contests};
}

/** Takes the first event, and each next one that is allowed after the one before it, until the first that is not. */
function resolveInTurn(contest: Contest, resolved: ReadonlyMap<StateKey, EventId>, resolution: Resolution): Pdu {
	let winner = contest.events[0] as Pdu;
	const lookUp = lookUpIn(resolved, resolution);
	for (const event of contest.events.slice(1)) {
		const before: Pdu = winner;
		const state: StateLookup = (type, stateKey) =>
			stateKeyOf(type, stateKey) === contest.key ? before : lookUp(type, stateKey);
		if (!resolution.rules.checkAuth(event, state).allowed) break;
		winner = event;
	}
	return winner;
}

/** Takes the last event that is allowed. */
function resolveLast(contest: Contest, resolved: ReadonlyMap<StateKey, EventId>, resolution: Resolution): Pdu {
	const lookUp = lookUpIn(resolved, resolution);
	return (
		contest.events.findLast((event) => resolution.rules.checkAuth(event, lookUp).allowed) ?? (contest.events[0] as Pdu)
	);
}

function lookUpIn(resolved: ReadonlyMap<StateKey, EventId>, {conflict, source}: Resolution): StateLookup {
	return (type, stateKey) => {
		const key = stateKeyOf(type, stateKey);
		const eventId = resolved.get(key) ?? conflict.unconflicted.get(key);
		return eventId === undefined ? undefined : source.find(eventId);
	};
}

function sortByDepth(events: readonly Pdu[]): Pdu[] {
	const sortable = events.map((event) => ({event, depth: depthOf(event), hash: sha1Hex(event.eventId)}));
	sortable.sort((a, b) => {
		if (a.depth !== b.depth) return a.depth < b.depth ? -1 : 1;
		return a.hash > b.hash ? -1 : 1;
	});
	return sortable.map(({event}) => event);
}

/** Depths go up to 2^63−1 in this room version, which a JavaScript number cannot tell apart. */
function depthOf(event: Pdu): number | bigint {
	const {depth} = event.json;
	return depth instanceof LosslessNumber && /^\d+$/.test(depth.raw) ? BigInt(depth.raw) : event.depth;
}
