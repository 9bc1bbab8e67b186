import test from 'ava';
import {createSeededRandom} from '../harness/index.ts';
import {aucOf, holdOutAuc, type Sample} from './classifier.ts';

test('how likely one value is larger than another is counted, equal ones half', (t) => {
	t.is(aucOf([2, 3], [1]), 1);
	t.is(aucOf([1], [2, 3]), 0);
	t.is(aucOf([1, 2, 3], [1, 2, 3]), 0.5);
	t.is(aucOf([1, 3], [2]), 0.5);
	t.is(aucOf([], [1]), 0.5);
});

/** Samples of two kinds in turn, whose features `draw` makes. */
function samplesOf(draw: (isHere: boolean) => readonly number[]): Sample[] {
	const samples = Array.from({length: 2_000}, (_, index) => {
		const isHere = index % 4 < 2;
		return {isHere, features: draw(isHere)};
	});
	return samples;
}

test('answers that differ in nothing but chance are told apart no better than by chance', (t) => {
	const random = createSeededRandom('classifier');
	const auc = holdOutAuc(samplesOf(() => [200, random.below(1_000), random.below(1_000)]));
	t.true(Math.abs(auc - 0.5) < 0.05, String(auc));
});

test('a difference in one feature of some of the answers is found', (t) => {
	const random = createSeededRandom('classifier');
	const auc = holdOutAuc(
		samplesOf((isHere) => [200, random.below(1_000) + (isHere && random.chance(0.3) ? 1_000 : 0)]),
	);
	t.true(auc > 0.6, String(auc));
});

test('a difference that shows only in two features together is found', (t) => {
	const random = createSeededRandom('classifier');
	const auc = holdOutAuc(
		samplesOf((isHere) => {
			const first = random.chance(0.4);
			return [Number(first), Number(isHere === first)];
		}),
	);
	t.true(auc > 0.9, String(auc));
});
