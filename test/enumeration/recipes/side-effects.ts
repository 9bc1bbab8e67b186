/** Recipe S: what was done leaves the same behind for every name, wherever whoever did it may look later. */
import {setTimeout as sleep} from 'node:timers/promises';
import type {JsonValue} from '../../../crypto/index.ts';
import {path} from '../../harness/index.ts';
import {type Asked, ask, openLines} from '../ask.ts';
import type {Asker, Probe, Question} from '../probe.ts';
import type {Subject} from '../subjects.ts';
import {findTraces} from '../traces.ts';
import type {World} from '../world.ts';
import {groupBy} from './choose.ts';

const V3 = '/_matrix/client/v3';
const FEDERATION = '/_matrix/federation/v1';

/** What is said of names later: within the rights of everybody, and within those that an invite gives. */
export interface Effects {
	readonly faults: readonly string[];
	/** Keys of those whom one has invited, which one needs to talk to them. */
	readonly boundedFaults: readonly string[];
}

/** Names of each side that are asked about once more, one by one. */
const ASKED_AGAIN_MAX = 20;
/** Kinds of traces that are described, and how much of each. */
const DESCRIBED_MAX = 2;
const DESCRIBED_LENGTH = 90;
/** What is sent to other servers because of a request is sent within this time; more comes of it while it comes at all. */
const QUIET_MS = 150;
const QUIET_ROUNDS_MAX = 20;

type Later = readonly [string, (subject: Subject) => Question];

const get = (uri: string): Question => ({method: 'GET', uri});
const post = (uri: string, body: object): Question => ({method: 'POST', uri, body});

/** What somebody asks of people later. Those marked are what an invite gives a right to. */
const LATER_OF_STRANGER: readonly Later[] = [
	['profile', ({name}) => get(`${V3}/profile/${path(name)}`)],
	['presence', ({name}) => get(`${V3}/presence/${path(name)}/status`)],
	['rooms in common', ({name}) => get(`/_matrix/client/v1/mutual_rooms?user_id=${path(name)}`)],
	['directory', ({name}) => post(`${V3}/user_directory/search`, {search_term: name})],
];
const KEYS_OF_STRANGER: readonly Later[] = [
	['keys', ({name}) => post(`${V3}/keys/query`, {device_keys: {[name]: []}})],
];
const LATER_OF_SERVER: readonly Later[] = [
	['profile', ({name}) => get(`${FEDERATION}/query/profile?user_id=${path(name)}`)],
];
const KEYS_OF_SERVER: readonly Later[] = [
	['devices', ({name}) => get(`${FEDERATION}/user/devices/${path(name)}`)],
	['keys', ({name}) => post(`${FEDERATION}/user/keys/query`, {device_keys: {[name]: []}})],
];

const WAYS: Readonly<Record<Asker, {readonly later: readonly Later[]; readonly keys: readonly Later[]}>> = {
	outsider: {later: [], keys: []},
	stranger: {later: LATER_OF_STRANGER, keys: KEYS_OF_STRANGER},
	server: {later: LATER_OF_SERVER, keys: KEYS_OF_SERVER},
};

/** Reads everything that a probe about these subjects may have left behind, and compares. */
export async function compareTraces(
	world: World,
	probe: Probe,
	subjects: readonly Subject[],
	begun: Beginning,
): Promise<Effects> {
	await waitUntilQuiet(world);
	const faults = compareDocuments(await readDocuments(world, probe, begun), subjects);
	if (probe.about !== 'person') return {faults, boundedFaults: []};
	const few = pickSome(subjects);
	const {later, keys} = WAYS[probe.asker];
	faults.push(...(await compareLater(world, probe, few, await listSilent(world, probe.asker, later))));
	const ofKeys = await compareLater(world, probe, few, await listSilent(world, probe.asker, keys));
	return probe.givesKeys === true
		? {faults, boundedFaults: ofKeys}
		: {faults: [...faults, ...ofKeys], boundedFaults: []};
}

const silentWays = new WeakMap<World, Map<string, Promise<boolean>>>();

/**
 * Gives those of some ways to ask that tell nothing before anything was done: what tells by itself is no side effect. Asked
 * once, before the first thing that leaves something behind.
 */
async function listSilent(world: World, asker: Asker, ways: readonly Later[]): Promise<Later[]> {
	const known = silentWays.get(world) ?? new Map<string, Promise<boolean>>();
	silentWays.set(world, known);
	const silent: Later[] = [];
	for (const way of ways) {
		const key = `${asker} ${way[0]}`;
		let isSilent = known.get(key);
		if (isSilent === undefined) {
			const people = pickSome(world.population.subjects.filter(({kind}) => kind === 'person'));
			isSilent = compareLater(world, {asker}, people, [way]).then((faults) => faults.length === 0);
			known.set(key, isSilent);
		}
		if (await isSilent) silent.push(way);
	}
	return silent;
}

/** Asks in all ways once, before anything is left behind. */
export async function askBefore(world: World): Promise<void> {
	for (const asker of ['stranger', 'server'] as const) {
		await listSilent(world, asker, [...WAYS[asker].later, ...WAYS[asker].keys]);
	}
}

/** Waits until the strange server has heard nothing for a while, but not for ever. */
async function waitUntilQuiet({means: {peer}}: World): Promise<void> {
	for (let round = 0, heard = -1; round < QUIET_ROUNDS_MAX && heard !== peer.requests.length; round += 1) {
		heard = peer.requests.length;
		await sleep(QUIET_MS);
	}
}

/** Where everybody's news ended when something was begun. */
export interface Beginning {
	/** Of the stranger. */
	readonly since: string | undefined;
	/** Requests that the strange server had got. */
	readonly heard: number;
}

/** Notes where everybody's news end, so that later ones can be told from them. */
export async function begin(world: World, {asker}: Probe): Promise<Beginning> {
	await waitUntilQuiet(world);
	const heard = world.means.peer.requests.length;
	return {since: asker === 'stranger' ? await readPosition(world) : undefined, heard};
}

async function readPosition({target, means}: Pick<World, 'target' | 'means'>): Promise<string> {
	const reply = await fetch(`${target.url}${V3}/sync?timeout=0`, {
		headers: {authorization: `Bearer ${means.stranger.token}`},
	});
	return ((await reply.json()) as {next_batch: string}).next_batch;
}

/** Everything that holds news for who asked, by where it stands. */
async function readDocuments(
	{target, means}: World,
	{asker}: Probe,
	{since, heard}: Beginning,
): Promise<ReadonlyMap<string, JsonValue>> {
	const documents = new Map<string, JsonValue>();
	const bodies = means.peer.requests.slice(heard).map(({url, body}) => ({
		url: url.split(/[/?&=]/u).map(decodeURIComponent),
		body: readJson(body.toString('utf8')),
	}));
	documents.set('requests to the strange server', bodies);
	if (asker !== 'stranger') return documents;
	const filter = path(JSON.stringify({room: {timeline: {limit: 1}}}));
	const uris = [`sync?timeout=0&full_state=true&filter=${filter}`];
	if (since !== undefined) {
		uris.push(`sync?timeout=0&since=${path(since)}&filter=${filter}`);
		uris.push(`keys/changes?from=${path(since)}&to=${path(await readPosition({target, means}))}`);
	}
	for (const uri of uris) {
		const reply = await fetch(`${target.url}${V3}/${uri}`, {
			headers: {authorization: `Bearer ${means.stranger.token}`},
		});
		documents.set(`GET /${uri.slice(0, uri.indexOf('?'))}`, (await reply.json()) as JsonValue);
	}
	return documents;
}

function readJson(text: string): JsonValue {
	try {
		return JSON.parse(text) as JsonValue;
	} catch {
		return text;
	}
}

/** Compares what documents say of each subject. */
export function compareDocuments(documents: ReadonlyMap<string, JsonValue>, subjects: readonly Subject[]): string[] {
	const names = new Set(subjects.map(({name}) => name));
	const faults: string[] = [];
	for (const [place, document] of documents) {
		const traces = findTraces(document, names);
		const groups = groupBy(subjects, ({name}) => (traces.get(name) ?? []).join('\n'));
		if (groups.size > 1) faults.push(`${place}: ${describe(groups)}`);
	}
	return faults;
}

function describe(groups: ReadonlyMap<string, readonly Subject[]>): string {
	const texts = [...groups].slice(0, DESCRIBED_MAX).map(([traces, subjects]) => {
		const classes = [...groupBy(subjects, ({class: name}) => name)].map(([name, list]) => `${list.length} ${name}`);
		return `${classes.join(', ')}: ${traces.trim().slice(0, DESCRIBED_LENGTH) || 'nothing'}`;
	});
	return texts.join(' | ') + (groups.size > DESCRIBED_MAX ? ` | and ${groups.size - DESCRIBED_MAX} more` : '');
}

/** Of each class some, of both sides as many. */
function pickSome(subjects: readonly Subject[]): Subject[] {
	const [here, nowhere] = [true, false].map((isHere) => {
		const classes = [
			...groupBy(
				subjects.filter((subject) => subject.isHere === isHere),
				(subject) => subject.class,
			),
		];
		const share = Math.max(1, Math.floor(ASKED_AGAIN_MAX / Math.max(1, classes.length)));
		return classes.flatMap(([, list]) => list.slice(0, share));
	});
	return [...(here ?? []), ...(nowhere ?? [])];
}

/** Asks about each subject once more in these ways. */
async function compareLater(
	world: World,
	{asker}: Pick<Probe, 'asker'>,
	subjects: readonly Subject[],
	ways: readonly Later[],
): Promise<string[]> {
	const lines = openLines(world, {connections: subjects.length});
	const faults: string[] = [];
	try {
		for (const [what, toQuestion] of ways) {
			const question: Probe = {row: 0, title: what, asker, about: 'person', ask: toQuestion};
			const answers: Asked[] = await Promise.all(subjects.map((subject) => ask(world, lines, question, subject)));
			const groups = groupBy(answers, ({seen}) => seen.slice(seen.indexOf('\n\n')));
			if (groups.size <= 1) continue;
			const bySubject = new Map([...groups].map(([seen, list]) => [seen, list.map(({subject}) => subject)]));
			faults.push(`${what} afterwards: ${describe(bySubject)}`);
		}
	} finally {
		lines.close();
	}
	return faults;
}
