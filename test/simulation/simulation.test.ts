import test, {type ExecutionContext} from 'ava';
import type {ServerName} from '../../crypto/index.ts';
import {type Transport, TransportError, type TransportResponse, waitForTick} from '../../federation/engine/index.ts';
import {createSeededRandom} from '../harness/seeded-random.ts';
import {BAD_LINE, NO_FAULTS} from './network.ts';
import {runSeeds} from './run-seeds.ts';
import {type Boot, Simulation} from './simulation.ts';

const NAMES = ['a.example', 'b.example', 'c.example'] as ServerName[];
const [A, B, C] = NAMES as [ServerName, ServerName, ServerName];

const OK: TransportResponse = {status: 200, headers: {}, body: new Uint8Array()};

function put(
	transport: Transport,
	destination: ServerName,
	text: string,
	timeoutMs = 5000,
): Promise<TransportResponse> {
	return transport.request({
		destination,
		method: 'PUT',
		path: '/note',
		headers: {},
		body: new TextEncoder().encode(text),
		timeoutMs,
		responseBytesMax: 1000,
	});
}

/** A node that tells every note it hears of to all others, and again until they said that they have it. */
function gossip(disk: Set<string>): {boot: Boot; say: (text: string) => void} {
	let tell: ((text: string) => void) | undefined;
	const boot: Boot = ({name, clock, random, transport}) => {
		const others = NAMES.filter((other) => other !== name);
		const tellOne = (other: ServerName, text: string): void => {
			put(transport, other, text).catch(() => {
				clock.setTimer(1000 + random.below(1000), () => tellOne(other, text));
			});
		};
		const hear = (text: string): void => {
			if (disk.has(text)) return;
			disk.add(text);
			for (const other of others) tellOne(other, text);
		};
		tell = hear;
		// What the disk holds may not have been told to everybody before the crash.
		for (const text of disk) for (const other of others) tellOne(other, text);
		return {
			async handle({body}) {
				hear(new TextDecoder().decode(body));
				return OK;
			},
		};
	};
	return {boot, say: (text) => tell?.(text)};
}

/** Notes are said during bad weather, crashes and partitions; then the weather turns fine and all must know all. */
async function weather(simulation: Simulation): Promise<void> {
	const disks = new Map(NAMES.map((name) => [name, new Set<string>()]));
	const nodes = new Map(NAMES.map((name) => [name, gossip(disks.get(name) as Set<string>)]));
	for (const name of NAMES) await simulation.addNode(name, (nodes.get(name) as {boot: Boot}).boot);
	simulation.network.setFaults(BAD_LINE);
	const said: string[] = [];
	for (let round = 0; round < 12; round++) {
		const name = simulation.random.pick(NAMES);
		if (simulation.random.chance(0.2)) simulation.network.partition([[name]]);
		if (simulation.random.chance(0.3)) simulation.network.heal();
		if (simulation.random.chance(0.2)) await simulation.crash(name);
		for (const down of NAMES.filter((other) => !simulation.isUp(other))) {
			if (simulation.random.chance(0.5)) await simulation.start(down);
		}
		if (simulation.isUp(name)) {
			said.push(`note ${round}`);
			nodes.get(name)?.say(`note ${round}`);
		}
		await simulation.runFor(simulation.random.below(3000));
	}
	simulation.network.heal();
	simulation.network.setFaults(NO_FAULTS);
	for (const down of NAMES.filter((name) => !simulation.isUp(name))) await simulation.start(down);
	await simulation.runUntil(
		'every node knows every note',
		() => [...disks.values()].every((disk) => said.every((text) => disk.has(text))),
		120_000,
	);
}

test('the same seed gives the same trace to the byte, and another seed another', async (t) => {
	const traces: string[] = [];
	for (const seed of [7, 7, 8, 9, 10]) {
		const simulation = new Simulation(seed);
		await weather(simulation);
		await simulation.end();
		traces.push(simulation.trace.join('\n'));
	}
	t.true((traces[0] as string).length > 1000);
	t.is(traces[0], traces[1]);
	t.not(traces[0], traces[2]);
	for (const sign of ['lost on the way', 'arrived again', 'unreachable', 'timeout', 'crashes', 'network partition']) {
		t.true(traces.join('\n').includes(sign), sign);
	}
});

test('nodes that retry agree after loss, delay, doubling, reordering, partitions and crashes', async (t) => {
	await runSeeds(t, {first: 1, count: 20}, weather);
});

/** Two nodes, of which the second answers after a while and counts. */
async function pair(
	t: ExecutionContext,
	seed = 1,
): Promise<{simulation: Simulation; transport: Transport; heard: string[]}> {
	const simulation = new Simulation(seed);
	t.teardown(() => simulation.end());
	const heard: string[] = [];
	let transport: Transport | undefined;
	await simulation.addNode(A, (seams) => {
		transport = seams.transport;
		return {handle: async () => OK};
	});
	await simulation.addNode(B, ({clock}) => ({
		handle: ({body, from}) =>
			new Promise((resolve) => {
				heard.push(`${from} ${new TextDecoder().decode(body)}`);
				clock.setTimer(100, () => resolve({...OK, body: new Uint8Array(2000)}));
			}),
	}));
	return {simulation, transport: transport as Transport, heard};
}

async function outcomeOf(simulation: Simulation, request: Promise<unknown>): Promise<string> {
	let outcome = 'pending';
	request.then(
		() => {
			outcome = 'answered';
		},
		(error: unknown) => {
			outcome = error instanceof TransportError ? error.code : String(error);
		},
	);
	await simulation.runFor(60_000);
	return outcome;
}

test('a request to a node that is down or cut off fails as unreachable', async (t) => {
	const {simulation, transport, heard} = await pair(t);
	simulation.network.partition([[A], [B]]);
	t.is(await outcomeOf(simulation, put(transport, B, 'x')), 'unreachable');
	simulation.network.heal();
	await simulation.crash(B);
	t.is(await outcomeOf(simulation, put(transport, B, 'x')), 'unreachable');
	t.is(await outcomeOf(simulation, put(transport, C, 'x')), 'unreachable');
	t.deepEqual(heard, []);
});

test('a node that crashes while it works on a request has taken it and not answered', async (t) => {
	const {simulation, transport, heard} = await pair(t);
	const request = put(transport, B, 'x');
	await simulation.runFor(50);
	t.deepEqual(heard, ['a.example x']);
	await simulation.crash(B);
	t.is(await outcomeOf(simulation, request), 'timeout');
});

test('an answer that is too long, a timeout and an abort each end a request with their code', async (t) => {
	const {simulation, transport, heard} = await pair(t);
	t.is(await outcomeOf(simulation, put(transport, B, 'long')), 'too_large');
	t.is(await outcomeOf(simulation, put(transport, B, 'short of time', 50)), 'timeout');
	const aborter = new AbortController();
	const request = transport.request({
		destination: B,
		method: 'GET',
		path: '/',
		headers: {},
		timeoutMs: 5000,
		responseBytesMax: 10_000,
		signal: aborter.signal,
	});
	aborter.abort();
	t.is(await outcomeOf(simulation, request), 'aborted');
	t.is(heard.length, 3, 'the other node received all of them');
});

test('timers of a node that crashed never run, and neither do its requests end', async (t) => {
	const simulation = new Simulation(1);
	t.teardown(() => simulation.end());
	let runs = 0;
	let ends = 0;
	await simulation.addNode(A, ({clock, transport}) => {
		clock.setTimer(100, () => {
			runs++;
		});
		put(transport, B, 'x').catch(() => {
			ends++;
		});
		return {handle: async () => OK};
	});
	await simulation.crash(A);
	await simulation.runFor(10_000);
	t.deepEqual([runs, ends], [0, 0]);
	await simulation.start(A);
	await simulation.runFor(10_000);
	t.deepEqual([runs, ends], [1, 1]);
});

test('virtual time stands still while real work goes on', async (t) => {
	const simulation = new Simulation(1);
	t.teardown(() => simulation.end());
	const order: string[] = [];
	await simulation.addNode(A, ({clock, holdFor}) => {
		clock.setTimer(10, () => {
			const work = new Promise<void>((resolve) => {
				setTimeout(resolve, 5);
			});
			void holdFor(work).then(() => order.push(`worked ${clock.monotonic()}`));
		});
		clock.setTimer(20, () => order.push(`ticked ${clock.monotonic()}`));
		return {handle: async () => OK};
	});
	await simulation.runFor(100);
	t.deepEqual(order, ['worked 10', 'ticked 20']);
});

test('who waits awake for the next tick of a grid gets there, although time goes on only while all sleep', async (t) => {
	const simulation = new Simulation(1);
	t.teardown(() => simulation.end());
	const ticks: number[] = [];
	await simulation.addNode(A, ({clock}) => {
		clock.setTimer(7, () => {
			void waitForTick(clock, 0, 20).then(() => ticks.push(clock.monotonic()));
		});
		return {handle: async () => OK};
	});
	await simulation.runFor(100);
	t.deepEqual(ticks, [20]);
});

test("a node's clock may be wrong, and its randomness depends on the seed, its name and its life only", async (t) => {
	const draws: string[] = [];
	for (const extra of [false, true]) {
		const simulation = new Simulation(42);
		if (extra) simulation.random.below(10);
		const boot: Boot = ({clock, random, name}) => {
			draws.push(`${name} ${clock.now()} ${Buffer.from(random.bytes(4)).toString('hex')}`);
			return {handle: async () => OK};
		};
		if (extra) await simulation.addNode(C, boot);
		draws.length = extra ? draws.length - 1 : draws.length;
		await simulation.addNode(A, boot, {clockSkewMs: -5000});
		await simulation.crash(A);
		await simulation.start(A);
		await simulation.end();
	}
	t.is(draws.length, 4);
	t.deepEqual(draws.slice(0, 2), draws.slice(2));
	t.not(draws[0], draws[1]);
	t.regex(draws[0] as string, / 1767225595000 /);
});

test('a failing seed is named, and the condition that did not come true with it', async (t) => {
	const simulation = new Simulation(1);
	await t.throwsAsync(
		simulation.runUntil('pigs fly', () => false, 1000),
		{message: 'Expected within 1000 ms: pigs fly'},
	);
	let failing: unknown;
	const logs: string[] = [];
	const context = {log: (line: string) => logs.push(line), pass: () => true} as unknown as ExecutionContext;
	await runSeeds(context, {first: 3, count: 5}, async ({seed}) => {
		if (seed === 4) throw new Error('four');
	}).catch((error: unknown) => {
		failing = error;
	});
	t.is((failing as Error).message, 'Simulation failed with seed 4');
	t.regex(logs[0] as string, /SIMULATION_SEED=4$/);
});

test('seeded randomness is even, stays in its bounds, and forks do not disturb each other', (t) => {
	const random = createSeededRandom(1);
	const counts = [0, 0, 0];
	for (let draw = 0; draw < 30_000; draw++) {
		const value = random.below(3);
		counts[value] = (counts[value] ?? 0) + 1;
	}
	for (const count of counts) t.true(Math.abs(count - 10_000) < 500, String(counts));
	t.deepEqual(createSeededRandom(5).fork('x').bytes(8), createSeededRandom(5).fork('x').bytes(8));
	t.notDeepEqual(createSeededRandom(5).fork('x').bytes(8), createSeededRandom(5).fork('y').bytes(8));
	const shuffled = random.shuffle([1, 2, 3]);
	t.deepEqual(
		shuffled.toSorted((a, b) => a - b),
		[1, 2, 3],
	);
	t.throws(() => random.below(0), {instanceOf: RangeError});
	t.throws(() => random.pick([]), {instanceOf: RangeError});
});
