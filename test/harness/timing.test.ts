import test from 'ava';
import {createSeededRandom} from './seeded-random.ts';
import {compareDurations, isAlike} from './timing.ts';

/** Durations around a middle, with the long tail that real ones have. */
function durations(seed: number, middleMs: number): number[] {
	const random = createSeededRandom(seed);
	return Array.from({length: 2_000}, () => {
		const [a, b] = [(random.below(1_000_000) + 1) / 1_000_001, random.below(1_000_000) / 1_000_000];
		const spread = Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b);
		return middleMs + spread * 0.1 + (random.below(100) === 0 ? 5 : 0);
	});
}

test('two lists of durations of one kind are alike, and those of two kinds are not', (t) => {
	const same = compareDurations(durations(1, 2), durations(2, 2));
	t.true(isAlike(same), JSON.stringify(same));
	const other = compareDurations(durations(1, 2), durations(2, 2.05));
	t.false(isAlike(other), JSON.stringify(other));
	t.true(other.auc > 0.55 && other.z > 4.5 && other.t > 4.5);
	t.true(other.medians[1] > other.medians[0]);
});

test('a difference that only some of the answers show is found as well', (t) => {
	const some = durations(3, 2).map((value, index) => (index % 4 === 0 ? value + 1 : value));
	t.false(isAlike(compareDurations(durations(4, 2), some)));
});

test('durations that are all the same are alike', (t) => {
	const same = Array.from({length: 100}, () => 20);
	t.deepEqual(compareDurations(same, same), {auc: 0.5, z: 0, t: 0, medians: [20, 20]});
});
