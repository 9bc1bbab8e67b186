#!/usr/bin/env node
/**
 * `npm run test:crash`: people send while the server dies at random moments. Afterwards every acknowledged message is
 * there, once, under the event id that was told; the store is whole. Prints the seed; the same seed gives the same
 * moments again.
 */
import {randomInt} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {createSeededRandom} from '../harness/index.ts';
import {CRASHES, type Crash, findObstacle, type Recovery, STORES, Stage, type Store} from './stage.ts';
import {Workload} from './workload.ts';

const SENDERS = 16;
/** A crash comes up to so long after the acknowledgement that it was drawn for. */
const DELAY_MS_MAX = 30;
/** So many of the latest messages are sent again after each restart. */
const REPEATED = 20;

interface Plan {
	readonly sends: number;
	readonly crashes: number;
	readonly seed: number;
}

/** The numbers of acknowledgements after which a crash comes, in order. */
function drawMoments({sends, crashes, seed}: Plan): number[] {
	const random = createSeededRandom(`${seed}/moments`);
	const moments = Array.from({length: crashes}, () => random.below(Math.max(1, sends - SENDERS)));
	return moments.toSorted((a, b) => a - b);
}

async function run(store: Store, crash: Crash, plan: Plan): Promise<boolean> {
	const random = createSeededRandom(`${plan.seed}/${store}/${crash}`);
	await using stage = await Stage.open(store, crash, random);
	const workload = await Workload.open(stage.server, SENDERS);
	const moments = drawMoments(plan);
	const recoveries: Recovery[] = [];
	let crashing: Promise<void> | undefined;
	const crashOnce = async () => {
		await sleep(random.below(DELAY_MS_MAX));
		recoveries.push(await stage.crash());
		crashing = undefined;
	};
	const begun = performance.now();
	await workload.send(plan.sends, () => {
		const moment = moments[0];
		if (crashing !== undefined || moment === undefined || workload.count < moment) return;
		moments.shift();
		crashing = crashOnce();
		workload.pauseFor(crashing);
	});
	await crashing;
	// Those that were drawn for moments at which the last crash was still going on.
	for (const _ of moments) await crashOnce();
	await workload.repeatLatest(REPEATED);
	const seconds = (performance.now() - begun) / 1_000;
	const verdict = await workload.judge();
	const faults = await stage.checkStore();
	const isGood = [verdict.lost, verdict.doubled, verdict.changed, faults].every(({length}) => length === 0);
	console.log(
		`${isGood ? 'ok' : 'FAILED'}: ${store}, ${crash}: ${verdict.acknowledged} acknowledged, ${recoveries.length} crashes, ` +
			`${verdict.retried} sent again, ${verdict.lost.length} lost, ${verdict.doubled.length} doubled, ` +
			`${verdict.changed.length} answered otherwise, store ${faults.length === 0 ? 'whole' : 'damaged'}; ` +
			`store back in ${summarise(recoveries.map(({storeMs}) => storeMs))}, ` +
			`serving ${summarise(recoveries.map(({servingMs}) => servingMs))} later; ${seconds.toFixed(1)} s`,
	);
	for (const line of [...verdict.lost, ...verdict.doubled, ...verdict.changed].slice(0, 10)) console.log(`  ${line}`);
	for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
	return isGood && recoveries.length === plan.crashes;
}

/** The median and the worst of some times. */
function summarise(times: readonly number[]): string {
	const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
	return `${median.toFixed(0)} ms (at most ${Math.max(0, ...times).toFixed(0)})`;
}

/** A run that cannot go on is one that failed: the server did not come back, or has forgotten who people are. */
async function runAndReport(store: Store, crash: Crash, plan: Plan): Promise<boolean> {
	try {
		return await run(store, crash, plan);
	} catch (error) {
		console.log(`FAILED: ${store}, ${crash}: ${error instanceof Error ? error.message : String(error)}`);
		return false;
	}
}

function choose<T extends string>(text: string, all: readonly T[]): T[] {
	return text.split(',').map((name) => {
		const found = all.find((one) => one === name);
		if (found === undefined) throw new Error(`expected one of ${all.join(', ')}; got ${name}`);
		return found;
	});
}

const {values} = parseArgs({
	options: {
		stores: {type: 'string', default: STORES.join(',')},
		crashes: {type: 'string', default: '5'},
		how: {type: 'string', default: CRASHES.join(',')},
		sends: {type: 'string', default: '2500'},
		seed: {type: 'string', default: String(randomInt(1_000_000))},
	},
});
const plan: Plan = {sends: Number(values.sends), crashes: Number(values.crashes), seed: Number(values.seed)};
console.log(`seed ${plan.seed}`);
for (const store of choose(values.stores, STORES)) {
	for (const crash of choose(values.how, CRASHES)) {
		const obstacle = findObstacle(store, crash);
		if (obstacle !== undefined) console.log(`skipped: ${store}, ${crash}: ${obstacle}`);
		else if (!(await runAndReport(store, crash, plan))) process.exitCode = 1;
	}
}
