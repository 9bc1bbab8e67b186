#!/usr/bin/env node
/**
 * The load program: puts a known load on a homeserver of this machine and prints what it did and what it cost. Starts
 * our own built server, or takes any homeserver's URL. Ends by itself, within its deadline.
 */
import {writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {REGISTRATION_SHARED_SECRET, startServer} from '../test/harness/index.ts';
import {LoadClient} from './load-client.ts';
import type {Figures} from './measure.ts';
import {type Options, readOptions, USAGE} from './options.ts';
import {readUsage} from './process-meter.ts';
import {heading, line} from './report.ts';
import type {Bench, Scenario} from './scenario.ts';
import {SCENARIOS} from './scenarios/index.ts';

const CONNECTIONS = 64;
/** A server is idle when it has been left alone so long. */
const IDLE_MS = 3_000;
const MEBIBYTE = 1_048_576;

interface Outcome {
	readonly idleRssBytes: number | undefined;
	readonly figures: Figures[];
	readonly skipped: {id: string; reason: string}[];
	readonly failed: {id: string; reason: string}[];
}

function choose(options: Options): readonly Scenario[] {
	if (options.scenarios.length === 0) return SCENARIOS;
	return options.scenarios.map((id) => {
		const scenario = SCENARIOS.find((candidate) => candidate.id === id);
		if (scenario !== undefined) return scenario;
		throw new Error(`expected a scenario of ${SCENARIOS.map((row) => row.id).join(', ')}; got ${id}`);
	});
}

/** The server under load: the one that was named, or one of our own that lives as long as the run. */
interface UnderLoad extends AsyncDisposable {
	readonly url: string;
	readonly pid: number | undefined;
	readonly sharedSecret: string | undefined;
}

async function openServer(options: Options, isNeeded: boolean): Promise<UnderLoad> {
	const {url, pid, sharedSecret, database} = options;
	if (url !== undefined || !isNeeded) {
		return {url: url ?? 'http://127.0.0.1', pid, sharedSecret, [Symbol.asyncDispose]: () => Promise.resolve()};
	}
	const own = await startServer(database === undefined ? {} : {config: {database}});
	return {
		url: own.url,
		pid: own.pid,
		sharedSecret: REGISTRATION_SHARED_SECRET,
		[Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
	};
}

async function run(options: Options, say: (text: string) => void): Promise<Outcome> {
	const chosen = choose(options);
	await using server = await openServer(
		options,
		chosen.some((scenario) => scenario.needsServer),
	);
	const {url, pid, sharedSecret} = server;
	await using client = new LoadClient(url, CONNECTIONS);
	const pids = pid === undefined ? [] : [pid];
	const bench: Bench = {...options, client, url, pids, sharedSecret, isExternal: options.url !== undefined};
	const outcome: Outcome = {idleRssBytes: await readIdle(pid), figures: [], skipped: [], failed: []};
	if (outcome.idleRssBytes !== undefined) {
		say(`idle memory: ${(outcome.idleRssBytes / MEBIBYTE).toFixed(0)} MiB (RSS)\n`);
	}
	say(heading());
	for (const scenario of chosen) await runOne(scenario, bench, outcome, say);
	return outcome;
}

async function readIdle(pid: number | undefined): Promise<number | undefined> {
	if (pid === undefined) return undefined;
	await sleep(IDLE_MS);
	return readUsage(pid).rssBytes;
}

async function runOne(scenario: Scenario, bench: Bench, outcome: Outcome, say: (text: string) => void): Promise<void> {
	const obstacle = scenario.findObstacle?.(bench);
	if (obstacle !== undefined) {
		outcome.skipped.push({id: scenario.id, reason: obstacle});
		say(`${scenario.id} skipped: ${obstacle}`);
		return;
	}
	try {
		for (const figures of await scenario.run(bench)) {
			outcome.figures.push(figures);
			say(line(figures));
		}
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		outcome.failed.push({id: scenario.id, reason});
		say(`${scenario.id} failed: ${reason}`);
	}
}

async function main(): Promise<void> {
	const options = readOptions(process.argv.slice(2));
	if (options.isHelpWanted) {
		console.log(`${USAGE}\n\nScenarios:\n${SCENARIOS.map(({id, about}) => `  ${id.padEnd(12)}${about}`).join('\n')}`);
		return;
	}
	const deadline = setTimeout(() => {
		console.error(`expected an end within ${options.deadlineSeconds} s`);
		process.exit(1);
	}, options.deadlineSeconds * 1_000);
	// A run that failed at its beginning, such as by a scenario's name, ends then and not at the deadline.
	deadline.unref();
	const outcome = await run(options, options.json === '-' ? () => undefined : console.log);
	clearTimeout(deadline);
	if (options.json === '-') console.log(JSON.stringify(outcome, null, 1));
	else if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(outcome, null, 1)}\n`);
	if (outcome.failed.length > 0) process.exitCode = 1;
}

try {
	await main();
} catch (error) {
	console.error(error instanceof Error ? error.message : String(error));
	process.exitCode = 1;
}
