#!/usr/bin/env node
/**
 * `npm run test:enumeration [-- --rows 1,8 --recipes b,s,q --samples 200]`: whether anybody can find out who and what is
 * here. Goes through the enumeration surface, row by row, as an outsider, as a registered stranger and as a strange
 * server, prints a table of verdicts, and ends with 1 where something tells names apart.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createAuthority, REGISTRATION_SHARED_SECRET} from '../harness/index.ts';
import {prepareSynapse, startSynapse} from '../interop/synapse.ts';
import {readOptions, type RecipeName} from './options.ts';
import type {ConfigurationName, Probe} from './probe.ts';
import {limit} from './recipes/limits.ts';
import {type Finding, judge, writeTable} from './report.ts';
import {PROBES, ROWS} from './rows/index.ts';
import {findAskedServices, findUnasked, limitProbes, runProbes, timeProbes} from './run.ts';
import {type ForeignPlace, meetForeign, startOwn, startOwnProcess} from './target.ts';
import {createWorld} from './world.ts';

const options = readOptions(process.argv.slice(2));
/** What the tests of the interop folder make cheaper or leave out is as in a server that somebody runs. */
const AS_SYNAPSE_IS = {
	bcrypt_rounds: 12,
	presence: {enabled: true},
	rc_reports: {per_second: 1_000, burst_count: 1_000},
};
/** Names of each side whose answers are timed. */
const TIMED_NAMES = 40;
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
	if (limited.length === 0 && options.recipes.has('s')) {
		const ofServices = findAskedServices(world, configuration);
		findings.push(findUnasked(world, configuration), ...(ofServices === undefined ? [] : [ofServices]));
	}
	const seconds = (ms: number): string => (ms / 1000).toFixed(1);
	process.stderr.write(
		`${configuration}${limited.length > 0 ? ', limited' : ''}: ${seconds(filled - begun)} s to fill, ${seconds(performance.now() - filled)} s to ask\n`,
	);
	return findings;
}

/** Goes through probes on another program's server, whose registration is open. */
async function meetForeignServer(place: ForeignPlace): Promise<Finding[]> {
	await using target = meetForeign(place);
	const world = await createWorld(target, options.samples, `${options.seed}/foreign`);
	const findings = isAsking ? await runProbes(world, 'open', options, PROBES.filter(isFree)) : [];
	if (options.recipes.has('s')) findings.push(findUnasked(world, 'open'));
	if (isTiming) findings.push(...(await timeProbes(world, 'open', options, PROBES)));
	return findings;
}

async function meetSynapse(): Promise<Finding[]> {
	const prepared = prepareSynapse();
	if ('skipped' in prepared) throw new Error(`skipped: ${prepared.skipped}`);
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-enumeration-'));
	try {
		const authority = createAuthority(directory);
		await using synapse = await startSynapse(prepared.python, authority, {differences: AS_SYNAPSE_IS});
		const federationUrl = `https://${synapse.name}`;
		const sharedSecret = REGISTRATION_SHARED_SECRET;
		return await meetForeignServer({url: synapse.url, federationUrl, authority, sharedSecret});
	} finally {
		rmSync(directory, {recursive: true, force: true});
	}
}

const isFree = ({needsLimits}: Probe): boolean => needsLimits !== true;

/** What needs no clock, and what does. */
const isAsking = ['b', 's', 'q'].some((recipe) => options.recipes.has(recipe as RecipeName));
const isTiming = options.recipes.has('t') || options.recipes.has('c');

/** Takes the time on a server of our own, in a process of its own. */
async function timeOwn(): Promise<Finding[]> {
	await using target = await startOwnProcess('open');
	const world = await createWorld(target, Math.min(TIMED_NAMES, options.samples), `${options.seed}/timed`);
	return await timeProbes(world, 'open', options, PROBES);
}

/** Asks without end on a server of our own. */
async function limitOwn(configuration: ConfigurationName): Promise<Finding[]> {
	await using target = await startOwn({configuration, limited: [], hasRealPasswords: false});
	const world = await createWorld(target, options.samples, `${options.seed}/limits/${configuration}`);
	return await limitProbes(await limit(world), configuration, options, PROBES);
}

/** Goes through all configurations of our own server. */
async function meetOwnServers(): Promise<Finding[]> {
	const findings: Finding[] = isTiming ? await timeOwn() : [];
	if (options.recipes.has('l')) {
		for (const configuration of options.configurations) findings.push(...(await limitOwn(configuration)));
	}
	if (!isAsking) return findings;
	for (const configuration of options.configurations) {
		findings.push(...(await meetOwn(configuration, PROBES.filter(isFree), [], options.samples)));
	}
	const samples = Math.min(LIMITED_SAMPLES_MAX, options.samples);
	const limited = PROBES.filter((probe) => !isFree(probe));
	findings.push(...(await meetOwn('default', limited, ['login', 'login-name'], samples)));
	return findings;
}

async function meet(): Promise<Finding[]> {
	if (options.isSynapse) return meetSynapse();
	if (options.foreign === undefined) return meetOwnServers();
	const {authority, ...place} = options.foreign;
	return meetForeignServer({...place, authority: createAuthority(authority)});
}

const findings = await meet();
const verdicts = judge(ROWS, findings, options);
process.stdout.write(
	options.asJson ? `${JSON.stringify({verdicts, findings}, null, 1)}\n` : `${writeTable(verdicts, findings)}\n`,
);
process.exit(verdicts.some(({isFailed}) => isFailed) ? 1 : 0);
