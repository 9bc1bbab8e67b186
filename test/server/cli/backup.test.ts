/** Backups as an operator makes and restores them: by the program itself, beside the running server. */
import {execFile, execFileSync} from 'node:child_process';
import {
	copyFileSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	findPostgres,
	PostgresServer,
	register,
	request,
	startApp,
	type Session,
} from '../../harness/index.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');
const WHOAMI = '/_matrix/client/v3/account/whoami';

function run(config: string, ...words: readonly string[]) {
	return new Promise<{status: number | null; stdout: string; stderr: string}>((resolve) => {
		const child = execFile(process.execPath, [PROGRAM, ...words, '--config', config], (_error, stdout, stderr) =>
			resolve({status: child.exitCode, stdout, stderr}),
		);
	});
}

const configOf = (app: App): string => join(app.directory, 'homeserver.yaml');

function makeDirectory(t: ExecutionContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-backup-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	return directory;
}

interface Kept {
	readonly alice: Session;
	readonly medium: string;
	readonly content: Buffer<ArrayBuffer>;
	/** Of a code generator. */
	readonly secret: string;
}

/** A person, a room and a file. */
async function fill(app: App): Promise<Kept> {
	const alice = await register(app, 'alice');
	const {access_token: token} = alice;
	await call(app, 'POST', '/_matrix/client/v3/createRoom', {token, body: {name: 'desk'}});
	const content = Buffer.from('{"a photograph":"of a document"}');
	const {content_uri: uri} = await call<{content_uri: string}>(app, 'POST', '/_matrix/media/v3/upload', {
		token,
		text: content,
	});
	// Not confirmed yet: it is shown again, which takes the key that it is encrypted by.
	const {secret} = await app.application.services.secondFactor.beginTotp(alice.user_id as UserId);
	return {alice, medium: uri.slice('mxc://'.length), content, secret};
}

async function isAllThere(t: ExecutionContext, app: App, {alice, medium, content, secret}: Kept): Promise<void> {
	const {access_token: token} = alice;
	t.like(await call(app, 'GET', WHOAMI, {token}), {user_id: alice.user_id});
	const path = `/_matrix/client/v1/media/download/${medium}`;
	t.is((await request(app, 'GET', path, {token})).text, content.toString());
	const {joined_rooms: rooms} = await call<{joined_rooms: string[]}>(app, 'GET', '/_matrix/client/v3/joined_rooms', {
		token,
	});
	t.is(rooms.length, 1);
	t.is((await app.application.services.secondFactor.findTotpSetUp(alice.user_id as UserId))?.secret, secret);
}

/** Backs a server up while it runs. */
async function backUp(t: ExecutionContext, app: App): Promise<string> {
	const file = join(makeDirectory(t), 'yesterday.tar');
	const {status, stdout, stderr} = await run(configOf(app), 'backup', file);
	t.is(status, 0, stderr);
	t.regex(stdout, /^The backup of news\.example is .*yesterday\.tar\.\n/u);
	t.regex(stdout, /media +1 files/u);
	return file;
}

test('a backup holds database, media and keys, for the owner alone, and any tar reads it', async (t) => {
	const app = await startApp(t);
	await fill(app);
	const file = await backUp(t, app);
	t.is(statSync(file).mode & 0o777, 0o600);
	t.deepEqual(readdirSync(join(file, '..')), ['yesterday.tar']);
	const names = execFileSync('tar', ['--list', '--file', file], {encoding: 'utf8'}).trim().split('\n');
	t.deepEqual(
		names.map((name) => name.replace(/[0-9a-f]{64}/u, 'HASH')),
		['backup.json', 'database.sqlite', 'signing.key', 'factors.key', 'media/HASH', 'contents.json'],
	);
	const {status, stderr} = await run(configOf(app), 'backup', file);
	t.is(status, 1);
	t.regex(stderr, /exists; give the backup a name of its own/u);
	t.is((await run(configOf(app), 'backup', join(file, 'nowhere', 'x'))).status, 1);
	t.is((await run(configOf(app), 'backup')).status, 2);
});

test('a server that lost everything is restored', async (t) => {
	const app = await startApp(t);
	const kept = await fill(app);
	const file = await backUp(t, app);
	await app.application.stop();
	const data = join(app.directory, 'data');
	const key = readFileSync(join(data, 'signing.key'), 'utf8');
	rmSync(data, {recursive: true});
	const {status, stdout, stderr} = await run(configOf(app), 'restore', file);
	t.is(status, 0, stderr);
	t.regex(stdout, /^news\.example is restored as it was at 20\d\d-/u);
	t.is(readFileSync(join(data, 'signing.key'), 'utf8'), key);
	t.is(statSync(join(data, 'signing.key')).mode & 0o777, 0o600);
	t.deepEqual(readdirSync(data).toSorted(), ['broadsheet.db', 'factors.key', 'media', 'signing.key']);
	await isAllThere(t, await app.restart(), kept);
});

test('nothing is restored onto a running server, and onto a stopped one only when that is asked for', async (t) => {
	const app = await startApp(t);
	const kept = await fill(app);
	const file = await backUp(t, app);
	const bob = await register(app, 'bobby');
	const running = await run(configOf(app), 'restore', file, '--replace');
	t.is(running.status, 1);
	t.regex(running.stderr, /stop it first/u);
	await app.application.stop();
	const refused = await run(configOf(app), 'restore', file);
	t.is(refused.status, 1);
	t.regex(refused.stderr, /There is a database already/u);
	const replaced = await run(configOf(app), 'restore', file, '--replace');
	t.is(replaced.status, 0, replaced.stderr);
	const aside = /set aside +(\S+)/u.exec(replaced.stdout)?.[1] ?? '';
	t.true(existsSync(aside));
	t.regex(replaced.stdout, /with whatever has been erased since/u);
	const again = await app.restart();
	await isAllThere(t, again, kept);
	t.is((await request(again, 'GET', WHOAMI, {token: bob.access_token})).status, 401);
	// The line that the command ends with leaves nothing of what was before.
	const line = /^ *(rm -- .*)$/mu.exec(replaced.stdout)?.[1] ?? '';
	execFileSync('sh', ['-c', line]);
	t.deepEqual(
		readdirSync(join(app.directory, 'data')).filter((name) => name.includes('replaced')),
		[],
	);
});

test('a damaged, shortened or foreign archive is refused before anything is written', async (t) => {
	const app = await startApp(t);
	await fill(app);
	const file = await backUp(t, app);
	await app.application.stop();
	const data = join(app.directory, 'data');
	rmSync(data, {recursive: true});
	const bytes = readFileSync(file);
	const spoiled = `${file}.spoiled`;
	const isRefused = async (why: RegExp) => {
		const {status, stderr} = await run(configOf(app), 'restore', spoiled);
		t.is(status, 1);
		t.regex(stderr, why);
		t.false(existsSync(data) && readdirSync(data).length > 0);
	};
	const at = (text: string): number => bytes.indexOf(text);
	for (const [place, why] of [
		[at('a photograph'), /is not what its name says/u],
		[at('SQLite format 3') + 3000, /database\.sqlite is not what it was/u],
		[at('ed25519 a_') + 20, /signing\.key is not what it was/u],
		[at('media/'), /damaged/u],
	] as const) {
		const copy = Buffer.from(bytes);
		copy[place] = (copy[place] ?? 0) ^ 1;
		writeFileSync(spoiled, copy);
		await isRefused(why);
	}
	copyFileSync(file, spoiled);
	truncateSync(spoiled, Math.floor(bytes.length / 2));
	await isRefused(/ends too early/u);
	writeFileSync(spoiled, 'not at all'.repeat(100));
	await isRefused(/not a backup/u);
	const config = join(makeDirectory(t), 'homeserver.yaml');
	writeFileSync(config, 'server_name: other.example');
	const other = await run(config, 'restore', file);
	t.is(other.status, 1);
	t.regex(other.stderr, /that of news\.example/u);
	t.is((await run(configOf(app), 'restore', `${file}.nothing`)).status, 1);
});

test('a newer signing key stays, and another server’s is only replaced when that is asked for', async (t) => {
	const app = await startApp(t);
	await fill(app);
	const file = await backUp(t, app);
	await app.application.stop();
	const key = join(app.directory, 'data', 'signing.key');
	t.is((await run(configOf(app), 'key', 'rotate')).status, 0);
	const newer = readFileSync(key, 'utf8');
	rmSync(join(app.directory, 'data', 'broadsheet.db'));
	const kept = await run(configOf(app), 'restore', file);
	t.is(kept.status, 0, kept.stderr);
	t.regex(kept.stdout, /those that were there are newer/u);
	t.is(readFileSync(key, 'utf8'), newer);
	rmSync(join(app.directory, 'data', 'broadsheet.db'));
	rmSync(join(app.directory, 'data', 'old-signing.keys'));
	t.regex((await run(configOf(app), 'restore', file)).stderr, /There is a signing key already/u);
	const replaced = await run(configOf(app), 'restore', file, '--replace');
	t.is(replaced.status, 0, replaced.stderr);
	t.not(readFileSync(key, 'utf8'), newer);
});

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);

('skipped' in found ? test.skip : test)('a server on PostgreSQL is restored, to SQLite too', async (t) => {
	if ('skipped' in found) return;
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const app = await startApp(t, {config: {database: await server.createDatabase('before')}});
	const kept = await fill(app);
	const file = await backUp(t, app);
	t.regex((await run(configOf(app), 'restore', file, '--replace')).stderr, /stop it first/u);
	await app.application.stop();
	t.regex((await run(configOf(app), 'restore', file)).stderr, /There is a database already/u);
	const replaced = await run(configOf(app), 'restore', file, '--replace');
	t.is(replaced.status, 0, replaced.stderr);
	const again = await app.restart();
	await isAllThere(t, again, kept);
	await again.application.stop();
	const config = JSON.parse(readFileSync(configOf(app), 'utf8')) as {database?: string};
	for (const database of [await server.createDatabase('after'), undefined]) {
		rmSync(join(app.directory, 'data'), {recursive: true});
		writeFileSync(configOf(app), JSON.stringify({...config, database}));
		const {status, stderr} = await run(configOf(app), 'restore', file);
		t.is(status, 0, stderr);
		const elsewhere = await again.restart();
		await isAllThere(t, elsewhere, kept);
		await elsewhere.application.stop();
	}
});
