import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import Sqlite from 'better-sqlite3';
import test from 'ava';
import {type App, startApp} from '../../harness/index.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');

/** Runs a command beside the running server, on its database. */
function run(app: App, words: readonly string[], input = '') {
	const args = [PROGRAM, ...words, '--config', join(app.directory, 'homeserver.yaml')];
	return new Promise<{status: number | null; stdout: string; stderr: string}>((resolve) => {
		const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
			resolve({status: child.exitCode, stdout, stderr}),
		);
		child.stdin?.end(input);
	});
}

test('what is done at the console is shown, and holds no secret', async (t) => {
	const app = await startApp(t);
	t.is((await run(app, ['user', 'create', 'alice'], 'correct horse\n')).status, 0);
	t.is((await run(app, ['user', 'reset-password', 'alice'], 'battery staple\n')).status, 0);
	const token = await run(app, ['token', 'create', 'friends', '--uses', '2']);
	t.is((await run(app, ['user', 'promote', 'alice'])).stdout, '@alice:news.example is an administrator now\n');
	t.is((await run(app, ['user', 'demote', 'alice'])).stdout, '@alice:news.example is no administrator\n');
	t.is((await run(app, ['user', 'deactivate', 'alice', '--erase'])).status, 0);
	const {stdout} = await run(app, ['audit', 'show']);
	const lines = stdout.trim().split('\n');
	const acts = lines.map((line) => line.split(' ').slice(2).join(' '));
	t.deepEqual(acts, [
		'console create-account @alice:news.example {"admin":false}',
		'console set-password @alice:news.example {"logout_devices":true}',
		'console create-token friends {"admin":false,"uses_allowed":2}',
		'console grant-administration @alice:news.example',
		'console withdraw-administration @alice:news.example',
		'console deactivate-account @alice:news.example {"erase":true}',
	]);
	for (const secret of ['correct horse', 'battery staple', token.stdout.trim()]) t.false(stdout.includes(secret));
	t.is((await run(app, ['audit', 'show', '--last', '1'])).stdout.trim().split('\n').length, 1);
	t.is((await run(app, ['audit', 'show', '--last', '0'])).status, 1);
});

test('what is done to the server as a whole is written down, and a restored log tells of it', async (t) => {
	const app = await startApp(t);
	const file = join(app.directory, 'yesterday.tar');
	t.like(await run(app, ['db', 'migrate']), {status: 0});
	t.like(await run(app, ['backup', file]), {status: 0, stderr: ''});
	await app.application.stop();
	const rotated = await run(app, ['key', 'rotate']);
	const listActs = async () =>
		(await run(app, ['audit', 'show'])).stdout.split('\n').map((line) => line.split(' ').slice(2).join(' '));
	const key = /signs with (\S+)/u.exec(rotated.stdout)?.[1];
	const old = /(\S+) is published as an old key/u.exec(rotated.stdout)?.[1];
	const before = ['console migrate-database', 'console back-up-server'];
	t.deepEqual(await listActs(), [...before, `console rotate-key ${key} {"retired":["${old}"]}`, '']);
	t.is((await run(app, ['restore', file, '--replace'])).status, 0);
	const acts = await listActs();
	t.deepEqual(acts.slice(0, 2), before, 'the backup holds that it was made');
	t.regex(acts[2] ?? '', /^console restore-server \{"made_ts":\d{13},"replaces":true\}$/u);
	t.regex((await run(app, ['audit', 'verify'])).stdout, /^3 entries, and all fit/u);
});

test('before an upgrade a backup is made without its entry, and a key is not changed without one', async (t) => {
	const app = await startApp(t);
	await app.application.stop();
	const path = join(app.directory, 'data', 'broadsheet.db');
	const db = new Sqlite(path);
	db.exec("update meta set value = value - 1 where name = 'schema_version'");
	db.close();
	const key = readFileSync(join(app.directory, 'data', 'signing.key'), 'utf8');
	const refused = await run(app, ['key', 'rotate']);
	t.is(refused.status, 1);
	t.regex(refused.stderr, /bring the database to it with db migrate/u);
	t.is(readFileSync(join(app.directory, 'data', 'signing.key'), 'utf8'), key);
	const {status, stderr} = await run(app, ['backup', join(app.directory, 'yesterday.tar')]);
	t.is(status, 0);
	t.regex(stderr, /The audit log does not tell of this backup/u);
	const after = new Sqlite(path, {readonly: true});
	t.is(after.prepare('select count(*) from audit_entries').pluck().get(), 0);
	after.close();
});

test('a look through the log says that all fits, and names the first entry that does not', async (t) => {
	const app = await startApp(t);
	const {audit} = app.application.services;
	for (const whom of ['a', 'b', 'c']) await audit.record({who: 'console', act: 'create-token', whom});
	await audit.seal();
	const whole = await run(app, ['audit', 'verify']);
	const mark = /^The last one is (3:[\w-]{43})$/m.exec(whole.stdout)?.[1] ?? '';
	t.like(whole, {status: 0, stderr: ''});
	t.regex(whole.stdout, /^3 entries, and all fit; those up to 3 are sealed$/m);
	t.is((await run(app, ['audit', 'verify', '--expect', mark])).status, 0);
	t.like(await run(app, ['audit', 'verify', '--expect', mark.replace('3:', '4:')]), {status: 1, stdout: ''});
	t.is((await run(app, ['audit', 'verify', '--expect', 'x'])).status, 1);
	const db = new Sqlite(join(app.directory, 'data', 'broadsheet.db'));
	db.exec(`update audit_entries set entry = replace(entry, '"whom":"b"', '"whom":"c"') where position = 2`);
	db.close();
	t.deepEqual(await run(app, ['audit', 'verify']), {
		status: 1,
		stdout: '',
		stderr: 'Entry 2: the entry and its hash do not fit\n',
	});
});
