import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';

interface Result {
	readonly status: number;
	readonly stdout: string;
	readonly stderr: string;
}

function run(program: string, args: readonly string[]): Promise<Result> {
	return new Promise((resolve) => {
		const child = execFile(process.execPath, [`dist/server/${program}.js`, ...args], (_error, stdout, stderr) => {
			resolve({status: child.exitCode ?? -1, stdout, stderr});
		});
	});
}

function writeConfig(t: ExecutionContext, text: string): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-cli-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const file = join(directory, 'homeserver.yaml');
	writeFileSync(file, text);
	return file;
}

test('config check says what a good configuration means, without its secrets', async (t) => {
	const file = writeConfig(t, 'server_name: news.example\ndatabase: postgres://me:sesame@db/x');
	const {status, stdout} = await run('cli/broadsheet', ['config', 'check', '--config', file]);
	t.is(status, 0);
	t.regex(stdout, /is good/u);
	t.regex(stdout, /server name +news\.example/u);
	t.regex(stdout, /127\.0\.0\.1 port 8008 for client, federation, well-known/u);
	t.false(stdout.includes('sesame'));
});

test('config check of a bad configuration is one line and status 1, and so is starting with it', async (t) => {
	const file = writeConfig(t, 'federation: {mode: maybe}');
	for (const [program, args] of [
		['cli/broadsheet', ['config', 'check', '--config', file]],
		['main', ['--config', file]],
	] as const) {
		const {status, stderr} = await run(program, args);
		t.is(status, 1, program);
		t.regex(stderr, /^[^\n]+homeserver\.yaml: federation\.mode: expected one of [^\n]+\n$/u, program);
	}
});

test('a command line that is not understood is answered with what would be, and status 2', async (t) => {
	for (const args of [[], ['nonsense'], ['config', 'check', '--nonsense'], ['config', 'check', 'extra']]) {
		const {status, stderr} = await run('cli/broadsheet', args);
		t.is(status, 2, args.join(' '));
		t.regex(stderr, /broadsheet config check \[--config FILE\]/u);
	}
});

test('the table of endpoints can be searched by the words of a path', async (t) => {
	const all = await run('cli/routes', []);
	t.regex(all.stdout, /GET +\/_matrix\/client\/versions +getVersions/u);
	const some = await run('cli/routes', ['matrix/client', 'versions']);
	t.regex(some.stdout, /getVersions[^]*1 of \d+ endpoints/u);
	t.false(some.stdout.includes('getHealth'));
});

test('db migrate makes the database, and refuses that of another server in words', async (t) => {
	const file = writeConfig(t, 'server_name: news.example');
	for (const round of ['makes', 'finds']) {
		const {status, stdout} = await run('cli/broadsheet', ['db', 'migrate', '--config', file]);
		t.is(status, 0, round);
		t.regex(stdout, /^The database of news\.example \(sqlite\) has the schema of this version\.\n$/u);
	}
	writeFileSync(file, 'server_name: other.example');
	const {status, stderr} = await run('cli/broadsheet', ['db', 'migrate', '--config', file]);
	t.is(status, 1);
	t.regex(stderr, /^[^\n]*news\.example[^\n]*\n$/u);
});

test('the table of jobs says how often each runs, how much it does, and what for', async (t) => {
	const all = await run('cli/jobs', []);
	t.regex(all.stdout, /^sweep-stream +every hour +background +100 batches of 500 rows +Removes rows of the stream/mu);
	t.regex(all.stdout, /^find-unused-state +every 7 days /mu);
	t.regex(all.stdout, /^leave-rooms +once /mu);
	const some = await run('cli/jobs', ['media', 'uploads']);
	t.regex(some.stdout, /^sweep-uploads [^\n]+\n1 of \d+ jobs\n$/u);
});
