import Sqlite from 'better-sqlite3';
import test from 'ava';
import {StorageError} from '../../storage/index.ts';
import {migrate, type Migration, type MigrationSession} from '../../storage/migrate.ts';
import {migrations as released} from '../../storage/sqlite/migrations/index.ts';

const first: Migration = {
	version: 1,
	sql: 'create table meta (name text primary key, value text); create table a (x);',
};
const second: Migration = {version: 2, sql: 'create table b (x); insert into a values (1);'};
const broken: Migration = {version: 3, sql: 'create table c (x); insert into no_such_table values (1);'};

function open() {
	const db = new Sqlite(':memory:');
	const session: MigrationSession = {
		placeholders: ['?', '?'],
		hasTable: (name) => db.prepare('select 1 from sqlite_master where name = ?').get(name) !== undefined,
		isEmpty: () => db.prepare('select 1 from sqlite_master').get() === undefined,
		exec: (sql) => db.exec(sql),
		first: (sql, params) =>
			db
				.prepare<unknown[], unknown[]>(sql)
				.raw()
				.get(...params),
	};
	const run = async (migrations: readonly Migration[]) => {
		db.exec('begin');
		try {
			await migrate(session, migrations, 'a.example');
			db.exec('commit');
		} catch (error) {
			db.exec('rollback');
			throw error;
		}
	};
	const tables = () => db.prepare('select name from sqlite_master where type = ? order by name').pluck().all('table');
	const version = () => db.prepare("select value from meta where name = 'schema_version'").pluck().get();
	return {db, run, tables, version};
}

test('a database is brought to the newest schema, each step once', async (t) => {
	const {run, tables, version, db} = open();
	await run([first]);
	t.is(version(), '1');
	await run([first, second]);
	await run([first, second]);
	t.deepEqual([tables(), version()], [['a', 'b', 'meta'], '2']);
	t.is(db.prepare('select count(*) from a').pluck().get(), 1);
});

test('a step that fails leaves the old schema', async (t) => {
	const {run, tables, version} = open();
	await run([first, second]);
	await t.throwsAsync(run([first, second, broken]), {any: true});
	t.deepEqual([tables(), version()], [['a', 'b', 'meta'], '2']);
});

test('a program that knows less than the database refuses it', async (t) => {
	const {run} = open();
	await run([first, second]);
	t.is((await t.throwsAsync(run([first]), {instanceOf: StorageError}))?.code, 'too_new');
});

test('what was kept of people and of other servers before it was counted is counted', async (t) => {
	const {db, run} = open();
	await run(released.filter(({version}) => version < 8));
	const insert = db.prepare(
		`insert into media (origin, media_id, uploader, content_type, size_bytes, sha256, is_quarantined, created_ts, last_used_day)
			values (?, ?, ?, 'text/plain', ?, 'ff', 0, 1, 1)`,
	);
	insert.run('a.example', '1', '@alice:a.example', 5);
	insert.run('a.example', '2', '@alice:a.example', 6);
	insert.run('a.example', '3', '@bob:a.example', null);
	insert.run('b.example', '1', null, 20);
	insert.run('c.example', '1', null, 30);
	insert.run('c.example', '2', null, 40);
	await run(released);
	t.deepEqual(db.prepare('select kind, holder, bytes from media_usage order by kind, holder').raw().all(), [
		['cache', '', 90],
		['origin', 'b.example', 20],
		['origin', 'c.example', 70],
		['uploader', '@alice:a.example', 11],
	]);
});
