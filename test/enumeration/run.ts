/** Goes through the probes on one server. */
import type {Options} from './options.ts';
import type {ConfigurationName, Probe} from './probe.ts';
import {askAll, compareBytes} from './recipes/bytes.ts';
import {groupBy, isAsked} from './recipes/choose.ts';
import {askBefore, begin, compareTraces} from './recipes/side-effects.ts';
import {compareWithBudget} from './recipes/limits.ts';
import {compareTiming} from './recipes/timing.ts';
import {compareWork} from './recipes/work.ts';
import {type Finding, toFinding} from './report.ts';
import type {Asked} from './ask.ts';
import type {World} from './world.ts';

/** Runs the chosen recipes of these probes, as far as they make sense here and what they ask about is there. */
export async function runProbes(
	world: World,
	configuration: ConfigurationName,
	options: Options,
	probes: readonly Probe[],
): Promise<Finding[]> {
	const findings: Finding[] = [];
	// Colleagues know of each other: what one of them sees of people is no side effect.
	if (options.recipes.has('s')) await askBefore(world);
	for (const probe of probes) {
		if (options.rows !== undefined && !options.rows.has(probe.row)) continue;
		if (!isAsked(probe, configuration)) continue;
		if (!world.population.subjects.some(({kind}) => kind === probe.about)) continue;
		findings.push(await runProbe(world, configuration, options, probe));
	}
	return findings;
}

/** What other servers are asked for before their signatures count, and what people here have looked at. */
const ASKED_FOR = /^\/_matrix\/(?:key\/v2\/server|federation\/v1\/media\/download\/)/u;

/** Row 47: what the strange server was sent that it had not asked for, in all that was done. */
export function findUnasked({means}: World, configuration: ConfigurationName): Finding {
	const unasked = means.peer.requests.filter(({url}) => !ASKED_FOR.test(url));
	const paths = [...new Set(unasked.map(({method, url}) => `${method} ${url.split('?')[0]!.slice(0, 60)}`))];
	const probe: Probe = {row: 47, title: 'everything above', asker: 'server', about: 'person', ask: () => []};
	const faults = {'side effects': paths.length > 0 ? [`the strange server was sent ${paths.join(', ')}`] : []};
	return toFinding(probe, configuration, {faults, boundedFaults: [], answer: '', tellingClasses: []});
}

/** Row 25: what an application service was asked, in all that was done; absent where there is none. */
export function findAskedServices({target}: World, configuration: ConfigurationName): Finding | undefined {
	if (target.serviceAsked === undefined) return undefined;
	const asked = [...new Set(target.serviceAsked)];
	const probe: Probe = {row: 25, title: 'everything above', asker: 'stranger', about: 'person', ask: () => []};
	const faults = {'side effects': asked.length > 0 ? [`the service was asked ${asked.join(', ')}`] : []};
	return toFinding(probe, configuration, {faults, boundedFaults: [], answer: '', tellingClasses: []});
}

/** Takes the time of these probes' answers, and lets a tree guess. Whatever else is to be looked at was looked at. */
export async function timeProbes(
	world: World,
	configuration: ConfigurationName,
	{rows, recipes, timedSamples}: Options,
	probes: readonly Probe[],
): Promise<Finding[]> {
	const findings: Finding[] = [];
	for (const probe of probes) {
		if (probe.isTimed !== true || (rows !== undefined && !rows.has(probe.row))) continue;
		if (!isAsked(probe, configuration)) continue;
		const {timing, classifier, figures} = await compareTiming(world, probe, timedSamples);
		process.stderr.write(`${probe.row} ${probe.title} by ${probe.asker}: ${figures}\n`);
		const faults = {...(recipes.has('t') && {timing}), ...(recipes.has('c') && {classifier})};
		findings.push(toFinding(probe, configuration, {faults, boundedFaults: [], answer: figures, tellingClasses: []}));
	}
	return findings;
}

/** Counts what somebody learns who asks without end, where answers may tell something. */
export async function limitProbes(
	world: World,
	configuration: ConfigurationName,
	{rows, limitProbes: count}: Options,
	probes: readonly Probe[],
): Promise<Finding[]> {
	const findings: Finding[] = [];
	for (const probe of probes) {
		if (probe.isBounded?.includes(configuration) !== true && probe.givesKeys !== true) continue;
		if ((rows !== undefined && !rows.has(probe.row)) || !isAsked(probe, configuration)) continue;
		const {faults: limits, boundedFaults} = await compareWithBudget(world, probe, count);
		const outcome = {faults: {limits}, boundedFaults, answer: '', tellingClasses: []};
		// A bound that does not hold is none.
		findings.push({...toFinding(probe, configuration, outcome), isBounded: false});
	}
	return findings;
}

async function runProbe(
	world: World,
	configuration: ConfigurationName,
	{recipes}: Options,
	probe: Probe,
): Promise<Finding> {
	const faults: Record<string, readonly string[]> = {};
	let tellingClasses: readonly string[] = [];
	let answer = '';
	let boundedFaults: readonly string[] = [];
	const hasTraces = recipes.has('s') && probe.leavesTraces === true;
	const begun = hasTraces ? await begin(world, probe) : undefined;
	// Whatever else is looked at begins with asking.
	const answers = await askAll(world, probe);
	if (recipes.has('b')) {
		faults['bytes'] = compareBytes(answers, probe.forbidden);
		tellingClasses = listTelling(answers);
		answer = describeAnswer(answers);
	}
	if (recipes.has('q') && probe.isUsedUp !== true) faults['work'] = compareWork(answers);
	if (begun !== undefined) {
		const effects = await compareTraces(
			world,
			probe,
			answers.map(({subject}) => subject),
			begun,
		);
		faults['side effects'] = effects.faults;
		({boundedFaults} = effects);
	}
	return toFinding(probe, configuration, {faults, boundedFaults, answer, tellingClasses});
}

function describeAnswer([first]: readonly Asked[]): string {
	return first?.replies.map(({status, text}) => `${status} ${text.slice(0, 100)}`).join(' | ') ?? '';
}

/** Lists classes of what is here whose answers no name has that is not here. */
function listTelling(answers: readonly Asked[]): string[] {
	const ofNobody = new Set(answers.filter(({subject}) => !subject.isHere).map(({seen}) => seen));
	const groups = groupBy(
		answers.filter(({subject}) => subject.isHere),
		({subject}) => subject.class,
	);
	return [...groups].filter(([, list]) => list.some(({seen}) => !ofNobody.has(seen))).map(([name]) => name);
}
