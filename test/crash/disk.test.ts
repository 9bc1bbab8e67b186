/** The disk that loses power must itself be believed: what it loses, what it keeps, and that SQLite's settings differ. */
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import Database from 'better-sqlite3';
import {createSeededRandom} from '../harness/index.ts';
import {buildDisk, Disk, type DiskOptions} from './disk.ts';

const PROGRAM = fileURLToPath(new URL('disk-program.js', import.meta.url));
const prepared = buildDisk();
if ('skipped' in prepared) console.log(`skipped: ${prepared.skipped}`);
const onDisk = 'skipped' in prepared ? test.skip : test;

function mount(t: ExecutionContext, options: Omit<DiskOptions, 'data'> = {}): {disk: Disk; data: string} {
	if ('skipped' in prepared) throw new Error(prepared.skipped);
	const data = mkdtempSync(join(tmpdir(), 'broadsheet-disk-test-'));
	const disk = new Disk(prepared.library, {data, ...options});
	t.teardown(() => {
		disk[Symbol.dispose]();
		rmSync(data, {recursive: true, force: true});
	});
	return {disk, data};
}

/** Runs the program to its end; the lines that it has printed. */
function run(action: string, disk: Disk, data: string): string[] {
	const {stdout, stderr, signal} = spawnSync(process.execPath, [PROGRAM, action, data], {
		env: {...process.env, ...disk.environment},
		encoding: 'utf8',
	});
	if (signal !== 'SIGKILL') throw new Error(`expected an end by SIGKILL: ${stderr}`);
	return stdout.split('\n').filter((line) => line !== '');
}

const read = (path: string): string => readFileSync(path, 'utf8');

onDisk('what was written is lost and what was synced is kept', (t) => {
	const {disk, data} = mount(t);
	run('write', disk, data);
	t.is(read(join(data, 'synced')), 'kept and lost', 'the kill alone loses nothing');
	disk.losePower();
	t.is(read(join(data, 'synced')), 'kept');
	t.is(read(join(data, 'unsynced')), '', 'its name was synced, its content was not');
	t.false(existsSync(join(data, 'nameless')));
});

onDisk('a name changes when its directory is synced', (t) => {
	const {disk, data} = mount(t);
	run('rename', disk, data);
	t.is(read(join(data, 'below/name')), 'new');
	disk.losePower();
	t.is(read(join(data, 'below/name')), 'old');
	t.is(read(join(data, 'second')), 'moved');
	t.false(existsSync(join(data, 'first')));
});

onDisk('a file that was cut and synced is short', (t) => {
	const {disk, data} = mount(t);
	run('truncate', disk, data);
	disk.losePower();
	t.is(read(join(data, 'file')), 'short');
});

function readRows(data: string): {count: number; verdict: unknown} {
	const database = new Database(join(data, 'rows.db'));
	const verdict = database.pragma('integrity_check', {simple: true});
	const hasTable = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'rows'").get() !== undefined;
	const count = hasTable ? Number(database.prepare('SELECT count(*) FROM rows').pluck().get()) : 0;
	database.close();
	return {count, verdict};
}

onDisk('SQLite loses commits with synchronous=NORMAL, and is whole', (t) => {
	const {disk, data} = mount(t);
	const acknowledged = run('normal', disk, data).length;
	disk.losePower();
	const {count, verdict} = readRows(data);
	t.is(acknowledged, 200);
	t.true(count < acknowledged, `${count} of ${acknowledged} are there`);
	t.is(verdict, 'ok');
});

onDisk('SQLite keeps every commit with synchronous=FULL', (t) => {
	const {disk, data} = mount(t);
	const acknowledged = run('full', disk, data).length;
	disk.losePower();
	t.deepEqual(readRows(data), {count: acknowledged, verdict: 'ok'});
});

onDisk('SQLite keeps every commit where an fsync carries whole files', (t) => {
	const {disk, data} = mount(t, {isWhole: true});
	const acknowledged = run('full', disk, data).length;
	disk.losePower();
	t.deepEqual(readRows(data), {count: acknowledged, verdict: 'ok'});
});

onDisk('SQLite is whole whichever unsynced pages reach the disk', (t) => {
	for (const seed of [1, 2, 3, 4]) {
		const {disk, data} = mount(t);
		const acknowledged = run(seed % 2 === 0 ? 'full' : 'normal', disk, data).length;
		disk.losePower({random: createSeededRandom(seed)});
		const {count, verdict} = readRows(data);
		t.is(verdict, 'ok', `seed ${seed}`);
		if (seed % 2 === 0) t.is(count, acknowledged, `seed ${seed}`);
	}
});

/** The program that does one step at a time; gives what each step came to. */
function openSteps(
	t: ExecutionContext,
	disk: Disk,
	data: string,
): {readonly step: (text: string) => Promise<string>; readonly kill: () => Promise<void>} {
	const child = spawn(process.execPath, [PROGRAM, 'faults', data], {
		env: {...process.env, ...disk.environment},
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	t.teardown(() => child.kill('SIGKILL'));
	const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
	return {
		async step(text) {
			child.stdin.write(`${text}\n`);
			return String((await lines.next()).value);
		},
		async kill() {
			child.kill('SIGKILL');
			await once(child, 'exit');
		},
	};
}

onDisk('a full disk refuses writes until there is room', async (t) => {
	const {disk, data} = mount(t);
	const {step, kill} = openSteps(t, disk, data);
	t.is(await step('write before'), 'done');
	disk.fill();
	t.is(await step('write meanwhile'), 'ENOSPC');
	disk.makeRoom();
	t.is(await step('write after'), 'done');
	await kill();
	t.is(read(join(data, 'file')), 'beforeafter');
});

onDisk('a disk with a quota is full when it is used up', async (t) => {
	const {disk, data} = mount(t, {quotaBytes: 8});
	const {step, kill} = openSteps(t, disk, data);
	t.is(await step('write sixsix'), 'done');
	t.is(await step('write sixsix'), 'ENOSPC');
	await kill();
});

onDisk('what a failed fsync did not write is lost, whatever a later one says', async (t) => {
	const {disk, data} = mount(t);
	const {step, kill} = openSteps(t, disk, data);
	t.is(await step('names'), 'done');
	t.is(await step('write lost'), 'done');
	disk.setSyncFailure(true);
	t.is(await step('sync'), 'EIO');
	disk.setSyncFailure(false);
	t.is(await step('write kept'), 'done');
	t.is(await step('sync'), 'done');
	await kill();
	disk.losePower();
	t.is(read(join(data, 'file')), '\0\0\0\0kept');
});
