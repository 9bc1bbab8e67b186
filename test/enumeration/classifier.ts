/** A small decision tree, as somebody would train it who has seen many answers: what it finds, a patient person finds. */

/** One answer as numbers, and which of two kinds it is. */
export interface Sample {
	readonly features: readonly number[];
	readonly isHere: boolean;
}

/** Questions that the tree asks in a row: two features that only together tell something are found. */
const DEPTH = 3;
/** Places at which a feature is cut: quantiles of what was seen. */
const CUTS = 24;
/** Fewer answers than this are no ground to learn from. */
const LEAF_MIN = 10;

type Tree =
	| {readonly score: number}
	| {readonly feature: number; readonly at: number; readonly below: Tree; readonly above: Tree};

/**
 * Trains on every other sample and judges the rest: how likely the tree finds an answer about what is here likelier so than
 * one about what is not. 0.5: nothing can be learnt.
 */
export function holdOutAuc(samples: readonly Sample[]): number {
	const [training, held] = [0, 1].map((part) => samples.filter((_, index) => index % 2 === part));
	const tree = grow(training ?? [], DEPTH);
	const scores = (held ?? []).map((sample) => ({score: scoreOf(tree, sample.features), isHere: sample.isHere}));
	const here = scores.filter(({isHere}) => isHere).map(({score}) => score);
	const nowhere = scores.filter(({isHere}) => !isHere).map(({score}) => score);
	return aucOf(here, nowhere);
}

/** How likely a value of the first list is larger than one of the second; equal ones count half. */
export function aucOf(first: readonly number[], second: readonly number[]): number {
	if (first.length === 0 || second.length === 0) return 0.5;
	const sorted = second.toSorted((a, b) => a - b);
	let wins = 0;
	for (const value of first) wins += (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
	return wins / (first.length * second.length);
}

/** Counts values below one, or up to it. */
function countBelow(sorted: readonly number[], value: number, isUpTo: boolean): number {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		const isBelow = isUpTo ? sorted[middle]! <= value : sorted[middle]! < value;
		if (isBelow) low = middle + 1;
		else high = middle;
	}
	return low;
}

function grow(samples: readonly Sample[], depth: number): Tree {
	const score = samples.length === 0 ? 0.5 : samples.filter(({isHere}) => isHere).length / samples.length;
	const cut = depth === 0 ? undefined : findCut(samples);
	if (cut === undefined) return {score};
	const below = samples.filter(({features}) => features[cut.feature]! < cut.at);
	const above = samples.filter(({features}) => features[cut.feature]! >= cut.at);
	return {...cut, below: grow(below, depth - 1), above: grow(above, depth - 1)};
}

/** Finds the question after which the two kinds are least mixed. */
function findCut(samples: readonly Sample[]): {readonly feature: number; readonly at: number} | undefined {
	let best: {readonly feature: number; readonly at: number; readonly impurity: number} | undefined;
	const [first] = samples;
	for (let feature = 0; feature < (first?.features.length ?? 0); feature += 1) {
		const values = samples.map(({features}) => features[feature]!).toSorted((a, b) => a - b);
		for (let cut = 1; cut < CUTS; cut += 1) {
			const at = values[Math.floor((cut * values.length) / CUTS)]!;
			const impurity = impurityOf(samples, feature, at);
			if (impurity !== undefined && (best === undefined || impurity < best.impurity)) best = {feature, at, impurity};
		}
	}
	return best;
}

/** Gini's impurity of both sides of a cut; `undefined` where a side is too small. */
function impurityOf(samples: readonly Sample[], feature: number, at: number): number | undefined {
	const counts = {below: 0, belowHere: 0, here: 0};
	for (const {features, isHere} of samples) {
		const isBelow = features[feature]! < at;
		if (isBelow) counts.below += 1;
		if (isHere) counts.here += 1;
		if (isBelow && isHere) counts.belowHere += 1;
	}
	const above = samples.length - counts.below;
	if (counts.below < LEAF_MIN || above < LEAF_MIN) return undefined;
	const gini = (here: number, all: number): number => (here / all) * (1 - here / all) * all;
	return gini(counts.belowHere, counts.below) + gini(counts.here - counts.belowHere, above);
}

function scoreOf(tree: Tree, features: readonly number[]): number {
	if ('score' in tree) return tree.score;
	return scoreOf(features[tree.feature]! < tree.at ? tree.below : tree.above, features);
}
