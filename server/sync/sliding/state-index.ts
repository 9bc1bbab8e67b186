import {LRUCache} from 'lru-cache';
import type {RoomId} from '../../../crypto/index.ts';
import type {StateDifference, StateEntry, StateKey, StateRoot, Storage} from '../../../storage/index.ts';
import type {RoomStateAt, RoomStates} from '../room-states.ts';
import {memberType} from './state-wish.ts';

/** Entries of all indexes together that are held. */
const ENTRIES_MAX = 500_000;
/** Members of a room that are remembered with its index: those who wrote last, and after whom it is called. */
const MEMBERS_MAX = 100;

/** The state of a room without its members, by type and key: small also where a room has many people. */
export interface StateIndex {
	readonly root: StateRoot;
	readonly byType: ReadonlyMap<string, ReadonlyMap<string, StateEntry>>;
	readonly size: number;
	/** Members that were asked for; `undefined`: has no membership. */
	readonly members: Map<string, StateEntry | undefined>;
}

/** The indexes of rooms; a later one is made from an earlier one by what differs. */
export class StateIndexes {
	readonly #storage: Pick<Storage, 'state'>;
	readonly #states: RoomStates;
	readonly #held = new LRUCache<RoomId, StateIndex>({
		maxSize: ENTRIES_MAX,
		sizeCalculation: ({size}) => size + 1,
	});
	readonly #making = new Map<string, Promise<StateIndex>>();

	constructor(storage: Pick<Storage, 'state'>, states: RoomStates) {
		this.#storage = storage;
		this.#states = states;
	}

	/** Gives the index of a state. */
	of(state: RoomStateAt): Promise<StateIndex> | StateIndex {
		const known = this.#held.get(state.roomId);
		if (known?.root === state.root) return known;
		const key = `${state.roomId} ${state.root}`;
		let making = this.#making.get(key);
		if (!making) {
			making = this.#make(state, known).finally(() => this.#making.delete(key));
			this.#making.set(key, making);
		}
		return making;
	}

	/** Finds entries of a state. */
	async find(state: RoomStateAt, keys: readonly StateKey[]): Promise<StateEntry[]> {
		const index = await this.of(state);
		const wanted = keys.filter(({type}) => type === memberType);
		const members = wanted.length === 0 ? index.members : await this.#findMembers(state, index, wanted);
		const entries = keys.map(({type, stateKey}) =>
			type === memberType ? members.get(stateKey) : index.byType.get(type)?.get(stateKey),
		);
		return entries.filter((entry) => entry !== undefined);
	}

	async #findMembers(
		state: RoomStateAt,
		{members}: StateIndex,
		keys: readonly StateKey[],
	): Promise<ReadonlyMap<string, StateEntry | undefined>> {
		const found = new Map(
			keys.filter(({stateKey}) => members.has(stateKey)).map(({stateKey}) => [stateKey, members.get(stateKey)]),
		);
		const unknown = keys.filter(({stateKey}) => !found.has(stateKey));
		if (unknown.length === 0) return found;
		const entries = await this.#states.find(state, unknown);
		if (members.size + unknown.length > MEMBERS_MAX) members.clear();
		for (const {stateKey} of unknown) found.set(stateKey, undefined);
		for (const entry of entries) found.set(entry.stateKey, entry);
		for (const {stateKey} of unknown) members.set(stateKey, found.get(stateKey));
		return found;
	}

	async #make({roomId, root}: RoomStateAt, known: StateIndex | undefined): Promise<StateIndex> {
		const index = known
			? change(known, root, await this.#storage.state.diff(roomId, known.root, root))
			: build(root, await this.#storage.state.entries(roomId, root));
		this.#held.set(roomId, index);
		return index;
	}
}

function build(root: StateRoot, entries: readonly StateEntry[]): StateIndex {
	const byType = new Map<string, Map<string, StateEntry>>();
	let size = 0;
	for (const entry of entries) {
		if (entry.type === memberType) continue;
		size += 1;
		const ofType = byType.get(entry.type);
		if (ofType) ofType.set(entry.stateKey, entry);
		else byType.set(entry.type, new Map([[entry.stateKey, entry]]));
	}
	return {root, byType, size, members: new Map()};
}

function change(from: StateIndex, root: StateRoot, differences: readonly StateDifference[]): StateIndex {
	const byType = new Map<string, ReadonlyMap<string, StateEntry>>(from.byType);
	const members = new Map(from.members);
	let size = from.size;
	for (const {type, stateKey, before, after} of differences) {
		if (type === memberType) {
			members.delete(stateKey);
			continue;
		}
		const ofType = new Map(byType.get(type));
		if (after === null) ofType.delete(stateKey);
		else ofType.set(stateKey, {type, stateKey, eventNid: after});
		size += Number(after !== null) - Number(before !== null);
		byType.set(type, ofType);
	}
	return {root, byType, size, members};
}
