/** Goes through the probes on one server. */
import type {Options} from './options.ts';
import type {ConfigurationName, Probe} from './probe.ts';
import {askAll, compareBytes} from './recipes/bytes.ts';
import {groupBy, isAsked} from './recipes/choose.ts';
import {type Finding, toFinding} from './report.ts';
import {PROBES} from './rows/index.ts';
import type {Asked} from './ask.ts';
import type {World} from './world.ts';

/** Runs the chosen recipes of all chosen probes. */
export async function runProbes(world: World, configuration: ConfigurationName, options: Options): Promise<Finding[]> {
	const findings: Finding[] = [];
	for (const probe of PROBES) {
		if (options.rows !== undefined && !options.rows.has(probe.row)) continue;
		if (!isAsked(probe, configuration)) continue;
		findings.push(await runProbe(world, configuration, options, probe));
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
	if (recipes.has('b')) {
		const answers = await askAll(world, probe);
		faults['bytes'] = compareBytes(answers, probe.forbidden);
		tellingClasses = listTelling(answers);
		answer = describeAnswer(answers);
	}
	return toFinding(probe, configuration, {faults, answer, tellingClasses});
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
