import {BudgetExceeded, type WorkBudget} from './work-budget.ts';

/** An event and the events in its `auth_events`, as the caller's numbers for them (0 to 2^32−1). */
export type AuthEdges = readonly [event: number, authEvents: readonly number[]];

/** Events on one circle of `auth_events`. Only room versions 1 and 2 let an attacker choose ids and so build one. */
export class AuthChainCycle extends Error {
	override name = 'AuthChainCycle';
	/** The events on circles, and those that cite them. */
	readonly events: readonly number[];

	constructor(events: readonly number[]) {
		super(`Expected auth chains to end, got a cycle among ${events.length} events`);
		this.events = events;
	}
}

/** An event was asked about whose auth chain is not in the index. */
export class UnknownAuthChain extends Error {
	override name = 'UnknownAuthChain';
	readonly event: number;

	constructor(event: number) {
		super('Expected an event whose whole auth chain is in the index, got another');
		this.event = event;
	}
}

/** About 20 million auth edges of state events: a room of that size takes some 150 MB. */
const EVENTS_MAX = 4_000_000;
/** A set's place in a mask. */
const SETS_PER_PASS = 32;

interface Waiting {
	readonly authEvents: readonly number[];
	unsettled: number;
}

/**
 * One room's auth graph, compact enough to be kept in memory: 4 bytes for each edge, and some 60 for each event. Events
 * stand in an order in which each comes after all its auth events, so that every question is one run over typed arrays,
 * without recursion, and ends as soon as the answer is known. Work and memory are linear in the graph whatever its shape,
 * which sets of ancestors kept for each event are not.
 */
export class AuthChainIndex {
	readonly #eventsMax: number;
	readonly #positions = new Map<number, number>();
	#events = new Uint32Array(64);
	/** Where each position's edges end; they begin where those of the position before end. */
	#edgeEnds = new Uint32Array(64);
	#edges = new Uint32Array(256);
	#edgeCount = 0;
	readonly #waiting = new Map<number, Waiting>();
	readonly #dependants = new Map<number, number[]>();
	readonly #missing = new Set<number>();

	constructor(options: {readonly eventsMax?: number} = {}) {
		this.#eventsMax = options.eventsMax ?? EVENTS_MAX;
	}

	/** How many events are in the index with their whole auth chains. */
	get size(): number {
		return this.#positions.size;
	}

	/** About how much memory the index takes. */
	get sizeBytes(): number {
		return (this.#events.length + this.#edgeEnds.length + this.#edges.length) * 4 + this.#positions.size * 48;
	}

	has(event: number): boolean {
		return this.#positions.has(event);
	}

	/**
	 * Takes events in, in any order; those already known are passed over. An event whose auth events are not all there
	 * waits for them. Gives the events that are waited for: load their edges and add them, until none is left.
	 *
	 * @throws AuthChainCycle when what waits can never be complete; it is then forgotten.
	 * @throws BudgetExceeded when the index would hold more events than it may.
	 */
	add(rows: Iterable<AuthEdges>): number[] {
		for (const [event, authEvents] of rows) {
			if (this.#positions.has(event) || this.#waiting.has(event)) continue;
			this.#missing.delete(event);
			const unsettled = authEvents.filter((authEvent) => !this.#positions.has(authEvent));
			if (unsettled.length === 0) this.#settle(event, authEvents);
			else this.#wait(event, authEvents, unsettled);
		}
		if (this.#missing.size === 0 && this.#waiting.size > 0) this.#refuseCycle();
		return [...this.#missing];
	}

	/** Gives all events that appear in the auth chains of these, in ascending order; not the events themselves unless another cites them. */
	authChain(events: Iterable<number>, budget?: WorkBudget): Uint32Array {
		const starts = this.#positionsOf(events);
		const isInChain = new Uint8Array(this.size);
		const isStart = new Uint8Array(this.size);
		for (const position of starts) isStart[position] = 1;
		const found: number[] = [];
		for (let position = highest(starts); position >= 0; position--) {
			if (isInChain[position] === 1) found.push(position);
			else if (isStart[position] === 0) continue;
			const end = this.#edgeEnd(position);
			budget?.spend(1 + end - this.#edgeStart(position));
			for (let edge = this.#edgeStart(position); edge < end; edge++) isInChain[this.#edges[edge] as number] = 1;
		}
		return this.#toEvents(found);
	}

	/**
	 * Gives the events that some of the sets reach and others do not, in ascending order. A set reaches the events that it
	 * holds and their auth chains.
	 *
	 * By the letter of the specification the events of a set do not belong to its full auth chain, unless another cites
	 * them. For conflicted events that is the same, since they are replayed anyway. It differs for an event that all sets
	 * hold and the chain of only some leads to: Synapse (up to 1.163 at least) does not replay it, and a room in which
	 * servers disagree on its state is worse than either reading.
	 *
	 * @param common Events that belong to every set, given once and not in each.
	 * @see https://spec.matrix.org/v1.19/rooms/v2/#definitions
	 */
	authDifference(sets: readonly Iterable<number>[], common: Iterable<number> = [], budget?: WorkBudget): Uint32Array {
		const starts = sets.map((set) => this.#positionsOf(set));
		const shared = this.#positionsOf(common);
		budget?.spend(shared.length + starts.length);
		if (starts.length <= SETS_PER_PASS) return this.#toEvents(this.#differ(starts, shared, budget));
		// More sets than a mask has bits. An event that one set reaches and another does not differs between the first set
		// and one of those two, so comparing every set with the first, a group at a time, finds it.
		const found = new Set<number>();
		for (let from = 1; from < starts.length; from += SETS_PER_PASS - 1) {
			const group = [starts[0] as number[], ...starts.slice(from, from + SETS_PER_PASS - 1)];
			for (const position of this.#differ(group, shared, budget)) found.add(position);
		}
		return this.#toEvents([...found]);
	}

	/**
	 * Gives the events on the paths along `auth_events` between any two of these events, ends included, in ascending order.
	 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
	 */
	subgraph(events: Iterable<number>, budget?: WorkBudget): Uint32Array {
		const ends = this.#positionsOf(events);
		const top = highest(ends);
		const bottom = ends.reduce((lowest, position) => Math.min(lowest, position), top);
		// Nothing beyond the highest and lowest of them can lie between two of them.
		const isBelow = new Uint8Array(top - bottom + 1);
		const isAbove = new Uint8Array(top - bottom + 1);
		for (const position of ends) {
			isBelow[position - bottom] = 1;
			isAbove[position - bottom] = 1;
		}
		for (let position = top; position >= bottom; position--) {
			if (isBelow[position - bottom] === 0) continue;
			const end = this.#edgeEnd(position);
			budget?.spend(2 + 2 * (end - this.#edgeStart(position)));
			for (let edge = this.#edgeStart(position); edge < end; edge++) {
				const target = this.#edges[edge] as number;
				if (target >= bottom) isBelow[target - bottom] = 1;
			}
		}
		const found: number[] = [];
		for (let position = bottom; position <= top; position++) {
			if (isBelow[position - bottom] === 0) continue;
			if (isAbove[position - bottom] === 0 && !this.#citesMarked(position, isAbove, bottom)) continue;
			isAbove[position - bottom] = 1;
			found.push(position);
		}
		return this.#toEvents(found);
	}

	/**
	 * One run from the newest event downwards. Each event hands the mask of the sets that reach it on to its auth events.
	 * Once no mask between none and all is left, all below is reached by all sets or by none.
	 */
	#differ(sets: readonly (readonly number[])[], shared: readonly number[], budget?: WorkBudget): number[] {
		const all = 2 ** sets.length - 1;
		const reached = new Uint32Array(this.size);
		const isOpen = (position: number): boolean => reached[position] !== 0 && reached[position] !== all;
		for (const [set, positions] of sets.entries()) {
			for (const position of positions) reached[position] = (reached[position] as number) | (1 << set);
		}
		for (const position of shared) reached[position] = all;
		const touched = [...new Set(sets.flat())];
		let open = touched.filter((position) => isOpen(position)).length;
		const found: number[] = [];
		for (let position = Math.max(highest(touched), highest(shared)); position >= 0 && open > 0; position--) {
			const mask = reached[position] as number;
			if (mask === 0) continue;
			if (isOpen(position)) {
				open--;
				found.push(position);
			}
			const end = this.#edgeEnd(position);
			budget?.spend(1 + end - this.#edgeStart(position));
			for (let edge = this.#edgeStart(position); edge < end; edge++) {
				const target = this.#edges[edge] as number;
				const wasOpen = isOpen(target);
				reached[target] = (reached[target] as number) | mask;
				open += Number(isOpen(target)) - Number(wasOpen);
			}
		}
		return found;
	}

	#citesMarked(position: number, isMarked: Uint8Array, bottom: number): boolean {
		const end = this.#edgeEnd(position);
		for (let edge = this.#edgeStart(position); edge < end; edge++) {
			const target = this.#edges[edge] as number;
			if (target >= bottom && isMarked[target - bottom] === 1) return true;
		}
		return false;
	}

	#edgeStart(position: number): number {
		return position === 0 ? 0 : (this.#edgeEnds[position - 1] as number);
	}

	#edgeEnd(position: number): number {
		return this.#edgeEnds[position] as number;
	}

	#positionsOf(events: Iterable<number>): number[] {
		const positions: number[] = [];
		for (const event of events) {
			const position = this.#positions.get(event);
			if (position === undefined) throw new UnknownAuthChain(event);
			positions.push(position);
		}
		return positions;
	}

	#toEvents(positions: readonly number[]): Uint32Array {
		return Uint32Array.from(positions, (position) => this.#events[position] as number).toSorted();
	}

	#wait(event: number, authEvents: readonly number[], unsettled: readonly number[]): void {
		this.#waiting.set(event, {authEvents, unsettled: unsettled.length});
		for (const authEvent of unsettled) {
			const dependants = this.#dependants.get(authEvent);
			if (dependants === undefined) this.#dependants.set(authEvent, [event]);
			else dependants.push(event);
			if (!this.#waiting.has(authEvent)) this.#missing.add(authEvent);
		}
	}

	/** Gives an event its place, and then all that waited for nothing but it. */
	#settle(first: number, firstAuthEvents: readonly number[]): void {
		const ready: AuthEdges[] = [[first, firstAuthEvents]];
		for (let row = ready.pop(); row !== undefined; row = ready.pop()) {
			const [event, authEvents] = row;
			this.#append(event, authEvents);
			for (const dependant of this.#dependants.get(event) ?? []) {
				const waiting = this.#waiting.get(dependant);
				if (waiting === undefined || --waiting.unsettled > 0) continue;
				this.#waiting.delete(dependant);
				ready.push([dependant, waiting.authEvents]);
			}
			this.#dependants.delete(event);
		}
	}

	#append(event: number, authEvents: readonly number[]): void {
		const position = this.#positions.size;
		if (position >= this.#eventsMax) throw new BudgetExceeded(this.#eventsMax, 'events in an auth chain index');
		if (position === this.#events.length) {
			this.#events = grow(this.#events, position + 1);
			this.#edgeEnds = grow(this.#edgeEnds, position + 1);
		}
		const end = this.#edgeCount + authEvents.length;
		if (end > this.#edges.length) this.#edges = grow(this.#edges, end);
		for (const authEvent of authEvents) {
			this.#edges[this.#edgeCount++] = this.#positions.get(authEvent) as number;
		}
		this.#events[position] = event;
		this.#edgeEnds[position] = end;
		this.#positions.set(event, position);
	}

	#refuseCycle(): never {
		const events = [...this.#waiting.keys()];
		this.#waiting.clear();
		this.#dependants.clear();
		throw new AuthChainCycle(events);
	}
}

function highest(positions: readonly number[]): number {
	let top = -1;
	for (const position of positions) if (position > top) top = position;
	return top;
}

function grow(array: Uint32Array<ArrayBuffer>, lengthMin: number): Uint32Array<ArrayBuffer> {
	const grown = new Uint32Array(Math.max(lengthMin, array.length * 2));
	grown.set(array);
	return grown;
}
