/** Bits of a slot's hash that one level of the trie consumes, and how many children that makes. */
export const LEVEL_BITS = 5;
/** Levels above the leaves: beyond them, entries whose hashes are equal share a node. */
export const LEVELS_MAX = 6;

/** An entry: a key of two interned ids, and the event that holds it. */
export interface TrieEntry {
	readonly type: number;
	readonly stateKey: number;
	readonly eventNid: number;
}

/**
 * A node: entries that are alone in their slot stand in it, the others in children. Immutable; the two bitmaps say which
 * of the 32 slots hold an entry and which a child, both in slot order. A node of the last level has neither bitmap and
 * lists its entries in key order.
 */
export interface TrieNode {
	readonly id: number;
	readonly entryMap: number;
	readonly childMap: number;
	readonly entries: readonly TrieEntry[];
	/** Ids of the child nodes. */
	readonly children: readonly number[];
	/** Whether the node is on disk: the one thing about it that changes, once, when the batch that writes it is committed. */
	isStored: boolean;
}

/** Which slot of a level a hash falls into. */
export function slotAt(hash: number, level: number): number {
	return (hash >>> (level * LEVEL_BITS)) & 31;
}

/** The place of a slot's value among those that are there. */
export function rankOf(map: number, slot: number): number {
	return bitCount(map & ((1 << slot) - 1));
}

/** Counts the bits of a 32-bit word. */
export function bitCount(word: number): number {
	let bits = word - ((word >>> 1) & 0x55555555);
	bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
	return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/**
 * Hashes a key. The salt is the database's own, so that nobody outside can choose keys that share a slot.
 * Both ids are mixed by multiplication and shifts until every bit depends on every other (the finaliser of MurmurHash3).
 */
export function hashKey(type: number, stateKey: number, salt: number): number {
	let hash = salt | 0;
	for (const part of [type, Math.floor(type / 2 ** 32), stateKey, Math.floor(stateKey / 2 ** 32)]) {
		hash = mix(Math.imul(hash ^ part, 0x9e3779b1));
	}
	return hash >>> 0;
}

function mix(word: number): number {
	let mixed = word;
	mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
	mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
	return mixed ^ (mixed >>> 16);
}

/** Encodes a node without its id: bitmaps, then ids and entries as variable-length integers. */
export function encodeNode(node: TrieNode): Uint8Array {
	const numbers = [
		node.entryMap >>> 0,
		node.childMap >>> 0,
		...node.children,
		...node.entries.flatMap(({type, stateKey, eventNid}) => [type, stateKey, eventNid]),
	];
	const bytes: number[] = [];
	for (let number of numbers) {
		while (number >= 128) {
			bytes.push((number % 128) + 128);
			number = Math.floor(number / 128);
		}
		bytes.push(number);
	}
	return Uint8Array.from(bytes);
}

/** Decodes a node. @throws RangeError where the bytes are none. */
export function decodeNode(id: number, bytes: Uint8Array): TrieNode {
	const numbers = decodeNumbers(bytes);
	const [entryMap, childMap] = numbers;
	if (entryMap === undefined || childMap === undefined) throw new RangeError('a trie node ends before its bitmaps');
	const childCount = bitCount(childMap | 0);
	const children = numbers.slice(2, 2 + childCount);
	const flat = numbers.slice(2 + childCount);
	if (children.length !== childCount || flat.length % 3 !== 0) throw new RangeError('a trie node is damaged');
	const entries: TrieEntry[] = [];
	for (let at = 0; at < flat.length; at += 3) {
		entries.push({type: flat[at] ?? 0, stateKey: flat[at + 1] ?? 0, eventNid: flat[at + 2] ?? 0});
	}
	if (entryMap !== 0 && entries.length !== bitCount(entryMap | 0)) throw new RangeError('a trie node is damaged');
	return {id, entryMap: entryMap | 0, childMap: childMap | 0, entries, children, isStored: true};
}

function decodeNumbers(bytes: Uint8Array): number[] {
	const numbers: number[] = [];
	let value = 0;
	let scale = 1;
	for (const byte of bytes) {
		value += (byte & 127) * scale;
		if (byte < 128) {
			numbers.push(value);
			value = 0;
			scale = 1;
		} else {
			scale *= 128;
			if (scale > Number.MAX_SAFE_INTEGER) throw new RangeError('a number of a trie node is too long');
		}
	}
	if (scale !== 1) throw new RangeError('a trie node ends within a number');
	return numbers;
}

/** Bytes that a node takes in memory, about: for caches that are bounded by bytes. */
export function nodeBytes(node: TrieNode): number {
	return 160 + node.children.length * 8 + node.entries.length * 56;
}
