import type {JsonObject} from '../../../crypto/index.ts';
import type {Job, JobOutcome, JobRun} from '../../../server/jobs/index.ts';
import {type Storage, StorageError} from '../../../storage/index.ts';
import {onBoth, onSqlite} from '../../contract/databases.ts';
import {write} from '../../contract/rows.ts';
import {until} from '../../harness/client.ts';
import {ManualClock} from '../../harness/manual-clock.ts';
import {HOUR, JobWorld, MINUTE} from './job-world.ts';

type Does = (run: JobRun) => Promise<JobOutcome>;

const job = (id: string, everyMs: number | null, run: Does): Job => ({
	id,
	does: 'Is a test.',
	everyMs,
	atMost: 'nothing',
	role: 'background',
	run: (_services, its) => run(its),
});
const done: JobOutcome = {isDone: true, count: 1};

/** Something that happens when the test says so. */
function createGate(): {readonly opened: Promise<void>; open: () => void} {
	let open = (): void => undefined;
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	return {opened, open};
}

const add = (storage: Storage, clock: ManualClock, kind: string, key = '', payload: JsonObject = {}) =>
	write(storage, (batch) => storage.jobs.add(batch, {kind, key, payload, dueTs: clock.now()}));

onBoth('of several processes one does a regular job, and it is done once in each period', async (t, database) => {
	const storages = [await database.open(), await database.open(), await database.open()];
	const clock = new ManualClock();
	let runs = 0;
	const worlds = storages.map(
		(storage, seed) =>
			new JobWorld(storage, [job('tidy', HOUR, () => Promise.resolve({...done, count: ++runs}))], {clock, seed}),
	);
	for (const {runner} of worlds) await runner.start();
	// One clock for all: each hour brings every process to look.
	for (let hours = 1; hours <= 5; hours += 1) {
		await worlds[0]!.elapse(HOUR * 1.05);
		t.is(runs, hours);
	}
	await Promise.all(worlds.map(({runner}) => runner.stop()));
	t.is(worlds.flatMap(({results}) => results).length, 5);
});

onBoth('a job that a change adds begins with its commit, and is gone when it is done', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()];
	const seen: unknown[] = [];
	const clock = new ManualClock();
	const purge = job('purge', null, async ({key, payload}) => {
		seen.push([key, payload]);
		return done;
	});
	const world = new JobWorld(storage, [purge], {clock});
	await world.runner.start();
	await add(storage, clock, 'purge', 'one', {a: 1});
	await until(() => world.results.length === 1, 'the job to run');
	// Added by another process, such as the command line.
	await add(other, clock, 'purge', 'two');
	await storage.barrier();
	await until(() => world.results.length === 2, 'the other job to run');
	t.deepEqual(seen, [
		['one', {a: 1}],
		['two', {}],
	]);
	t.is(await storage.jobs.find('purge', 'one'), undefined);
	t.is(await storage.jobs.findNextDue(['purge']), undefined);
	await world.runner.stop();
});

onBoth('a job that is not done goes on with what it left, after the time it asked for', async (t, database) => {
	const storage = await database.open();
	const payloads: JsonObject[] = [];
	const clock = new ManualClock();
	const steps = job('steps', null, async ({payload}) => {
		payloads.push(payload);
		const step = Number(payload['step'] ?? 0) + 1;
		return {isDone: step === 3, count: step, inMs: 10 * MINUTE, payload: {step}};
	});
	const world = new JobWorld(storage, [steps], {clock});
	await world.runner.start();
	await add(storage, clock, 'steps');
	for (const count of [1, 2]) {
		await world.until(() => world.results.length === count, 'a step');
		const row = (await storage.jobs.find('steps', ''))!;
		t.true(Math.abs(row.dueTs - clock.now() - 10 * MINUTE) <= MINUTE);
		clock.advance(11 * MINUTE);
	}
	await world.until(() => world.results.length === 3, 'the last step');
	t.deepEqual(payloads, [{}, {step: 1}, {step: 2}]);
	t.is(await storage.jobs.find('steps', ''), undefined);
	await world.runner.stop();
});

onBoth('a job that fails is told of and waits longer each time; others do not wait for it', async (t, database) => {
	const storage = await database.open();
	const clock = new ManualClock();
	let mayWork = false;
	const shaky = job('shaky', null, () => (mayWork ? Promise.resolve(done) : Promise.reject(new Error('not today'))));
	const world = new JobWorld(storage, [shaky, job('sound', null, () => Promise.resolve(done))], {clock});
	await world.runner.start();
	await add(storage, clock, 'shaky');
	const waits: number[] = [];
	for (let failures = 1; failures <= 12; failures += 1) {
		await world.until(() => world.resultsOf('shaky').length === failures, 'a failure');
		await world.until(() => world.runner.running === 0, 'its end');
		const row = (await storage.jobs.find('shaky', ''))!;
		t.is(row.attempts, failures);
		waits.push((row.dueTs - world.failedTs.at(-1)!) / MINUTE);
		await add(storage, clock, 'sound');
		await until(() => world.resultsOf('sound').length === failures, 'the other job');
		t.is(world.resultsOf('shaky').length, failures);
		clock.advance(row.dueTs - clock.now());
	}
	for (const [index, wait] of waits.entries()) {
		const expected = Math.min(2 ** index, 360);
		t.true(Math.abs(wait - expected) <= expected * 0.051, `${index}: ${wait}`);
	}
	await world.until(() => world.resultsOf('shaky').length === 13, 'the last failure');
	t.like(world.notices[0], {kind: 'failed', job: 'shaky', attempts: 1});
	mayWork = true;
	clock.advance(7 * HOUR);
	await world.until(async () => (await storage.jobs.find('shaky', '')) === undefined, 'the job to succeed');
	await world.runner.stop();
});

onBoth('a job of a process that hangs is done by another, and the first has no say any more', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()];
	const gate = createGate();
	const slow = new JobWorld(storage, [
		job('purge', null, async () => {
			await gate.opened;
			return {isDone: false, count: 7, payload: {by: 'slow'}};
		}),
	]);
	await slow.runner.start();
	await add(storage, slow.clock, 'purge');
	await until(() => slow.runner.running === 1, 'the job to begin');
	// The clock of the other process goes on; that of the first stands still, and nothing is renewed.
	const quick = new JobWorld(other, [job('purge', null, () => Promise.resolve({isDone: false, count: 1}))]);
	if (storage.dialect === 'postgres') await quick.runner.start();
	else {
		quick.clock.advance(1);
		await quick.runner.start();
	}
	quick.clock.advance(2 * MINUTE);
	await quick.until(() => quick.results.length === 1, 'the other process to do it');
	gate.open();
	await until(() => slow.results.length === 1, 'the first to come to its end');
	t.deepEqual(slow.resultsOf('purge'), ['lost 7']);
	t.like(await storage.jobs.find('purge', ''), {payload: {}, leasedUntilTs: null});
	await Promise.all([slow.runner.stop(), quick.runner.stop()]);
});

onBoth('a job that takes long is kept, and told to end when it takes too long', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()];
	const clock = new ManualClock();
	const answers: boolean[] = [];
	const turns: (() => void)[] = [];
	const world = new JobWorld(
		storage,
		[
			job('purge', null, async (run) => {
				for (;;) {
					await new Promise<void>((resolve) => turns.push(resolve));
					const mayGoOn = await run.goOn();
					answers.push(mayGoOn);
					if (!mayGoOn) return {isDone: false, count: answers.length};
				}
			}),
		],
		{clock},
	);
	await world.runner.start();
	await add(storage, clock, 'purge');
	await until(() => turns.length === 1, 'the job to begin');
	const leases = new Set<number>();
	const startMs = clock.now();
	while (clock.now() < startMs + 599_000) {
		clock.advance(20_000);
		// Renewed before anybody else may take it.
		const row = await world.until(async () => {
			const found = await storage.jobs.find('purge', '');
			return found !== undefined && (found.leasedUntilTs ?? 0) > clock.now() + 40_000 && found;
		}, 'the job to be kept');
		leases.add(row.leasedUntilTs!);
		t.deepEqual(await other.jobs.listDue(['purge'], clock.now(), 9), []);
		if (leases.size === 5) {
			turns.pop()!();
			await world.until(() => turns.length === 1, 'the next page');
		}
	}
	t.true(leases.size >= 20);
	turns.pop()!();
	await world.until(() => world.results.length === 1, 'the job to end');
	t.deepEqual(answers, [true, false]);
	t.deepEqual(world.resultsOf('purge'), ['continued 2']);
	await world.runner.stop();
});

onBoth('when the process stops, jobs end at their next page and are due as they were', async (t, database) => {
	const storage = await database.open();
	const gate = createGate();
	const clock = new ManualClock();
	const world = new JobWorld(
		storage,
		[
			job('purge', null, async (run) => {
				await gate.opened;
				return {isDone: await run.goOn(), count: 3, payload: {at: 3}};
			}),
		],
		{clock},
	);
	await world.runner.start();
	await add(storage, clock, 'purge');
	const dueTs = clock.now();
	await until(() => world.runner.running === 1, 'the job to begin');
	const stopping = world.runner.stop();
	gate.open();
	await stopping;
	t.like(await storage.jobs.find('purge', ''), {dueTs, attempts: 0, leasedUntilTs: null, payload: {at: 3}});
	await add(storage, clock, 'purge', 'later');
	t.is(world.results.length, 1);
});

onBoth('a stop does not wait long for a job that does not end', async (t, database) => {
	const storage = await database.open();
	const clock = new ManualClock();
	const gate = createGate();
	const world = new JobWorld(storage, [job('purge', null, () => gate.opened.then(() => done))], {clock});
	await world.runner.start();
	await add(storage, clock, 'purge');
	await until(() => world.runner.running === 1, 'the job to begin');
	let isStopped = false;
	const stopping = world.runner.stop().then(() => (isStopped = true));
	await until(() => clock.nextDelay() !== undefined && clock.nextDelay()! <= 3000, 'the stop to wait');
	t.false(isStopped);
	clock.advance(3000);
	await stopping;
	gate.open();
	// What was done is done, although nobody waited for it.
	await until(async () => (await storage.jobs.find('purge', '')) === undefined, 'the end of the job');
});

onBoth('four jobs run at once, and the next when one has ended', async (t, database) => {
	const storage = await database.open();
	const clock = new ManualClock();
	const gates = new Map<string, () => void>();
	const world = new JobWorld(
		storage,
		[
			job('leave', null, async ({key}) => {
				await new Promise<void>((resolve) => gates.set(key, resolve));
				return done;
			}),
		],
		{clock},
	);
	await world.runner.start();
	await write(storage, (batch) => {
		for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
			storage.jobs.add(batch, {kind: 'leave', key, payload: {}, dueTs: clock.now()});
		}
	});
	await until(() => gates.size === 4, 'four to run');
	t.is(world.runner.running, 4);
	t.deepEqual([...gates.keys()].toSorted(), ['a', 'b', 'c', 'd']);
	gates.get('b')!();
	await until(() => gates.has('e'), 'the fifth');
	t.false(gates.has('f'));
	for (const open of gates.values()) open();
	await until(() => gates.has('f'), 'the sixth');
	gates.get('f')!();
	await until(() => world.results.length === 6, 'all');
	await world.runner.stop();
});

onBoth('regular jobs are planned once, and a restart neither repeats nor forgets them', async (t, database) => {
	const storage = await database.open();
	const clock = new ManualClock();
	const tidy = job('tidy', HOUR, () => Promise.resolve(done));
	const worlds = [1, 2, 3].map((seed) => new JobWorld(storage, [tidy], {clock, seed}));
	await worlds[0]!.runner.start();
	const {dueTs} = (await storage.jobs.find('tidy', ''))!;
	t.true(dueTs >= clock.now() + 0.1 * HOUR && dueTs <= clock.now() + HOUR);
	await worlds[0]!.runner.stop();
	await worlds[1]!.runner.start();
	t.is((await storage.jobs.find('tidy', ''))?.dueTs, dueTs);
	await worlds[1]!.elapse(HOUR);
	await until(() => worlds[1]!.results.length === 1, 'the run to end');
	t.deepEqual(worlds[1]!.resultsOf('tidy'), ['done 1']);
	const next = (await storage.jobs.find('tidy', ''))!;
	t.true(Math.abs(next.dueTs - clock.now() - HOUR) <= 0.051 * HOUR);
	await worlds[1]!.runner.stop();
	// A clock that was years ahead must not put a job off for years.
	await write(storage, (batch) => {
		storage.jobs.lease(batch, next.id, next.dueTs, next.dueTs + 1);
		storage.jobs.release(batch, {id: next.id, untilTs: next.dueTs + 1}, {...next, dueTs: clock.now() + 9999 * HOUR});
	});
	await worlds[2]!.runner.start();
	t.true((await storage.jobs.find('tidy', ''))!.dueTs <= clock.now() + HOUR);
	await worlds[2]!.runner.stop();
});

onSqlite('what a process that was killed has left goes on at once when it is started again', async (t, database) => {
	const storage = await database.open();
	const clock = new ManualClock();
	await add(storage, clock, 'purge');
	const {id} = (await storage.jobs.find('purge', ''))!;
	await write(storage, (batch) => storage.jobs.lease(batch, id, clock.now(), clock.now() + MINUTE));
	const world = new JobWorld(storage, [job('purge', null, () => Promise.resolve(done))], {clock});
	await world.runner.start();
	await until(() => world.results.length === 1, 'the job to run');
	t.deepEqual(world.resultsOf('purge'), ['done 1']);
	await world.runner.stop();
});

onBoth('while the database cannot be used jobs wait, and go on when it is back', async (t, database) => {
	const storage = await database.open();
	const clock = new ManualClock();
	const world = new JobWorld(storage, [job('purge', null, () => Promise.resolve(done))], {clock});
	await world.runner.start();
	const listDue = storage.jobs.listDue.bind(storage.jobs);
	storage.jobs.listDue = () => Promise.reject(new StorageError('unavailable', 'no disk'));
	await add(storage, clock, 'purge');
	await until(() => world.notices.length > 0, 'the failure to be told');
	t.is(world.notices[0]?.kind, 'store_failed');
	storage.jobs.listDue = listDue;
	clock.advance(MINUTE);
	await world.until(() => world.results.length === 1, 'the job to run');
	await world.runner.stop();
	t.pass();
});
