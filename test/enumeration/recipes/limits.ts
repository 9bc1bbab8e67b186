/** Recipe L: where an answer must tell something, somebody who asks without end learns no more than the budget has. */
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Asked, openLines, prepare, sendAll} from '../ask.ts';
import type {Probe, Question} from '../probe.ts';
import type {Subject} from '../subjects.ts';
import {makeRooms, type World} from '../world.ts';
import {chooseSubjects} from './choose.ts';
import type {Effects} from './side-effects.ts';

/** Facts that a principal may learn in a day: the default of `fact_budget_per_day`. */
const FACTS_MAX = 30;
/** The time in which all of it is asked. */
const ASKED_WITHIN_MS = 3_600_000;

/** Starts the server of a world anew, with its limits as they are by default. Of our own servers only. */
export async function limit(world: World): Promise<World> {
	const {app} = world.target;
	if (app === undefined) throw new Error('expected a server of our own');
	await app.application.stop();
	const file = join(app.directory, 'homeserver.yaml');
	const document = JSON.parse(readFileSync(file, 'utf8')) as object;
	const limits = {rate_limits: 'default', fact_budget_per_day: FACTS_MAX};
	writeFileSync(file, JSON.stringify({...document, ...limits}));
	const limited = await app.restart();
	const [url = '', federationUrl = ''] = limited.application.http.addresses;
	const roomFor = makeRooms({url}, world.means.stranger.token);
	return {...world, means: {...world.means, roomFor}, target: {...world.target, app: limited, url, federationUrl}};
}

/**
 * Asks again and again within an hour of the server's time, in turn about names that are here and names that are not, and
 * counts of how many names the answers tell which of the two they are.
 * @param probes how often is asked
 */
export async function compareWithBudget(world: World, probe: Probe, probes: number): Promise<Effects> {
	const subjects = chooseSubjects(world, probe);
	const here = subjects.filter(({isHere}) => isHere);
	const nowhere = subjects.filter(({isHere}) => !isHere);
	const lines = openLines(world, {connections: 1});
	const answers: Asked[] = [];
	const stepMs = ASKED_WITHIN_MS / probes;
	const rounds = probe.isUsedUp === true ? Math.min(here.length, nowhere.length) * 2 : probes;
	try {
		for (let index = 0; index < rounds; index += 1) {
			const pool = index % 2 === 0 ? here : nowhere;
			const subject = pool[Math.floor(index / 2) % pool.length]!;
			answers.push(...(await askOnce(world, lines, probe, subject)));
			world.target.app?.advance(stepMs);
		}
	} finally {
		lines.close();
	}
	const facts = countFacts(answers);
	const told = facts === 0 ? [] : [`${facts} names told to who asked ${rounds} times in an hour`];
	return facts > FACTS_MAX ? {faults: told, boundedFaults: []} : {faults: [], boundedFaults: told};
}

/** Asks, and where that gives a right to keys, for those as well: what is learnt by the second is learnt by the first. */
async function askOnce(
	world: World,
	lines: ReturnType<typeof openLines>,
	probe: Probe,
	subject: Subject,
): Promise<Asked[]> {
	const asked = [await sendOnce(world, lines, probe, subject)];
	if (probe.givesKeys === true) {
		const later: Probe = {row: probe.row, title: 'keys', asker: probe.asker, about: 'person', ask: keysOf(probe)};
		asked.push(await sendOnce(world, lines, later, subject));
	}
	return asked;
}

const keysOf =
	({asker}: Probe) =>
	({name}: Subject): Question => ({
		method: 'POST',
		uri: asker === 'server' ? '/_matrix/federation/v1/user/keys/query' : '/_matrix/client/v3/keys/query',
		body: {device_keys: {[name]: []}},
	});

/** An answer that says to come back later is an answer here. */
async function sendOnce(
	world: World,
	lines: ReturnType<typeof openLines>,
	probe: Probe,
	subject: Subject,
): Promise<Asked> {
	return sendAll(lines, {...probe, needsLimits: true}, subject, await prepare(world, probe, subject));
}

/** When to come back is another time for each who asks. */
const COME_BACK = /retry[-_]after"?:\s*\d+/gu;

/** Counts names with an answer that only names of their side have got. */
export function countFacts(asked: readonly Pick<Asked, 'subject' | 'seen'>[]): number {
	const answers = asked.map(({subject, seen}) => ({subject, seen: seen.replace(COME_BACK, '')}));
	const [here, nowhere] = [true, false].map(
		(isHere) => new Set(answers.filter(({subject}) => subject.isHere === isHere).map(({seen}) => seen)),
	);
	const told = answers.filter(({subject, seen}) => !(subject.isHere ? nowhere : here)!.has(seen));
	return new Set(told.map(({subject}) => subject.name)).size;
}
