import {readFileSync, statSync, writeFileSync} from 'node:fs';
import Sqlite from 'better-sqlite3';
import {Client} from 'pg';
import test from 'ava';
import {getTableName} from 'drizzle-orm';
import {assemble, type StartableDriver} from '../../storage/assemble.ts';
import {Catalog} from '../../storage/catalog.ts';
import {type Dialect, postgresDialect, sqliteDialect} from '../../storage/dialect.ts';
import {StorageError} from '../../storage/index.ts';
import {migrations as postgresMigrations} from '../../storage/postgres/migrations/index.ts';
import {createTable} from '../../storage/schema/ddl.ts';
import {tables} from '../../storage/schema/index.ts';
import {migrations as sqliteMigrations} from '../../storage/sqlite/migrations/index.ts';
import {connect} from '../../storage/sqlite/connect.ts';
import {onBoth, onPostgres, onSqlite, serverName} from './databases.ts';
import {account, alice, write} from './rows.ts';

/** Every statement of the program, by a driver that refuses to start. */
async function listStatements(dialect: Dialect) {
	const catalog = new Catalog(dialect);
	const driver = {start: () => Promise.reject(new Error('never'))} as unknown as StartableDriver;
	await assemble(catalog, driver, {url: '', serverName}).catch(() => undefined);
	return catalog.statements;
}

for (const [dialect, migrations] of [
	[sqliteDialect, sqliteMigrations],
	[postgresDialect, postgresMigrations],
] as const) {
	test(`the migrations of ${dialect.name} stand in the order of their numbers`, (t) => {
		const versions = migrations.map(({version}) => version);
		// The last one is taken for the newest: one that stands after it would be done again at each start.
		t.deepEqual(
			versions,
			[...new Set(versions)].toSorted((left, right) => left - right),
		);
	});

	test(`the migrations of ${dialect.name} make the tables of the schema`, (t) => {
		const versions = migrations.map(({version}) => version);
		t.deepEqual(
			versions,
			versions.toSorted((left, right) => left - right),
			'the last one is the newest, by which a database is known to have them all',
		);
		const text = migrations.map(({sql}) => sql).join('');
		for (const table of Object.values(tables)) {
			for (const statement of createTable(table, dialect)) {
				t.true(text.includes(`${statement};`), `${getTableName(table)}: ${statement}`);
			}
		}
	});
}

onSqlite('every statement of the program can be prepared', async (t, database) => {
	await database.open();
	const db = new Sqlite(database.url.slice('sqlite:'.length));
	for (const {sql} of await listStatements(sqliteDialect)) t.notThrows(() => db.prepare(sql), sql);
	db.close();
});

onPostgres('every statement of the program can be prepared', async (t, database) => {
	await database.open();
	const client = new Client({connectionString: database.url});
	await client.connect();
	for (const {sql, index} of await listStatements(postgresDialect)) {
		await t.notThrowsAsync(client.query(`prepare p${index} as ${sql}`), sql);
	}
	await client.end();
});

onBoth('what was committed is there after a restart', async (t, database) => {
	const before = await database.open();
	await write(before, (batch) => before.accounts.add(batch, account(alice)));
	await database.close(before);
	const after = await database.open();
	t.deepEqual(await after.accounts.find(alice), account(alice));
	const ids = new Set(Array.from({length: 500}, () => after.ids.next()));
	t.is(ids.size, 500);
});

onBoth('the database of another server is refused in words that say what to do', async (t, database) => {
	await database.open();
	const error = await t.throwsAsync(database.open({serverName: 'other.example'}), {instanceOf: StorageError});
	t.is(error?.code, 'wrong_server');
	t.regex(error?.message ?? '', /belongs to the server "a.example".*set server_name to "a.example"/);
});

onBoth('a database that a newer program wrote is refused', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => storage.meta.set(batch, 'schema_version', '999'));
	await database.close(storage);
	const error = await t.throwsAsync(database.open(), {instanceOf: StorageError});
	t.is(error?.code, 'too_new');
});

onSqlite('a database of another program is refused', async (t, database) => {
	const db = new Sqlite(database.url.slice('sqlite:'.length));
	db.exec('create table theirs (a)');
	db.close();
	const error = await t.throwsAsync(database.open(), {instanceOf: StorageError});
	t.is(error?.code, 'bad_address');
});

onSqlite('a damaged file is refused before anything is built on it', async (t, database) => {
	const path = database.url.slice('sqlite:'.length);
	await database.close(await database.open());
	const bytes = readFileSync(path);
	t.is(bytes.readUInt32BE(68), 0x42534854);
	writeFileSync(path, bytes.fill(0xaa, 8192, 65_536));
	const error = await t.throwsAsync(database.open(), {instanceOf: StorageError});
	t.is(error?.code, 'corrupt');
});

onSqlite('the database is for its owner alone, and set up to keep what it was told', async (t, database) => {
	await database.open();
	const path = database.url.slice('sqlite:'.length);
	for (const suffix of ['', '-wal', '-shm']) t.is(statSync(path + suffix).mode & 0o077, 0, suffix);
	const db = connect(path);
	const setting = (name: string) => db.pragma(name, {simple: true});
	t.deepEqual(['journal_mode', 'auto_vacuum', 'synchronous', 'secure_delete'].map(setting), ['wal', 2, 2, 2]);
	db.close();
});

onPostgres(
	'a database of another program is refused',
	async (t, database) => {
		const client = new Client({connectionString: database.url});
		await client.connect();
		await client.query('create table theirs (a int)');
		await client.end();
		const error = await t.throwsAsync(database.open(), {instanceOf: StorageError});
		t.is(error?.code, 'bad_address');
	},
	{isEmpty: true},
);

onPostgres(
	'of several processes that open an empty database one makes the tables, and all use them',
	async (t, database) => {
		const [one, other] = await Promise.all([database.open(), database.open()]);
		await write(one, (batch) => one.accounts.add(batch, account(alice)));
		t.deepEqual(await other.accounts.find(alice), account(alice));
	},
	{isEmpty: true},
);

test('an address that is none is refused', async (t) => {
	const {openStorage} = await import('../../storage/index.ts');
	const error = await t.throwsAsync(openStorage({url: 'mysql://x', serverName}), {instanceOf: StorageError});
	t.is(error?.code, 'bad_address');
});

onBoth('a fact that several ask for at once is made once', async (t, database) => {
	const storage = await database.open();
	const given = await Promise.all(['a', 'b', 'c'].map((value) => storage.meta.findOrSet('secret', value)));
	t.is(new Set(given).size, 1);
	t.is(await storage.meta.find('secret'), given[0]);
});
