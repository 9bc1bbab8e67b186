import {LRUCache} from 'lru-cache';
import type {RoomId} from '../../crypto/index.ts';
import type {EventNid, Position, RoomHead, StateEntry, StateRoot, Storage} from '../../storage/index.ts';
import type {Positions} from './positions.ts';

/** Rooms whose current head is held. */
const HEADS_MAX = 20_000;
/** Entries of states that are held together, and how large a state may be that is. */
const ENTRIES_MAX = 200_000;
const ENTRIES_OF_STATE_MAX = 2_000;

interface KnownHead {
	readonly head: RoomHead;
	/** It was still current here. */
	readonly upto: Position;
}

/** A state of a room: by its root everything about it is found. */
export interface RoomStateAt {
	readonly roomId: RoomId;
	readonly root: StateRoot;
}

/** The states of rooms at positions, and how they differ. */
export class RoomStates {
	readonly #storage: Storage;
	readonly #positions: Positions;
	readonly #heads = new LRUCache<RoomId, KnownHead>({maxSize: HEADS_MAX, sizeCalculation: () => 1});
	readonly #reading = new Map<string, Promise<RoomHead | undefined>>();
	readonly #entries = new LRUCache<string, readonly StateEntry[]>({
		maxSize: ENTRIES_MAX,
		sizeCalculation: (entries) => entries.length + 1,
	});

	constructor(storage: Storage, positions: Positions) {
		this.#storage = storage;
		this.#positions = positions;
	}

	/** Finds the state that was current at a position; `undefined` where this server had none of the room. */
	async findAt(roomId: RoomId, pos: Position): Promise<RoomStateAt | undefined> {
		const known = this.#heads.get(roomId);
		if (known && known.head.pos <= pos) {
			if (pos <= known.upto) return {roomId, root: known.head.root};
			if (!this.#positions.hasEvents(roomId, known.upto)) {
				this.#heads.set(roomId, {head: known.head, upto: pos});
				return {roomId, root: known.head.root};
			}
		}
		const head = await this.#read(roomId, pos);
		return head && {roomId, root: head.root};
	}

	/** All who are woken by one event ask at once, and share one reading. */
	#read(roomId: RoomId, pos: Position): Promise<RoomHead | undefined> {
		const key = `${roomId} ${pos}`;
		const reading =
			this.#reading.get(key) ??
			this.#storage.rooms
				.findHeadAt(roomId, pos)
				.then((head) => {
					const known = this.#heads.get(roomId);
					if (head && (!known || pos > known.upto)) this.#heads.set(roomId, {head, upto: pos});
					return head;
				})
				.finally(() => this.#reading.delete(key));
		this.#reading.set(key, reading);
		return reading;
	}

	/** Lists all entries of a state. */
	async list({roomId, root}: RoomStateAt): Promise<readonly StateEntry[]> {
		const key = `${roomId} ${root}`;
		const known = this.#entries.get(key);
		if (known) return known;
		const entries = await this.#storage.state.entries(roomId, root);
		if (entries.length <= ENTRIES_OF_STATE_MAX) this.#entries.set(key, entries);
		return entries;
	}

	/** Lists the entries that a later state has otherwise than an earlier one; what was removed is left out. */
	async listChanged(before: RoomStateAt, after: RoomStateAt): Promise<StateEntry[]> {
		if (before.root === after.root) return [];
		const differences = await this.#storage.state.diff(after.roomId, before.root, after.root);
		return differences.flatMap(({type, stateKey, after: eventNid}) =>
			eventNid === null ? [] : [{type, stateKey, eventNid}],
		);
	}

	/** Finds some entries of a state. */
	async find(
		{roomId, root}: RoomStateAt,
		keys: readonly {readonly type: string; readonly stateKey: string}[],
	): Promise<StateEntry[]> {
		if (keys.length === 0) return [];
		const snapshot = this.#storage.state.open(roomId, root);
		await snapshot.load(keys);
		return keys.flatMap(({type, stateKey}) => {
			const eventNid: EventNid | undefined = snapshot.get(type, stateKey);
			return eventNid === undefined ? [] : [{type, stateKey, eventNid}];
		});
	}
}
