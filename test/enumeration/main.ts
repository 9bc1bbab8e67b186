#!/usr/bin/env node
/**
 * `npm run test:enumeration [-- --rows 1,8 --recipes b,s,q --samples 200]`: whether anybody can find out who and what is
 * here. Goes through the enumeration surface, row by row, as an outsider, as a registered stranger and as a strange
 * server, prints a table of verdicts, and ends with 1 where something tells names apart.
 */
import {readOptions} from './options.ts';
import type {ConfigurationName, Probe} from './probe.ts';
import {type Finding, judge, writeTable} from './report.ts';
import {PROBES, ROWS} from './rows/index.ts';
import {findUnasked, runProbes} from './run.ts';
import {startOwn} from './target.ts';
import {createWorld} from './world.ts';

const options = readOptions(process.argv.slice(2));
/** Names of each side where one answer takes many tries. */
const LIMITED_SAMPLES_MAX = 20;

/** Goes through probes on a server of our own. */
async function meetOwn(
	configuration: ConfigurationName,
	probes: readonly Probe[],
	limited: Parameters<typeof startOwn>[0]['limited'],
	samples: number,
): Promise<Finding[]> {
	const begun = performance.now();
	await using target = await startOwn({configuration, limited, hasRealPasswords: false});
	const world = await createWorld(target, samples, `${options.seed}/${configuration}`);
	const filled = performance.now();
	const findings = await runProbes(world, configuration, options, probes);
	if (limited.length === 0 && options.recipes.has('s')) findings.push(findUnasked(world, configuration));
	const seconds = (ms: number): string => (ms / 1000).toFixed(1);
	process.stderr.write(
		`${configuration}${limited.length > 0 ? ', limited' : ''}: ${seconds(filled - begun)} s to fill, ${seconds(performance.now() - filled)} s to ask\n`,
	);
	return findings;
}

const findings: Finding[] = [];
const isFree = ({needsLimits}: Probe): boolean => needsLimits !== true;
for (const configuration of options.configurations) {
	findings.push(...(await meetOwn(configuration, PROBES.filter(isFree), [], options.samples)));
}
const samples = Math.min(LIMITED_SAMPLES_MAX, options.samples);
const limited = PROBES.filter((probe) => !isFree(probe));
findings.push(...(await meetOwn('default', limited, ['login', 'login-name'], samples)));

const verdicts = judge(ROWS, findings, options);
process.stdout.write(
	options.asJson ? `${JSON.stringify({verdicts, findings}, null, 1)}\n` : `${writeTable(verdicts, findings)}\n`,
);
process.exit(verdicts.some(({isFailed}) => isFailed) ? 1 : 0);
