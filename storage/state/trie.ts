import {hashKey, LEVELS_MAX, rankOf, slotAt, type TrieEntry, type TrieNode} from './node.ts';

/** A key as the trie knows it: interned ids of type and state key. */
export interface TrieKey {
	readonly type: number;
	readonly stateKey: number;
}

/** A change of one key; `null` removes it. */
export interface TrieChange extends TrieKey {
	readonly eventNid: number | null;
}

/** Where two tries differ. */
export interface TrieDifference extends TrieKey {
	readonly before: number | null;
	readonly after: number | null;
}

/** What a trie needs of the outside. */
export interface TrieContext {
	readonly salt: number;
	/** Loads nodes of the room; a missing one is an error. */
	load(ids: readonly number[]): Promise<readonly TrieNode[]>;
	nextId(): number;
}

/** A key was asked for whose path is not in memory. */
export class PathNotLoaded extends Error {
	override readonly name = 'PathNotLoaded';
}

/** Nodes that one load asks for at most. */
const LOAD_NODES_MAX = 1_000;
/** Nodes that a trie hands on to those made from it; beyond, paths are loaded again when they are asked for. */
const HELD_NODES_MAX = 1_024;
/** The root of the empty trie; it is never stored. */
const EMPTY_ROOT = 0;
const emptyNode: TrieNode = {id: EMPTY_ROOT, entryMap: 0, childMap: 0, entries: [], children: [], isStored: true};

/**
 * An immutable map from keys to event nids that shares all unchanged nodes with the tries it was made from and those
 * that are made from it. Synchronous operations work on loaded paths only.
 */
export class Trie {
	readonly root: number;
	readonly #context: TrieContext;
	/** Nodes in memory, by id; a trie that is made from this one begins with the same. */
	readonly #nodes: Map<number, TrieNode>;

	constructor(context: TrieContext, root: number, nodes: Map<number, TrieNode> = new Map()) {
		this.#context = context;
		this.root = root;
		this.#nodes = nodes;
	}

	/** Lists the nodes that must be on disk before `root` may be named there, and are not. */
	unstoredNodes(): TrieNode[] {
		const unstored: TrieNode[] = [];
		const visit = (id: number): void => {
			const node = this.#nodes.get(id);
			// What is stored has only stored nodes below it.
			if (!node || node.isStored) return;
			unstored.push(node);
			for (const child of node.children) visit(child);
		};
		visit(this.root);
		return unstored;
	}

	/** How many nodes it holds in memory. */
	get heldNodes(): number {
		return this.#nodes.size;
	}

	/** Loads the paths of keys, level by level. */
	async load(keys: readonly TrieKey[]): Promise<void> {
		const hashes = keys.map(({type, stateKey}) => hashKey(type, stateKey, this.#context.salt));
		for (;;) {
			const missing = new Set<number>();
			for (const hash of hashes) {
				const end = this.#walk(hash);
				if (typeof end === 'number') missing.add(end);
			}
			if (missing.size === 0) return;
			await this.#fetch([...missing]);
		}
	}

	isLoaded({type, stateKey}: TrieKey): boolean {
		return typeof this.#walk(hashKey(type, stateKey, this.#context.salt)) !== 'number';
	}

	/** Gives the value of a loaded key. @throws PathNotLoaded */
	get(key: TrieKey): number | undefined {
		const end = this.#walk(hashKey(key.type, key.stateKey, this.#context.salt));
		if (typeof end === 'number') throw new PathNotLoaded(`node ${end} is not loaded`);
		return end.find(({type, stateKey}) => type === key.type && stateKey === key.stateKey)?.eventNid;
	}

	/** Makes the trie after changes of loaded keys. @throws PathNotLoaded */
	with(changes: readonly TrieChange[]): Trie {
		const edit = new Edit(this.#context, this.#nodes);
		let root = this.root;
		for (const change of changes) root = edit.set(root, change);
		return root === this.root ? this : new Trie(this.#context, root, edit.nodesOf(root));
	}

	/** Lists all entries. */
	async entries(): Promise<TrieEntry[]> {
		const entries: TrieEntry[] = [];
		let level = [this.root];
		while (level.length > 0) {
			const nodes = await this.#nodesOf(level);
			for (const node of nodes) entries.push(...node.entries);
			level = nodes.flatMap(({children}) => children);
		}
		return entries;
	}

	/** Lists where this trie differs from another of the same room, reading only nodes that the two do not share. */
	async differenceFrom(before: Trie): Promise<TrieDifference[]> {
		const found = new Map<string, {type: number; stateKey: number; before: number | null; after: number | null}>();
		const note = (entry: TrieEntry, side: 'before' | 'after'): void => {
			const key = `${entry.type}:${entry.stateKey}`;
			const {type, stateKey} = entry;
			const row = found.get(key) ?? {type, stateKey, before: null, after: null};
			row[side] = entry.eventNid;
			found.set(key, row);
		};
		let mine = [this.root];
		let theirs = [before.root];
		while (mine.length > 0 || theirs.length > 0) {
			// What both sides reach at the same level is the same subtree; subtrees at different levels cannot be shared.
			const reachedByThem = new Set(theirs);
			const shared = new Set(mine.filter((id) => reachedByThem.has(id)));
			const [after, earlier] = await Promise.all([
				this.#nodesOf(mine.filter((id) => !shared.has(id))),
				before.#nodesOf(theirs.filter((id) => !shared.has(id))),
			]);
			for (const node of after) for (const entry of node.entries) note(entry, 'after');
			for (const node of earlier) for (const entry of node.entries) note(entry, 'before');
			mine = after.flatMap(({children}) => children);
			theirs = earlier.flatMap(({children}) => children);
		}
		return [...found.values()].filter((row) => row.before !== row.after);
	}

	/** Follows a hash to the entries of its slot; gives the id of the first node that is not loaded otherwise. */
	#walk(hash: number): readonly TrieEntry[] | number {
		let id = this.root;
		for (let level = 0; ; level += 1) {
			const node = id === EMPTY_ROOT ? emptyNode : this.#nodes.get(id);
			if (!node) return id;
			if (level >= LEVELS_MAX) return node.entries;
			const slot = slotAt(hash, level);
			if ((node.entryMap & (1 << slot)) !== 0) {
				const entry = node.entries[rankOf(node.entryMap, slot)];
				return entry ? [entry] : [];
			}
			const child = (node.childMap & (1 << slot)) === 0 ? undefined : node.children[rankOf(node.childMap, slot)];
			if (child === undefined) return [];
			id = child;
		}
	}

	async #nodesOf(ids: readonly number[]): Promise<TrieNode[]> {
		const nodes: TrieNode[] = [];
		const missing: number[] = [];
		for (const id of ids) {
			const node = id === EMPTY_ROOT ? emptyNode : this.#nodes.get(id);
			if (node) nodes.push(node);
			else missing.push(id);
		}
		// A walk over everything does not keep what it read: only paths that were asked for stay.
		for (let start = 0; start < missing.length; start += LOAD_NODES_MAX) {
			nodes.push(...(await this.#context.load(missing.slice(start, start + LOAD_NODES_MAX))));
		}
		return nodes;
	}

	async #fetch(ids: readonly number[]): Promise<void> {
		for (let start = 0; start < ids.length; start += LOAD_NODES_MAX) {
			for (const node of await this.#context.load(ids.slice(start, start + LOAD_NODES_MAX))) {
				this.#nodes.set(node.id, node);
			}
		}
	}
}

/** Several changes as one edit: nodes made on the way are rewritten in place instead of being made twice. */
class Edit {
	readonly #context: TrieContext;
	readonly #before: ReadonlyMap<number, TrieNode>;
	/** Nodes of this very edit: nobody else has seen them. */
	readonly #own = new Map<number, TrieNode>();

	constructor(context: TrieContext, nodes: ReadonlyMap<number, TrieNode>) {
		this.#context = context;
		this.#before = nodes;
	}

	/** The nodes that the new trie begins with: all in memory, or where those are many, only what it cannot do without. */
	nodesOf(root: number): Map<number, TrieNode> {
		if (this.#before.size <= HELD_NODES_MAX) return new Map([...this.#before, ...this.#own]);
		const kept = new Map<number, TrieNode>();
		const visit = (id: number): void => {
			const node = this.#own.get(id) ?? this.#before.get(id);
			if (!node || node.isStored) return;
			kept.set(id, node);
			for (const child of node.children) visit(child);
		};
		visit(root);
		return kept;
	}

	/** Gives the root after a change. @throws PathNotLoaded */
	set(root: number, change: TrieChange): number {
		const hash = hashKey(change.type, change.stateKey, this.#context.salt);
		if (change.eventNid === null) return this.#remove(root, hash, change, 0)?.id ?? EMPTY_ROOT;
		return this.#put(root, hash, {...change, eventNid: change.eventNid}, 0);
	}

	#node(id: number): TrieNode {
		const node = id === EMPTY_ROOT ? emptyNode : (this.#own.get(id) ?? this.#before.get(id));
		if (!node) throw new PathNotLoaded(`node ${id} is not loaded`);
		return node;
	}

	#make(from: TrieNode, parts: Partial<Omit<TrieNode, 'id'>>): number {
		const id = this.#own.has(from.id) ? from.id : this.#context.nextId();
		this.#own.set(id, {...from, ...parts, id, isStored: false});
		return id;
	}

	#put(id: number, hash: number, entry: TrieEntry, level: number): number {
		const node = this.#node(id);
		if (level >= LEVELS_MAX) return this.#putCollision(node, entry);
		const slot = slotAt(hash, level);
		const bit = 1 << slot;
		if ((node.childMap & bit) !== 0) {
			const at = rankOf(node.childMap, slot);
			const child = this.#put(node.children[at] ?? EMPTY_ROOT, hash, entry, level + 1);
			return child === node.children[at] ? node.id : this.#make(node, {children: node.children.with(at, child)});
		}
		const at = rankOf(node.entryMap, slot);
		if ((node.entryMap & bit) === 0) {
			return this.#make(node, {entryMap: node.entryMap | bit, entries: node.entries.toSpliced(at, 0, entry)});
		}
		const there = node.entries[at];
		if (!there || isSameKey(there, entry)) {
			if (there?.eventNid === entry.eventNid) return node.id;
			return this.#make(node, {entries: node.entries.with(at, entry)});
		}
		// Two keys in one slot: both move into a child.
		const thereHash = hashKey(there.type, there.stateKey, this.#context.salt);
		const child = this.#put(this.#put(EMPTY_ROOT, thereHash, there, level + 1), hash, entry, level + 1);
		return this.#make(node, {
			entryMap: node.entryMap & ~bit,
			entries: node.entries.toSpliced(at, 1),
			childMap: node.childMap | bit,
			children: node.children.toSpliced(rankOf(node.childMap, slot), 0, child),
		});
	}

	#putCollision(node: TrieNode, entry: TrieEntry): number {
		const others = node.entries.filter((there) => !isSameKey(there, entry));
		const entries = [...others, entry].toSorted((a, b) => a.type - b.type || a.stateKey - b.stateKey);
		return this.#make(node, {entries});
	}

	/** Gives the node without a key; `undefined` where nothing is left of it. */
	#remove(id: number, hash: number, key: TrieKey, level: number): TrieNode | undefined {
		const node = this.#node(id);
		const slot = slotAt(hash, level);
		const bit = 1 << slot;
		if (level < LEVELS_MAX && (node.childMap & bit) !== 0) return this.#removeBelow(node, slot, hash, key, level);
		const at = node.entries.findIndex((entry) => isSameKey(entry, key));
		if (at < 0) return node;
		const entries = node.entries.toSpliced(at, 1);
		if (entries.length === 0 && node.children.length === 0) return undefined;
		const entryMap = level < LEVELS_MAX ? node.entryMap & ~bit : 0;
		return this.#node(this.#make(node, {entryMap, entries}));
	}

	#removeBelow(node: TrieNode, slot: number, hash: number, key: TrieKey, level: number): TrieNode | undefined {
		const bit = 1 << slot;
		const at = rankOf(node.childMap, slot);
		const old = node.children[at] ?? EMPTY_ROOT;
		const child = this.#remove(old, hash, key, level + 1);
		if (child?.id === old && !this.#own.has(old)) return node;
		if (child && (child.children.length > 0 || child.entries.length > 1)) {
			return this.#node(this.#make(node, {children: node.children.with(at, child.id)}));
		}
		// One entry left below: it comes up, so that equal maps have equal shapes.
		const [lone] = child?.entries ?? [];
		const childMap = node.childMap & ~bit;
		const children = node.children.toSpliced(at, 1);
		if (!lone) {
			if (children.length === 0 && node.entries.length === 0) return undefined;
			return this.#node(this.#make(node, {childMap, children}));
		}
		const entries = node.entries.toSpliced(rankOf(node.entryMap, slot), 0, lone);
		return this.#node(this.#make(node, {childMap, children, entryMap: node.entryMap | bit, entries}));
	}
}

function isSameKey(one: TrieKey, other: TrieKey): boolean {
	return one.type === other.type && one.stateKey === other.stateKey;
}
