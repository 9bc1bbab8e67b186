/** Tells whether two kinds of answers can be told apart by how long they take. */

/** How two lists of durations differ. */
export interface Comparison {
	/** How likely a duration of the second list is longer than one of the first; 0.5: nobody can tell. */
	readonly auc: number;
	/** The Mann-Whitney statistic in standard deviations. */
	readonly z: number;
	/** Welch's statistic of the means without the 5 % at either end. */
	readonly t: number;
	/** Medians, for people who read the outcome. */
	readonly medians: readonly [number, number];
}

/** Beyond these somebody with patience tells the two apart. */
const STATISTIC_MAX = 4.5;
const AUC_OFF_MAX = 0.05;
/** The part of the durations at either end that the means leave out: what the machine did meanwhile. */
const TRIMMED = 0.05;

/** Compares two lists of durations. */
export function compareDurations(first: readonly number[], second: readonly number[]): Comparison {
	const [m, n] = [first.length, second.length];
	const all = [
		...first.map((value) => ({value, isSecond: false})),
		...second.map((value) => ({value, isSecond: true})),
	];
	all.sort((a, b) => a.value - b.value);
	let rankSum = 0;
	for (let start = 0; start < all.length; ) {
		let end = start;
		while (end < all.length && all[end]!.value === all[start]!.value) end += 1;
		// Equal durations share the middle of their ranks.
		const rank = (start + end + 1) / 2;
		for (const entry of all.slice(start, end)) if (entry.isSecond) rankSum += rank;
		start = end;
	}
	const u = rankSum - (n * (n + 1)) / 2;
	const deviation = Math.sqrt((m * n * (m + n + 1)) / 12);
	return {
		auc: u / (m * n),
		z: (u - (m * n) / 2) / deviation,
		t: welch(trim(first), trim(second)),
		medians: [median(first), median(second)],
	};
}

/** Whether nobody can tell the two apart. */
export function isAlike({auc, z, t}: Comparison): boolean {
	return Math.abs(z) < STATISTIC_MAX && Math.abs(t) < STATISTIC_MAX && Math.abs(auc - 0.5) < AUC_OFF_MAX;
}

/**
 * Takes durations of two kinds of requests, one after the other, in an order that `shuffle` decides for each pair, so that
 * what the machine does meanwhile falls on both.
 */
export async function sampleInTurn(
	count: number,
	ask: (kind: 'first' | 'second', index: number) => Promise<unknown>,
	isSwapped: () => boolean,
): Promise<{readonly first: number[]; readonly second: number[]}> {
	const durations = {first: [] as number[], second: [] as number[]};
	for (let index = 0; index < count; index += 1) {
		const order = isSwapped() ? (['second', 'first'] as const) : (['first', 'second'] as const);
		for (const kind of order) {
			const begun = performance.now();
			await ask(kind, index);
			durations[kind].push(performance.now() - begun);
		}
	}
	return durations;
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function trim(values: readonly number[]): number[] {
	const cut = Math.floor(values.length * TRIMMED);
	return values.toSorted((a, b) => a - b).slice(cut, values.length - cut);
}

function welch(first: readonly number[], second: readonly number[]): number {
	const [one, two] = [momentsOf(first), momentsOf(second)];
	const error = Math.sqrt(one.variance / first.length + two.variance / second.length);
	return error === 0 ? 0 : (two.mean - one.mean) / error;
}

function momentsOf(values: readonly number[]): {readonly mean: number; readonly variance: number} {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
	return {mean, variance};
}
