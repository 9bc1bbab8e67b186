import type {RoomId} from '../../crypto/index.ts';
import type {EventNid} from '../interfaces/events.ts';
import type {Snapshot, StateChange, StateDifference, StateEntry, StateKey, StateRoot} from '../interfaces/state.ts';
import type {KeyIds} from './keys.ts';
import {PathNotLoaded, type Trie} from './trie.ts';

/** A room's state: a trie over integers, and what they stand for. */
export class TrieSnapshot implements Snapshot {
	readonly roomId: RoomId;
	readonly trie: Trie;
	/** Shared by all snapshots that were made from one another. */
	readonly keys: KeyIds;

	constructor(roomId: RoomId, trie: Trie, keys: KeyIds) {
		this.roomId = roomId;
		this.trie = trie;
		this.keys = keys;
	}

	get root(): StateRoot {
		return this.trie.root;
	}

	async load(keys: readonly StateKey[]): Promise<void> {
		await this.trie.load(await this.keys.load(keys));
	}

	async loadAll(): Promise<void> {
		await this.load(await this.entries());
	}

	isLoaded(type: string, stateKey: string): boolean {
		const key = this.keys.peek(type, stateKey);
		return key !== undefined && this.trie.isLoaded(key);
	}

	get(type: string, stateKey: string): EventNid | undefined {
		const key = this.keys.peek(type, stateKey);
		if (key === undefined) throw new PathNotLoaded('a key of the state was asked for and not loaded');
		return this.trie.get(key);
	}

	with(changes: readonly StateChange[]): Snapshot {
		const edited = this.trie.with(
			changes.map(({type, stateKey, eventNid}) => ({
				type: this.keys.reserve(type),
				stateKey: this.keys.reserve(stateKey),
				eventNid,
			})),
		);
		return edited === this.trie ? this : new TrieSnapshot(this.roomId, edited, this.keys);
	}

	async entries(): Promise<StateEntry[]> {
		const entries = await this.trie.entries();
		const texts = await this.keys.findTexts(entries.flatMap(({type, stateKey}) => [type, stateKey]));
		return entries.map(({type, stateKey, eventNid}) => ({
			type: texts.get(type)!,
			stateKey: texts.get(stateKey)!,
			eventNid,
		}));
	}

	async differenceFrom(before: Snapshot): Promise<StateDifference[]> {
		const rows = await this.trie.differenceFrom((before as TrieSnapshot).trie);
		const ids = rows.flatMap(({type, stateKey}) => [type, stateKey]);
		// Keys that only the other chain knows are in the database, or among its own.
		const [mine, theirs] = [await this.keys.findTexts(ids), await (before as TrieSnapshot).keys.findTexts(ids)];
		const textOf = (id: number) => (mine.get(id) ?? theirs.get(id))!;
		return rows.map((row) => ({...row, type: textOf(row.type), stateKey: textOf(row.stateKey)}));
	}
}
