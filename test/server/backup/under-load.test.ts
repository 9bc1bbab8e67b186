/** A backup that is made while people write is of one moment, and holds what they were told before it began. */
import {execFile, execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {type App, call, findPostgres, PostgresServer, register, startApp} from '../../harness/index.ts';
import {listFaults, readSqlite} from '../../harness/store-check/index.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');
const CLIENT = '/_matrix/client/v3';
const WRITERS = 4;

interface Load {
	/** Ends the writing; what was acknowledged, in all. */
	stop(): Promise<readonly string[]>;
	/** What was acknowledged until now. */
	readonly acknowledged: readonly string[];
	readonly uploads: readonly string[];
}

/** People who send messages and files one after the other, until they are told to stop. */
async function write(app: App): Promise<Load> {
	const {access_token: token} = await register(app, 'alice');
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', `${CLIENT}/createRoom`, {token, body: {}});
	const [acknowledged, uploads]: string[][] = [[], []];
	const state = {isOver: false};
	const writer = async (name: number): Promise<void> => {
		for (let index = 0; !state.isOver; index += 1) {
			const text = JSON.stringify({file: `${name} ${index}`});
			const {content_uri: uri} = await call<{content_uri: string}>(app, 'POST', '/_matrix/media/v3/upload', {
				token,
				text,
			});
			uploads!.push(uri.slice(uri.lastIndexOf('/') + 1));
			const path = `${CLIENT}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${name}-${index}`;
			const body = {msgtype: 'm.file', body: uri, url: uri};
			acknowledged!.push((await call<{event_id: string}>(app, 'PUT', path, {token, body})).event_id);
		}
	};
	const writers = Array.from({length: WRITERS}, (_, index) => writer(index));
	return {
		acknowledged: acknowledged!,
		uploads: uploads!,
		async stop() {
			state.isOver = true;
			await Promise.all(writers);
			return acknowledged!;
		},
	};
}

async function isOfOneMoment(t: ExecutionContext, app: App): Promise<void> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-load-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	const load = await write(app);
	while (load.acknowledged.length < 40) await new Promise(setImmediate);
	const [told, kept] = [[...load.acknowledged], [...load.uploads]];
	const file = join(directory, 'backup.tar');
	await promisify(execFile)(process.execPath, [
		PROGRAM,
		'backup',
		file,
		'--config',
		join(app.directory, 'homeserver.yaml'),
	]);
	const all = await load.stop();
	execFileSync('tar', ['--extract', '--file', file, '--directory', directory]);
	const names = new Set(execFileSync('tar', ['--list', '--file', file], {encoding: 'utf8'}).split('\n'));
	await using reader = readSqlite(join(directory, 'database.sqlite'));
	t.deepEqual(await listFaults(reader), []);
	const events = new Set(
		(await reader.read<{event_id: string}>('select event_id from events')).map((row) => row.event_id),
	);
	t.deepEqual(
		told.filter((eventId) => !events.has(eventId)),
		[],
	);
	t.true(all.length > told.length, 'nobody wrote meanwhile');
	const media = await reader.read<{media_id: string; sha256: string}>(
		'select media_id, sha256 from media where sha256 is not null',
	);
	const known = new Set(media.map((row) => row.media_id));
	t.deepEqual(
		kept.filter((mediaId) => !known.has(mediaId)),
		[],
	);
	t.deepEqual(
		media.filter(({sha256}) => !names.has(`media/${sha256}`)),
		[],
	);
	const contents = JSON.parse(readFileSync(join(directory, 'contents.json'), 'utf8')) as {media: {missing: number}};
	t.is(contents.media.missing, 0);
}

test('R13: a backup under load is of one moment, database and media alike (SQLite)', async (t) => {
	await isOfOneMoment(t, await startApp(t));
});

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);

('skipped' in found ? test.skip : test)('R13: a backup under load is of one moment (PostgreSQL)', async (t) => {
	if ('skipped' in found) return;
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	await isOfOneMoment(t, await startApp(t, {config: {database: await server.createDatabase('load')}}));
});
