import {and, isNotNull, isNull, sql} from 'drizzle-orm';
import type {RoomId} from '../../crypto/index.ts';
import {above, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import {StorageError} from '../errors.ts';
import type {StateRoot, UnusedNodes} from '../interfaces/state.ts';
import {tables} from '../schema/index.ts';
import {decodeNode} from './node.ts';

const {events, roomHeads, rooms, trieNodes} = tables;

/** Rows of one read that are numbers only, and nodes with their bodies: either takes a few milliseconds. */
const pageSize = 500;
const bodiesMax = 100;
/** Nodes of a room up to which it is searched: 9 bytes each are held meanwhile. Larger rooms keep what is unused. */
const nodesMax = 2_000_000;
/** Unused nodes that one search names. */
const foundMax = 5_000;

/** Which nodes of a room were reached. */
class Marks {
	readonly #ids: Float64Array;
	readonly #reached: Uint8Array;
	/** Nodes that were stored after the room's were listed. */
	readonly #later = new Set<number>();

	constructor(ids: readonly number[]) {
		this.#ids = Float64Array.from(ids);
		this.#reached = new Uint8Array(ids.length);
	}

	/** Marks a node; says whether it is reached for the first time. */
	reach(id: number): boolean {
		const index = this.#indexOf(id);
		if (index === undefined) {
			if (this.#later.has(id)) return false;
			this.#later.add(id);
			return true;
		}
		if (this.#reached[index] === 1) return false;
		this.#reached[index] = 1;
		return true;
	}

	listUnreached(limit: number): number[] {
		const unreached: number[] = [];
		for (let index = 0; index < this.#ids.length && unreached.length < limit; index++) {
			if (this.#reached[index] === 0) unreached.push(this.#ids[index]!);
		}
		return unreached;
	}

	#indexOf(id: number): number | undefined {
		let [low, high] = [0, this.#ids.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#ids[middle]! < id) low = middle + 1;
			else high = middle;
		}
		return this.#ids[low] === id ? low : undefined;
	}
}

function createReads(core: Core) {
	type Page = {roomId: RoomId; after: number; limit: number};
	const nodes = core.many<Page, {node: number}>((p) =>
		build
			.select({node: trieNodes.node})
			.from(trieNodes)
			.where(and(equals(trieNodes.roomId, p.roomId), above(trieNodes.node, p.after)))
			.orderBy(trieNodes.node)
			.limit(p.limit.placeholder),
	);
	const bodies = core.many<{roomId: RoomId; nodes: readonly number[]}, {node: number; body: Uint8Array}>((p) =>
		build
			.select({node: trieNodes.node, body: trieNodes.body})
			.from(trieNodes)
			.where(and(equals(trieNodes.roomId, p.roomId), core.catalog.isOneOf(trieNodes.node, p.nodes))),
	);
	const placed = core.many<Page & {minor: number}, {anchor: number; minor: number; root: StateRoot | null}>((p) =>
		build
			.select({
				anchor: sql<number>`${events.anchor}`,
				minor: sql<number>`${events.minor}`,
				root: events.stateBefore,
			})
			.from(events)
			.where(
				and(
					equals(events.roomId, p.roomId),
					sql`(${events.anchor}, ${events.minor}) > (${bind(events.anchor, p.after)}, ${bind(events.minor, p.minor)})`,
				),
			)
			.orderBy(events.anchor, events.minor)
			.limit(p.limit.placeholder),
	);
	const placeless = core.many<Page, {nid: number; root: StateRoot | null}>((p) =>
		build
			.select({nid: events.nid, root: events.stateBefore})
			.from(events)
			.where(
				and(
					equals(events.roomId, p.roomId),
					isNull(events.anchor),
					isNotNull(events.stateBefore),
					above(events.nid, p.after),
				),
			)
			.orderBy(events.nid)
			.limit(p.limit.placeholder),
	);
	const heads = core.many<Page, {pos: number; root: StateRoot}>((p) =>
		build
			.select({pos: roomHeads.pos, root: roomHeads.root})
			.from(roomHeads)
			.where(and(equals(roomHeads.roomId, p.roomId), above(roomHeads.pos, p.after)))
			.orderBy(roomHeads.pos)
			.limit(p.limit.placeholder),
	);
	const head = core.one<{roomId: RoomId}, {root: StateRoot | null}>((p) =>
		build.select({root: rooms.headRoot}).from(rooms).where(equals(rooms.roomId, p.roomId)),
	);
	return {nodes, bodies, placed, placeless, heads, head};
}

/**
 * Finds nodes that no root of their room reaches. Nodes are listed before roots are: a node is stored in the commit that
 * names what reaches it, so whatever is listed and in use is reached. Roots of events without a place come before the
 * others, because an event may get a place meanwhile and never loses one.
 */
export function createUnusedNodes(core: Core): UnusedNodes {
	const read = createReads(core);

	async function listNodes(roomId: RoomId, goOn: () => Promise<boolean>): Promise<number[] | undefined> {
		const ids: number[] = [];
		for (let after = 0; ids.length <= nodesMax; after = ids.at(-1)!) {
			const page = await read.nodes({roomId, after, limit: pageSize});
			for (const {node} of page) ids.push(node);
			if (page.length < pageSize) return ids;
			if (!(await goOn())) return undefined;
		}
		return ids;
	}

	/** Lists the roots of all events and heads of a room, in pages. */
	async function* listRoots(roomId: RoomId): AsyncGenerator<(StateRoot | null)[]> {
		for (let after = 0; ; ) {
			const page = await read.placeless({roomId, after, limit: pageSize});
			yield page.map(({root}) => root);
			if (page.length < pageSize) break;
			after = page.at(-1)!.nid;
		}
		for (let [after, minor] = [-1, 0]; ; ) {
			const page = await read.placed({roomId, after, minor, limit: pageSize});
			yield page.map(({root}) => root);
			if (page.length < pageSize) break;
			({anchor: after, minor} = page.at(-1)!);
		}
		for (let after = -1; ; ) {
			const page = await read.heads({roomId, after, limit: pageSize});
			yield page.map(({root}) => root);
			if (page.length < pageSize) break;
			after = page.at(-1)!.pos;
		}
		yield [(await read.head({roomId}))?.root ?? null];
	}

	/** Marks all that is below roots; false where it was broken off. */
	async function mark(
		roomId: RoomId,
		roots: readonly (StateRoot | null)[],
		marks: Marks,
		goOn: () => Promise<boolean>,
	): Promise<boolean> {
		const pending = roots.filter((root): root is StateRoot => root !== null && root !== 0 && marks.reach(root));
		while (pending.length > 0) {
			const nodes = pending.splice(-bodiesMax);
			const found = await read.bodies({roomId, nodes});
			if (found.length !== nodes.length) throw new StorageError('corrupt', 'nodes of a room state are missing');
			for (const {node, body} of found) {
				for (const child of decode(node, body)) if (marks.reach(child)) pending.push(child);
			}
			if (!(await goOn())) return false;
		}
		return goOn();
	}

	return async (roomId, goOn) => {
		const ids = await listNodes(roomId, goOn);
		if (ids === undefined) return undefined;
		if (ids.length > nodesMax) return {nodes: [], lookedAt: ids.length};
		const marks = new Marks(ids);
		for await (const roots of listRoots(roomId)) {
			if (!(await mark(roomId, roots, marks, goOn))) return undefined;
		}
		return {nodes: marks.listUnreached(foundMax), lookedAt: ids.length};
	};
}

function decode(node: number, body: Uint8Array): readonly number[] {
	try {
		return decodeNode(node, body).children;
	} catch (error) {
		throw new StorageError('corrupt', 'a node of a room state cannot be read', {cause: error});
	}
}
