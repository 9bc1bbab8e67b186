import type {StateEntry, StateKey} from '../../../storage/index.ts';
import type {RoomStateAt} from '../room-states.ts';
import type {SyncParts} from '../v3/view.ts';
import {memberType, type StateWish} from './state-wish.ts';
import type {StateIndex, StateIndexes} from './state-index.ts';

/** A room's state as it is, and as the client was told it. */
export interface StateSpan {
	readonly now: RoomStateAt;
	/** Absent: the client was told nothing. */
	readonly before: RoomStateAt | undefined;
}

/** How the state changed in a span. */
export interface StateChanges {
	readonly entries: readonly StateEntry[];
	/** Keys that the state has no more. */
	readonly removed: readonly StateKey[];
}

/** Lists everything that changed in a span; nothing where the client was told nothing. */
export async function listChanges(
	{storage}: Pick<SyncParts, 'storage'>,
	{now, before}: StateSpan,
): Promise<StateChanges> {
	if (!before || before.root === now.root) return {entries: [], removed: []};
	const differences = await storage.state.diff(now.roomId, before.root, now.root);
	const entries: StateEntry[] = [];
	const removed: StateKey[] = [];
	for (const {type, stateKey, after} of differences) {
		if (after === null) removed.push({type, stateKey});
		else entries.push({type, stateKey, eventNid: after});
	}
	return {entries, removed};
}

/** Lists the entries of a state that are wanted, whatever the timeline shows. */
export async function listWanted(
	{states}: Pick<SyncParts, 'states'>,
	indexes: StateIndexes,
	state: RoomStateAt,
	wish: StateWish,
): Promise<readonly StateEntry[]> {
	if (wish.hasAllMembers) return (await states.list(state)).filter((entry) => wish.matches(entry));
	if (wish.keys) return indexes.find(state, wish.keys);
	const others = [...entriesOf(await indexes.of(state))].filter((entry) => wish.matches(entry));
	const members = wish.memberKeys.map((stateKey) => ({type: memberType, stateKey}));
	return [...others, ...(await indexes.find(state, members))];
}

function* entriesOf({byType}: StateIndex): Generator<StateEntry> {
	for (const ofType of byType.values()) yield* ofType.values();
}
