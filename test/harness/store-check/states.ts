import {decodeNode, hashKey, LEVELS_MAX, slotAt, type TrieEntry, type TrieNode} from '../../../storage/state/node.ts';
import type {Faults} from './faults.ts';
import {readListed, type StoreReader} from './reader.ts';

/** The root of the empty state, which is not stored. */
const EMPTY_ROOT = 0;

/** A node and how its place in the trie was reached. */
interface Place {
	readonly id: number;
	/** The slots from the root on. */
	readonly slots: readonly number[];
}

/** The states of one room, read level by level; what several states share is read once. */
class RoomStates {
	readonly #reader: StoreReader;
	readonly #faults: Faults;
	readonly #room: number;
	readonly #salt: number;
	/** Nodes that were found whole, with all below them. A node lies at one place in every trie that shares it. */
	readonly #visited = new Set<number>();
	readonly entries: TrieEntry[] = [];

	constructor(reader: StoreReader, faults: Faults, room: number, salt: number) {
		this.#reader = reader;
		this.#faults = faults;
		this.#room = room;
		this.#salt = salt;
	}

	/** Walks what of a state was not walked before, and adds its entries to `entries`. */
	async visit(root: number): Promise<void> {
		let level: Place[] = [{id: root, slots: []}];
		while (level.length > 0) {
			const fresh = level.filter(({id}) => id !== EMPTY_ROOT && !this.#visited.has(id));
			const nodes = await this.#read(fresh.map(({id}) => id));
			level = fresh.flatMap((place) => {
				this.#visited.add(place.id);
				const node = nodes.get(place.id);
				if (node === undefined) return [];
				this.entries.push(...node.entries);
				return this.#follow(node, place);
			});
		}
	}

	/** Lists all entries of a state, as `type:stateKey` and event. */
	async list(root: number): Promise<Map<string, number>> {
		const entries = new Map<string, number>();
		let level = [root];
		while (level.length > 0) {
			const nodes = await this.#read(level.filter((id) => id !== EMPTY_ROOT));
			level = [];
			for (const node of nodes.values()) {
				for (const {type, stateKey, eventNid} of node.entries) entries.set(`${type}:${stateKey}`, eventNid);
				level.push(...node.children);
			}
		}
		return entries;
	}

	async #read(ids: readonly number[]): Promise<Map<number, TrieNode>> {
		const rows = await readListed<{node: number; body: Uint8Array}>(
			this.#reader,
			ids,
			(list) => `select node, body from trie_nodes where room_id = ${this.#room} and node in ${list}`,
		);
		const nodes = new Map<number, TrieNode>();
		for (const {node: id, body} of rows) {
			try {
				nodes.set(id, decodeNode(id, body));
			} catch (error) {
				if (!(error instanceof RangeError)) throw error;
				this.#faults.add(`room ${this.#room}: ${error.message} (node ${id})`);
			}
		}
		const there = new Set(rows.map(({node}) => node));
		for (const id of ids) this.#faults.expect(there.has(id), `room ${this.#room}: trie node ${id} is not there`);
		return nodes;
	}

	/** Gives the places of a node's children; its entries must lie where their keys' hashes lead. */
	#follow(node: TrieNode, {slots}: Place): Place[] {
		const level = slots.length;
		for (const {type, stateKey} of node.entries) {
			const hash = hashKey(type, stateKey, this.#salt);
			const isOnPath = slots.every((slot, at) => slotAt(hash, at) === slot);
			const isInMap = level >= LEVELS_MAX || (node.entryMap & (1 << slotAt(hash, level))) !== 0;
			if (!isOnPath || !isInMap)
				this.#faults.add(`room ${this.#room}: an entry of node ${node.id} cannot be found by its key`);
		}
		let at = 0;
		const places: Place[] = [];
		for (let slot = 0; slot < 32; slot += 1) {
			if ((node.childMap & (1 << slot)) === 0) continue;
			const id = node.children[at];
			at += 1;
			if (id !== undefined) places.push({id, slots: [...slots, slot]});
		}
		return places;
	}
}

/** Every state of every room can be read to its leaves, and the current one is what the plain table says it is. */
export async function checkStates(reader: StoreReader, faults: Faults): Promise<void> {
	const [salt] = await reader.read<{value: string}>("select value from meta where name = 'trie_salt'");
	const rooms = await reader.read<{room_id: number; head_root: number | null}>('select room_id, head_root from rooms');
	for (const {room_id: room, head_root: root} of rooms) {
		const states = new RoomStates(reader, faults, room, Number(salt?.value));
		const roots = await reader.read<{root: number}>(`
			select state_before as root from events where room_id = ${room} and state_before is not null
			union select root from room_heads where room_id = ${room}
			union select head_root from rooms where room_id = ${room} and head_root is not null`);
		for (const row of roots) await states.visit(row.root);
		await checkEntries(reader, faults, room, states.entries);
		await checkCurrent(reader, faults, room, await states.list(root ?? EMPTY_ROOT));
	}
}

/** Each entry names a state event of the room that has the entry's key and that the rules allow. */
async function checkEntries(
	reader: StoreReader,
	faults: Faults,
	room: number,
	entries: readonly TrieEntry[],
): Promise<void> {
	const rows = await readListed<{nid: number; type: number; state_key: number | null; rejected: string | null}>(
		reader,
		entries.map(({eventNid}) => eventNid),
		(list) => `select nid, type, state_key, rejected from events where room_id = ${room} and nid in ${list}`,
	);
	const events = new Map(rows.map((row) => [row.nid, row]));
	for (const {type, stateKey, eventNid} of entries) {
		const event = events.get(eventNid);
		if (event === undefined) faults.add(`room ${room}: event ${eventNid} of its state is not there`);
		else if (event.type !== type || event.state_key !== stateKey) {
			faults.add(`room ${room}: event ${eventNid} of its state has another key`);
		} else faults.expect(event.rejected === null, `room ${room}: event ${eventNid} of its state was rejected`);
	}
}

async function checkCurrent(
	reader: StoreReader,
	faults: Faults,
	room: number,
	state: ReadonlyMap<string, number>,
): Promise<void> {
	const rows = await reader.read<{type: number; state_key: number; event_nid: number}>(
		`select type, state_key, event_nid from current_state where room_id = ${room}`,
	);
	const current = new Map(rows.map((row) => [`${row.type}:${row.state_key}`, row.event_nid]));
	for (const [key, nid] of state) {
		faults.expect(current.get(key) === nid, `room ${room}: current_state has not event ${nid} of the head's state`);
	}
	for (const [key, nid] of current) {
		faults.expect(state.has(key), `room ${room}: current_state has event ${nid}, which the head's state has not`);
	}
}
