#!/usr/bin/env node
/**
 * `npm run test:enumeration [-- --rows 1,8 --recipes b,s,q --samples 200]`: whether anybody can find out who and what is
 * here. Goes through the enumeration surface, row by row, as an outsider, as a registered stranger and as a strange
 * server, prints a table of verdicts, and ends with 1 where something tells names apart.
 */
import {readOptions} from './options.ts';
import {type Finding, judge, writeTable} from './report.ts';
import {ROWS} from './rows/index.ts';
import {runProbes} from './run.ts';
import {startOwn} from './target.ts';
import {createWorld} from './world.ts';

const options = readOptions(process.argv.slice(2));
const findings: Finding[] = [];
for (const configuration of options.configurations) {
	await using target = await startOwn({configuration, hasLimits: false, hasRealPasswords: false});
	const begun = performance.now();
	const world = await createWorld(target, options.samples, `${options.seed}/${configuration}`);
	const filledMs = performance.now() - begun;
	findings.push(...(await runProbes(world, configuration, options)));
	const seconds = (ms: number): string => (ms / 1000).toFixed(1);
	process.stderr.write(
		`${configuration}: filled in ${seconds(filledMs)} s, asked in ${seconds(performance.now() - begun - filledMs)} s\n`,
	);
}
const verdicts = judge(ROWS, findings, options);
process.stdout.write(
	options.asJson ? `${JSON.stringify({verdicts, findings}, null, 1)}\n` : `${writeTable(verdicts, findings)}\n`,
);
process.exit(verdicts.some(({isFailed}) => isFailed) ? 1 : 0);
