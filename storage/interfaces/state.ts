import type {RoomId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';
import type {EventNid} from './events.ts';

/** The root of a stored state: the id of a trie node of its room. 0 is the empty state. */
export type StateRoot = number;

/** A key of room state. */
export interface StateKey {
	readonly type: string;
	readonly stateKey: string;
}

/** An entry of room state. */
export interface StateEntry extends StateKey {
	readonly eventNid: EventNid;
}

/** A change of room state; `eventNid` `null` removes the entry. */
export interface StateChange extends StateKey {
	readonly eventNid: EventNid | null;
}

/** How two states differ at one key; `null` means absent. */
export interface StateDifference extends StateKey {
	readonly before: EventNid | null;
	readonly after: EventNid | null;
}

/**
 * An immutable state of a room. What is asked of it synchronously must have been loaded; to ask for another key is a
 * broken invariant and throws, so that a turn can never silently see an entry as absent.
 */
export interface Snapshot {
	readonly roomId: RoomId;
	/** The root, to be stored as `stateBefore` or as a room's head. */
	readonly root: StateRoot;
	/**
	 * Makes keys available to `get` and `with` here and in snapshots that are made from this one afterwards, until a
	 * chain of them has loaded many more: `isLoaded` tells, and `get` throws.
	 */
	load(keys: readonly StateKey[]): Promise<void>;
	/** Makes every key available. Only for rooms whose whole state is needed (resolution). */
	loadAll(): Promise<void>;
	/** Gives the event of a loaded key, `undefined` where the state has none. */
	get(type: string, stateKey: string): EventNid | undefined;
	/**
	 * Makes the state that follows from changes of loaded keys (synchronous). Node ids come from `storage.ids`; reserve
	 * 8 for each change beforehand. The new snapshot remembers the nodes that are not yet stored.
	 */
	with(changes: readonly StateChange[]): Snapshot;
	/** Whether `get` and `with` may be asked about this key. */
	isLoaded(type: string, stateKey: string): boolean;
	/** Lists all entries, those of nodes that are not stored yet too. */
	entries(): Promise<StateEntry[]>;
	/** Lists where this state differs from another of the room, reading only what differs; works on unstored ones too. */
	differenceFrom(before: Snapshot): Promise<StateDifference[]>;
}

/**
 * Finds stored nodes of a room that no root of its events and heads reaches, at most 5,000, and says how many nodes there
 * were to look at. `goOn` is asked between pages; it lets others have their turn, and false breaks the search off
 * (`undefined`).
 *
 * A state that is still being worked out may reach such a node, so it is removed only if it is found again a day later.
 *
 * @throws StorageError('corrupt') where nodes are missing that a root reaches
 */
export type UnusedNodes = (
	roomId: RoomId,
	goOn: () => Promise<boolean>,
) => Promise<{readonly nodes: readonly number[]; readonly lookedAt: number} | undefined>;

/** Room states as tries with structural sharing. */
export interface StateRepository {
	/** Opens a stored state; nothing is read until `load`. */
	open(roomId: RoomId, root: StateRoot): Snapshot;
	/** Writes the nodes that make `snapshot` readable and that are not stored yet (also those of snapshots it was made from and shares). */
	save(batch: Batch, snapshot: Snapshot): void;
	/** Lists all entries of a state. */
	entries(roomId: RoomId, root: StateRoot): Promise<StateEntry[]>;
	/** Lists where two states of a room differ, reading only what differs. */
	diff(roomId: RoomId, before: StateRoot, after: StateRoot): Promise<StateDifference[]>;
	readonly findUnused: UnusedNodes;
	/** Removes nodes of a room. */
	removeNodes(batch: Batch, roomId: RoomId, nodes: readonly number[]): void;
}
