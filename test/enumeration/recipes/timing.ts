/** Recipes T and C: neither a clock nor a trained tree tells answers about what is here from those about what is not. */
import {type Comparison, compareDurations} from '../../harness/timing.ts';
import {type Asked, type Lines, openLines, prepare, sendAll} from '../ask.ts';
import {holdOutAuc, type Sample} from '../classifier.ts';
import type {Probe} from '../probe.ts';
import type {Subject} from '../subjects.ts';
import type {World} from '../world.ts';
import {chooseSubjects} from './choose.ts';

/** Distinct names of each side: as many of both, each asked about as often, so that caches are as warm for both. */
const NAMES = 20;
/** Answers before the clock runs. */
const WARM = 20;
/** Runs that must show a difference before it counts: the machine does other things as well. */
const RUNS = 2;
/** The part of the answers that is asked for on a new connection each. */
const FRESH_PART = 4;
/** How much better than by chance a tree may guess. */
const AUC_OFF_MAX = 0.05;

/** What the clock and the tree have shown. */
export interface Timing {
	readonly timing: readonly string[];
	readonly classifier: readonly string[];
	/** The figures of the last run. */
	readonly figures: string;
}

type Pools = readonly [readonly Subject[], readonly Subject[]];
type Pair = readonly [Asked[], Asked[]];

/** Measures a probe. @param samples answers of each side */
export async function compareTiming(world: World, probe: Probe, samples: number): Promise<Timing> {
	const count = Math.min(samples, probe.timedMax ?? samples);
	const subjects = chooseSubjects(world, probe);
	const here = subjects.filter(({isHere}) => isHere).slice(0, NAMES);
	const nowhere = subjects.filter(({isHere}) => !isHere).slice(0, here.length);
	const pools: Pools = [here.slice(0, nowhere.length), nowhere];
	const faults: string[] = [];
	let figures = '';
	let pair: Pair = [[], []];
	for (const [what, compared, isFresh, part] of [
		['the same names twice', [pools[0], pools[0]], false, count],
		['one connection', pools, false, count],
		['new connections', pools, true, Math.ceil(count / FRESH_PART)],
	] as const) {
		let found = '';
		for (let run = 0; run < RUNS; run += 1) {
			const asked = await measure(world, probe, compared, {count: part, isFresh});
			const comparison = compareDurations(
				asked[0].map(({durationMs}) => durationMs),
				asked[1].map(({durationMs}) => durationMs),
			);
			const {auc, z, t, medians} = comparison;
			found = `${what}: AUC ${auc.toFixed(3)}, z ${z.toFixed(1)}, t ${t.toFixed(1)}, ${medians.map((ms) => ms.toFixed(1)).join(' and ')} ms`;
			if (what === 'one connection') [figures, pair] = [found, asked];
			if (isSame(comparison, part)) found = '';
			if (found === '') break;
		}
		if (found !== '') faults.push(found);
	}
	const auc = holdOutAuc(toSamples(pair));
	const classifier = auc - 0.5 > allowedOff(count) ? [`a tree guesses with AUC ${auc.toFixed(3)}`] : [];
	return {timing: faults, classifier, figures: `${figures}; tree AUC ${auc.toFixed(3)}`};
}

/** Beyond these somebody with patience tells two lists of durations apart. */
const STATISTIC_MAX = 4.5;

function isSame({auc, z, t}: Comparison, count: number): boolean {
	return Math.abs(z) < STATISTIC_MAX && Math.abs(t) < STATISTIC_MAX && Math.abs(auc - 0.5) < allowedOff(count);
}

/** With few samples chance alone guesses better: four standard deviations of that. */
function allowedOff(count: number): number {
	return Math.max(AUC_OFF_MAX, 4 / Math.sqrt(6 * count));
}

/** Asks about names of both pools in turn, which of the two first is drawn each time. */
async function measure(
	world: World,
	probe: Probe,
	pools: Pools,
	{count, isFresh}: {readonly count: number; readonly isFresh: boolean},
): Promise<Pair> {
	const lines = openLines(world, {connections: 1, isFresh});
	const asked: Pair = [[], []];
	try {
		for (let index = -WARM; index < count; index += 1) {
			const first = world.random.chance(0.5) ? 0 : 1;
			for (const side of [first, 1 - first] as const) {
				const pool = pools[side === 0 ? 0 : 1];
				const answer = await askOne(world, lines, probe, pool[(index + WARM) % pool.length]!);
				if (index >= 0) asked[side === 0 ? 0 : 1].push(answer);
			}
		}
	} finally {
		lines.close();
	}
	return asked;
}

async function askOne(world: World, lines: Lines, probe: Probe, subject: Subject): Promise<Asked> {
	return sendAll(lines, probe, subject, await prepare(world, probe, subject));
}

/** Everything of answers that is a number or can be made one. */
function toSamples([here, nowhere]: Pair): Sample[] {
	const toSample = ({replies, durationMs}: Asked, isHere: boolean): Sample => {
		const last = replies.at(-1);
		const order = last?.headers.map(([name]) => name).join() ?? '';
		return {isHere, features: [durationMs, last?.status ?? 0, last?.text.length ?? 0, order.length]};
	};
	// Two of each in turn, so that every other one is of both kinds.
	return here.flatMap((asked, index) => {
		const other = nowhere[index];
		const pair = [toSample(asked, true), ...(other === undefined ? [] : [toSample(other, false)])];
		return index % 2 === 0 ? pair : pair.toReversed();
	});
}
