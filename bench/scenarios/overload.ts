/** What other people notice of a bad load: passwords of megabytes, a thousand sign-ins at once, silent sockets, probes. */
import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {setTimeout as sleep} from 'node:timers/promises';
import {REGISTRATION_SHARED_SECRET, startServer} from '../../test/harness/index.ts';
import {LoadClient} from '../load-client.ts';
import {type Figures, Stopwatch} from '../measure.ts';
import {createRoom, type Device, registerUsers, sendMessage, sync} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const ATTACK = fileURLToPath(new URL('../overload-attack.js', import.meta.url));
const WORKERS = 8;
/** People do something, and then read for a while: the server is not busy with them alone. */
const PAUSE_MS = 25;
/** What a bad load has left behind is gone by then. */
const CALM_MS = 2_000;
/** Each load is measured so often, and a quiet time before it, because others use this machine too. */
const ROUNDS = 3;
/** As much as the p99 may grow. */
const FACTOR_MAX = 2;

const attacks = [
	['passwords', 'passwords of 5 MB'],
	['sign-ins', '1,000 sign-ins at once'],
	['sockets', '300 half-open sockets'],
	['probes', 'names and aliases asked about without a pause'],
] as const;

/**
 * An operation is one request of somebody who is signed in; titles say how the p99 compares with the quiet time before. The
 * limits of single callers are lifted, since a bad load comes from many addresses.
 */
export const overload: Scenario = {
	id: 'overload',
	about: `p99 of other requests under passwords of 5 MB, 1,000 sign-ins at once, 300 half-open sockets, probes: at most ${FACTOR_MAX} times the quiet one`,
	needsServer: false,
	async run(bench) {
		const lifted = {per_second: 1_000_000, burst: 1_000_000};
		const classes = [
			'general',
			'message',
			'sync',
			'search',
			'login',
			'login-name',
			'registration',
			'registration-check',
			'room-creation',
			'join',
		];
		await using server = await startServer({
			config: {rate_limits: Object.fromEntries(classes.map((name) => [name, lifted]))},
		});
		await using client = new LoadClient(server.url, WORKERS * 2);
		const people = await registerUsers({client, sharedSecret: REGISTRATION_SHARED_SECRET}, WORKERS);
		const roomId = await createRoom(client, people[0]!, people.slice(1));
		const pids = server.pid === undefined ? [] : [server.pid];
		const world = {bench, client, people, roomId, pids};
		await measure(world, 'warm up', 2_000);
		const figures: Figures[] = [];
		for (const [kind, title] of attacks) figures.push(...(await compare(world, server.url, kind, title)));
		return figures;
	},
};

interface World {
	readonly bench: Bench;
	readonly client: LoadClient;
	readonly people: readonly Device[];
	readonly roomId: string;
	readonly pids: readonly number[];
}

async function compare(world: World, url: string, kind: string, title: string): Promise<Figures[]> {
	const durationMs = (world.bench.secondsMax * 1_000) / ROUNDS / 2;
	const rounds: {quiet: Figures; loaded: Figures}[] = [];
	for (let round = 0; round < ROUNDS; round += 1) {
		const quiet = await measure(world, `quiet, before ${title}`, durationMs);
		const attack = spawn(process.execPath, [ATTACK, url, kind], {stdio: ['pipe', 'ignore', 'inherit']});
		try {
			rounds.push({quiet, loaded: await measure(world, title, durationMs)});
		} finally {
			await end(attack);
		}
		await sleep(CALM_MS);
	}
	rounds.sort((a, b) => a.loaded.p99 / a.quiet.p99 - b.loaded.p99 / b.quiet.p99);
	const {quiet, loaded} = rounds[Math.floor(ROUNDS / 2)]!;
	const factors = rounds.map((round) => (round.loaded.p99 / round.quiet.p99).toFixed(1)).join(' ');
	return [quiet, {...loaded, title: `${title}: p99 x ${factors}`}];
}

async function end(child: ChildProcess): Promise<void> {
	const exited = once(child, 'exit');
	child.kill('SIGKILL');
	await exited;
}

/** Lets people do what they do for a while. */
async function measure(world: World, title: string, durationMs: number): Promise<Figures> {
	const watch = new Stopwatch(title, Math.ceil((durationMs / PAUSE_MS) * WORKERS), world.pids);
	const work = async (worker: number): Promise<void> => {
		for (let index = 0; watch.elapsedMs < durationMs; index += 1) {
			const begunMs = watch.elapsedMs;
			try {
				await doSomething(world, worker, index, `${title.replaceAll(/\W+/gu, '-')}-${worker}-${begunMs}`);
				watch.add(watch.elapsedMs - begunMs);
			} catch (error) {
				watch.fail(error);
			}
			await sleep(PAUSE_MS);
		}
	};
	await Promise.all(Array.from({length: WORKERS}, (_, worker) => work(worker)));
	return watch.read();
}

async function doSomething({client, people, roomId}: World, worker: number, index: number, key: string): Promise<void> {
	const person = people[worker]!;
	const choices = [
		() => client.call('GET', '/_matrix/client/v3/account/whoami', person.token),
		() => sendMessage(client, person, roomId, encodeURIComponent(key)),
		() => client.call('GET', '/_matrix/client/versions'),
		() => sync(client, person, undefined, 0, 1),
	];
	await choices[index % choices.length]!();
}
