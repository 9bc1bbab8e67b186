import test from 'ava';
import {forEachOf, measureLoop, percentile} from '../../bench/measure.ts';
import {readOptions} from '../../bench/options.ts';
import {readUsage} from '../../bench/process-meter.ts';

test('a percentile is a time that was measured, the smallest that enough others do not exceed', (t) => {
	const times = Float64Array.from({length: 200}, (_, index) => index + 1);
	t.is(percentile(times, 0.5), 100);
	t.is(percentile(times, 0.95), 190);
	t.is(percentile(times, 0.99), 198);
	t.is(percentile(times, 1), 200);
	t.is(percentile(Float64Array.of(7), 0.99), 7);
	t.true(Number.isNaN(percentile(new Float64Array(0), 0.5)));
});

const quiet = {title: 'test', pids: [], secondsMax: 60};

test('a measurement counts its operations and not the warm-up', async (t) => {
	const indexes: number[] = [];
	const figures = await measureLoop({
		...quiet,
		operationsMax: 10,
		workers: 3,
		warmUp: 5,
		operate: async (_, index) => {
			await Promise.resolve();
			indexes.push(index);
		},
	});
	t.is(figures.operations, 10);
	t.is(figures.failures, 0);
	t.deepEqual(indexes, [...Array.from({length: 15}).keys()]);
	t.is(figures.cpuSecondsPer1000, undefined);
});

test('a measurement tells failures from operations, and gives up where there are nothing else', async (t) => {
	const figures = await measureLoop({
		...quiet,
		operationsMax: 10_000,
		workers: 2,
		warmUp: 0,
		operate: () => Promise.reject(new Error('refused')),
	});
	t.is(figures.operations, 0);
	t.true(figures.failures >= 100 && figures.failures < 200);
	t.is(figures.failure, 'refused');
});

test('a measurement ends when its time is up', async (t) => {
	const figures = await measureLoop({
		...quiet,
		operationsMax: 1_000_000,
		secondsMax: 0.02,
		workers: 1,
		warmUp: 0,
		operate: () => new Promise((resolve) => setImmediate(resolve)),
	});
	t.true(figures.operations > 0 && figures.operations < 1_000_000);
	t.true(figures.p50 <= figures.p99 && figures.p99 <= figures.max);
});

test('work is done for each index once, so many at a time', async (t) => {
	let running = 0;
	let most = 0;
	const seen: number[] = [];
	await forEachOf(20, 4, async (index) => {
		running += 1;
		most = Math.max(most, running);
		await new Promise((resolve) => setImmediate(resolve));
		seen.push(index);
		running -= 1;
	});
	t.is(most, 4);
	t.deepEqual(
		seen.toSorted((a, b) => a - b),
		[...Array.from({length: 20}).keys()],
	);
});

test('load goes to this machine alone', (t) => {
	t.is(readOptions(['--url', 'http://127.0.0.1:8008/']).url, 'http://127.0.0.1:8008');
	t.is(readOptions(['--url', 'http://[::1]:8008']).url, 'http://[::1]:8008');
	for (const url of ['https://matrix.example', 'http://127.0.0.1.example', 'http://10.0.0.1']) {
		t.throws(() => readOptions(['--url', url]), {message: /expected a loopback address/});
	}
});

test('every number of the command line has a bound', (t) => {
	t.deepEqual(readOptions(['--senders', '1,8']).senders, [1, 8]);
	for (const args of [
		['--senders', '0'],
		['--senders', '5000'],
		['--operations', '1e9'],
		['--seconds', 'x'],
	]) {
		t.throws(() => readOptions(args), {message: /expected an integer from 1/});
	}
});

test('a process’s CPU time and memory are read from the kernel', (t) => {
	const before = readUsage(process.pid);
	const end = performance.now() + 60;
	while (performance.now() < end) Math.sqrt(performance.now());
	const after = readUsage(process.pid);
	t.true(after.cpuSeconds > before.cpuSeconds);
	t.true(after.rssBytes > 10_000_000);
	t.throws(() => readUsage(2 ** 30));
});
