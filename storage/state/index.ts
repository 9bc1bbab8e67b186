import {and} from 'drizzle-orm';
import {LRUCache} from 'lru-cache';
import {breathe, type RoomId} from '../../crypto/index.ts';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import {StorageError} from '../errors.ts';
import type {StateRepository, StateRoot} from '../interfaces/state.ts';
import {readInChunks} from '../repositories/page.ts';
import {tables} from '../schema/index.ts';
import {KeyIds} from './keys.ts';
import {decodeNode, encodeNode, nodeBytes, type TrieNode} from './node.ts';
import {TrieSnapshot} from './snapshot.ts';
import {Trie} from './trie.ts';
import {createUnusedNodes} from './unused-nodes.ts';

const {trieNodes} = tables;

/** Nodes of one read from which on others are served before the next. */
const yieldAbove = 200;

type NodeLoader = (roomId: RoomId, ids: readonly number[]) => Promise<TrieNode[]>;

function decode(id: number, body: Uint8Array): TrieNode {
	try {
		return decodeNode(id, body);
	} catch (error) {
		throw new StorageError('corrupt', 'a node of a room state cannot be read', {cause: error});
	}
}

/** Makes the reading of nodes, through a cache that is bounded by bytes. Node ids are unique over all rooms. */
function createLoader(core: Core, cacheBytes: number): NodeLoader {
	const cache = new LRUCache<number, TrieNode>({maxSize: cacheBytes, sizeCalculation: nodeBytes});
	type Ids = {roomId: RoomId; nodes: readonly number[]};
	const read = core.many<Ids, {node: number; body: Uint8Array}>((p) =>
		build
			.select({node: trieNodes.node, body: trieNodes.body})
			.from(trieNodes)
			.where(and(equals(trieNodes.roomId, p.roomId), core.catalog.isOneOf(trieNodes.node, p.nodes))),
	);
	return async (roomId, ids) => {
		const found: TrieNode[] = [];
		const missing: number[] = [];
		for (const id of ids) {
			const node = cache.get(id);
			if (node === undefined) missing.push(id);
			else found.push(node);
		}
		for (const {node: id, body} of await readInChunks(missing, (nodes) => read({roomId, nodes}))) {
			const node = decode(id, body);
			cache.set(id, node);
			found.push(node);
		}
		if (missing.length >= yieldAbove) await breathe();
		if (found.length !== ids.length) throw new StorageError('corrupt', 'nodes of a room state are missing');
		return found;
	};
}

/** Makes the repository of room states. */
export function createState(
	core: Core,
	options: {readonly salt: () => number; readonly cacheBytes: number},
): StateRepository {
	const add = core.put(core.catalog.insert(trieNodes, {orIgnore: true}));
	const remove = core.put(core.catalog.delete(trieNodes, ['roomId', 'node']));
	const {names, ids} = core;
	const loader = createLoader(core, options.cacheBytes);
	const open = (roomId: RoomId, root: StateRoot) => {
		const context = {
			salt: options.salt(),
			load: (nodes: readonly number[]) => loader(roomId, nodes),
			nextId: () => ids.next(),
		};
		return new TrieSnapshot(roomId, new Trie(context, root), new KeyIds(names, ids));
	};
	return {
		open,
		save(batch, snapshot) {
			const {trie, keys, roomId} = snapshot as TrieSnapshot;
			const nodes = trie.unstoredNodes();
			for (const node of nodes) {
				keys.noteTexts(node, batch);
				add(batch, {roomId, node: node.id, body: encodeNode(node)});
			}
			// Until then every batch that needs the nodes brings them: the one before may fail.
			batch.afterCommit.push(() => {
				for (const node of nodes) node.isStored = true;
			});
		},
		entries: (roomId, root) => open(roomId, root).entries(),
		findUnused: createUnusedNodes(core),
		removeNodes(batch, roomId, nodes) {
			for (const node of nodes) remove(batch, {roomId, node});
		},
		diff: (roomId, before, after) => open(roomId, after).differenceFrom(open(roomId, before)),
	};
}
