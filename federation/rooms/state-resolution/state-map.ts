import type {EventId} from '../../../crypto/index.ts';

declare const brand: unique symbol;

/** One `(type, state_key)` pair as a map's key; made by {@link stateKeyOf}. */
export type StateKey = string & {readonly [brand]: 'StateKey'};

/** A room's state: which event holds each `(type, state_key)`. */
export type StateMap = ReadonlyMap<StateKey, EventId>;

/**
 * Gives the map key of a `(type, state_key)` pair. Two different pairs never give the same key, whatever characters they
 * hold: the type's length stands in front.
 */
export function stateKeyOf(type: string, stateKey: string): StateKey {
	return (String.fromCharCode(type.length) + type + stateKey) as StateKey;
}

/** Takes a map key apart again. */
export function splitStateKey(key: StateKey): readonly [type: string, stateKey: string] {
	const typeEnd = key.charCodeAt(0) + 1;
	return [key.slice(1, typeEnd), key.slice(typeEnd)];
}

/** What state resolution needs to know of the state that all state sets share; a `StateMap` will do, and so will a view of a trie. */
export interface UnconflictedState {
	get(key: StateKey): EventId | undefined;
	values(): Iterable<EventId>;
}

/** Several states of one room, with what they agree on taken out. */
export interface Conflict {
	/** For each state set, its entries which some other set lacks or has another event for. */
	readonly conflicted: readonly StateMap[];
	/** The entries that every state set has, with the same event. */
	readonly unconflicted: UnconflictedState;
}

/** Splits whole states into what they agree on and what they do not. Linear in the number of entries. */
export function separateStates(stateSets: readonly StateMap[]): Conflict & {readonly unconflicted: StateMap} {
	const unconflicted = new Map<StateKey, EventId>();
	const [first = new Map<StateKey, EventId>(), ...others] = stateSets;
	for (const [key, eventId] of first) {
		if (others.every((stateSet) => stateSet.get(key) === eventId)) unconflicted.set(key, eventId);
	}
	const conflicted = stateSets.map((stateSet) => {
		const entries = new Map<StateKey, EventId>();
		// Every set holds all unconflicted keys, so one that has no other keys needs no second look.
		if (stateSet.size === unconflicted.size) return entries;
		for (const [key, eventId] of stateSet) {
			if (!unconflicted.has(key)) entries.set(key, eventId);
		}
		return entries;
	});
	return {conflicted, unconflicted};
}
