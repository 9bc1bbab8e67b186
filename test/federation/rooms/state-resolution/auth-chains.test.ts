import test from 'ava';
import * as fc from 'fast-check';
import {
	AuthChainCycle,
	AuthChainIndex,
	type AuthEdges,
	BudgetExceeded,
	createWorkBudget,
	UnknownAuthChain,
} from '../../../../federation/rooms/state-resolution/index.ts';

const SEED = 20_260_114;

/** A graph of up to 40 events; each cites some of those before it. Numbers are spread out as a database's are. */
const graphs = fc.array(fc.array(fc.nat(), {maxLength: 4}), {minLength: 1, maxLength: 40}).map((shape) =>
	shape.map((picks, at): AuthEdges => {
		const cited = at === 0 ? [] : picks.map((pick) => numberAt(pick % at));
		return [numberAt(at), [...new Set(cited)]];
	}),
);

function numberAt(at: number): number {
	return 1000 + 7 * at;
}

function chainOf(graph: readonly AuthEdges[], events: readonly number[]): Set<number> {
	const edges = new Map(graph);
	const chain = new Set(events.flatMap((event) => [...(edges.get(event) ?? [])]));
	for (const event of chain) for (const cited of edges.get(event) ?? []) chain.add(cited);
	return chain;
}

function reachedBy(graph: readonly AuthEdges[], events: readonly number[]): Set<number> {
	return new Set([...events, ...chainOf(graph, events)]);
}

function ascending(events: Iterable<number>): number[] {
	return [...events].toSorted((a, b) => a - b);
}

function indexOf(rows: readonly AuthEdges[]): AuthChainIndex {
	const index = new AuthChainIndex();
	index.add(rows);
	return index;
}

const pickSets = (graph: readonly AuthEdges[], setsMax: number) =>
	fc.array(fc.array(fc.constantFrom(...graph.map(([event]) => event)), {maxLength: 6}), {
		minLength: 1,
		maxLength: setsMax,
	});

test('the auth chain, the auth difference and the subgraph are those of the definitions, in whatever order events came', (t) => {
	const cases = graphs.chain((graph) =>
		fc.record({
			graph: fc.constant(graph),
			order: fc.shuffledSubarray([...graph], {minLength: graph.length}),
			sets: pickSets(graph, 5),
			common: fc.array(fc.constantFrom(...graph.map(([event]) => event)), {maxLength: 4}),
		}),
	);
	fc.assert(
		fc.property(cases, ({graph, order, sets, common}) => {
			const index = indexOf(order);
			t.is(index.size, graph.length);
			const chains = sets.map((set) => reachedBy(graph, [...set, ...common]));
			const union = new Set(chains.flatMap((chain) => [...chain]));
			const difference = ascending(union).filter((event) => !chains.every((chain) => chain.has(event)));
			t.deepEqual([...index.authDifference(sets, common)], difference);
			const [first = []] = sets;
			t.deepEqual([...index.authChain(first)], ascending(chainOf(graph, first)));
			const ends = new Set(sets.flat());
			const between = graph
				.map(([event]) => event)
				.filter((event) => {
					const isBelow = ends.has(event) || chainOf(graph, [...ends]).has(event);
					return isBelow && (ends.has(event) || [...chainOf(graph, [event])].some((cited) => ends.has(cited)));
				});
			t.deepEqual([...index.subgraph(ends)], ascending(between));
		}),
		{seed: SEED, numRuns: 300},
	);
});

test('the auth difference of more sets than a mask has bits is that of the definition', (t) => {
	const cases = graphs.chain((graph) => fc.record({graph: fc.constant(graph), sets: pickSets(graph, 100)}));
	fc.assert(
		fc.property(cases, ({graph, sets}) => {
			const chains = sets.map((set) => reachedBy(graph, set));
			const union = new Set(chains.flatMap((chain) => [...chain]));
			const difference = ascending(union).filter((event) => !chains.every((chain) => chain.has(event)));
			t.deepEqual([...indexOf(graph).authDifference(sets)], difference);
		}),
		{seed: SEED, numRuns: 60},
	);
	// Exactly as many sets as there are bits, each with one event of its own and one that this cites.
	const rows: AuthEdges[] = Array.from({length: 32}, (_, at) => [100 + at, [at]]);
	const index = indexOf([...rows, ...rows.map(([, cited]): AuthEdges => [cited[0] as number, []])]);
	t.is(index.authDifference(rows.map(([event]) => [event])).length, 64);
});

test('events that come before what they cite wait for it, and the index says what is waited for', (t) => {
	const index = new AuthChainIndex();
	t.deepEqual(index.add([[5, [3, 4]]]), [3, 4]);
	t.false(index.has(5));
	t.throws(() => index.authChain([5]), {instanceOf: UnknownAuthChain});
	t.deepEqual(index.add([[4, [3, 1]]]), [3, 1]);
	t.deepEqual(index.add([[3, [1]]]), [1]);
	t.deepEqual(index.add([[1, []]]), []);
	t.is(index.size, 4);
	t.deepEqual([...index.authChain([5])], [1, 3, 4]);
	t.deepEqual(index.add([[5, [3, 4]]]), [], 'a known event is passed over');
	t.true(index.sizeBytes > 0);
});

test('events that cite each other in a circle are refused and leave the index usable', (t) => {
	const index = new AuthChainIndex();
	index.add([[1, []]]);
	const error = t.throws(
		() =>
			index.add([
				[2, [1, 4]],
				[3, [2]],
				[4, [3]],
				[5, [4]],
				[6, [1]],
			]),
		{
			instanceOf: AuthChainCycle,
		},
	);
	t.deepEqual(ascending(error.events), [2, 3, 4, 5]);
	t.throws(() => index.add([[7, [7]]]), {instanceOf: AuthChainCycle});
	t.deepEqual(index.add([[8, [6]]]), []);
	t.deepEqual([...index.authChain([8])], [1, 6]);
});

test('C11: an auth chain of 100,000 events is walked without recursion, and two recent forks cost only what differs', (t) => {
	const length = 100_000;
	const rows: AuthEdges[] = Array.from({length}, (_, at) => [at, at === 0 ? [] : [at - 1]]);
	// From the newest down, so that everything has to wait.
	const index = indexOf(rows.toReversed());
	index.add([
		[length, [length - 1]],
		[length + 1, [length]],
		[length + 2, [length - 2]],
	]);
	t.is(index.authChain([length]).length, length);
	t.deepEqual(
		[...index.authDifference([[length + 1], [length + 2]], [], createWorkBudget(20))],
		[length - 1, length, length + 1, length + 2],
		'a budget of 20 is enough for a difference of four in a chain of 100,000',
	);
	t.deepEqual([...index.subgraph([length + 1, length - 1], createWorkBudget(20))], [length - 1, length, length + 1]);
});

test('work and memory are bounded by typed errors', (t) => {
	const rows: AuthEdges[] = Array.from({length: 100}, (_, at) => [at, at === 0 ? [] : [at - 1]]);
	const index = indexOf(rows);
	t.throws(() => index.authChain([99], createWorkBudget(50)), {instanceOf: BudgetExceeded});
	t.throws(() => index.authDifference([[99], []], [], createWorkBudget(50)), {instanceOf: BudgetExceeded});
	t.throws(() => index.subgraph([99, 0], createWorkBudget(50)), {instanceOf: BudgetExceeded});
	t.throws(() => new AuthChainIndex({eventsMax: 99}).add(rows), {instanceOf: BudgetExceeded});
});
