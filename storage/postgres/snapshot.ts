import type {Database} from 'better-sqlite3';
import type {Client} from 'pg';
import {columnsOf, type CopiedRow, type CopiedTable, listTables, translateRow} from '../backup/copy.ts';
import {findMeta, type MigrationSession} from '../migrate.ts';
import {StorageError} from '../errors.ts';
import type {DatabaseLabel} from '../sqlite/snapshot.ts';
import {applicationName, connect} from './connect.ts';
import {errorOf} from './failure.ts';
import {prepareDatabase, sessionOf} from './open.ts';

/** Rows that are in memory at a time: events have up to 64 KiB, so it is some 30 MB at worst. */
const PAGE_ROWS = 500;

/** Opens a connection for work that takes as long as it takes. */
async function connectPatiently(url: string): Promise<Client> {
	const client = await connect(url, {pipeline: false});
	await client.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0');
	return client;
}

async function withClient<T>(url: string, task: (client: Client) => Promise<T>): Promise<T> {
	let client: Client | undefined;
	try {
		client = await connectPatiently(url);
		return await task(client);
	} catch (error) {
		throw error instanceof StorageError ? error : errorOf(error);
	} finally {
		await client?.end();
	}
}

/** Copies all rows into a file that `createCopy` makes, as they are at one moment, whoever writes meanwhile. */
export function copyPostgres(url: string, createCopy: (label: DatabaseLabel) => Promise<Database>): Promise<void> {
	return withClient(url, async (client) => {
		await client.query('begin transaction isolation level repeatable read, read only');
		const session = sessionOf(client);
		if (!(await session.hasTable('meta'))) {
			throw new StorageError('bad_address', 'the database holds no tables of this program');
		}
		const serverName = (await findMeta(session, 'server_name')) ?? '';
		const db = await createCopy({serverName, schemaVersion: Number(await findMeta(session, 'schema_version'))});
		try {
			db.exec('begin');
			for (const table of listTables(db)) await copyTable(client, db, table);
			db.exec('commit');
		} finally {
			db.close();
		}
		await client.query('commit');
	});
}

async function copyTable(client: Client, db: Database, table: CopiedTable): Promise<void> {
	db.exec(`delete from "${table.name}"`);
	const places = table.columns.map(() => '?').join(', ');
	const insert = db.prepare(`insert into "${table.name}" (${columnsOf(table)}) values (${places})`);
	await client.query(`declare copied no scroll cursor for select ${columnsOf(table)} from "${table.name}"`);
	for (;;) {
		const text = `fetch ${PAGE_ROWS} from copied`;
		const {rows} = await client.query<unknown[]>({text, rowMode: 'array'});
		for (const row of rows) insert.run(translateRow(row, table, 'sqlite'));
		if (rows.length < PAGE_ROWS) break;
	}
	await client.query('close copied');
}

const arrayTypes = {integer: 'bigint[]', text: 'text[]', blob: 'bytea[]'} as const;

/** Puts the rows of a copy in place of whatever our tables hold, in one transaction; makes the tables where there are none. */
export async function loadPostgres(url: string, serverName: string, db: Database): Promise<void> {
	await prepareDatabase({url, serverName});
	await withClient(url, async (client) => {
		await client.query('begin');
		const all = listTables(db);
		await client.query(`truncate ${all.map(({name}) => `"${name}"`).join(', ')}`);
		for (const table of all) await loadTable(client, db, table);
		await client.query('commit');
		await client.query('analyze');
	});
}

async function loadTable(client: Client, db: Database, table: CopiedTable): Promise<void> {
	const arrays = table.columns.map(({type}, index) => `$${index + 1}::${arrayTypes[type]}`).join(', ');
	const text = `insert into "${table.name}" (${columnsOf(table)}) select * from unnest(${arrays})`;
	const flush = async (rows: readonly CopiedRow[]): Promise<void> => {
		if (rows.length === 0) return;
		const columns = table.columns.map((_, index) => rows.map((row) => row[index]));
		await client.query({name: `load_${table.name}`, text, values: columns});
	};
	let page: CopiedRow[] = [];
	for (const row of db
		.prepare(`select ${columnsOf(table)} from "${table.name}"`)
		.raw()
		.iterate()) {
		page.push(translateRow(row as CopiedRow, table, 'postgres'));
		if (page.length < PAGE_ROWS) continue;
		await flush(page);
		page = [];
	}
	await flush(page);
}

/** Whether our tables are there, and whether another process of this program is connected. */
export function lookAtPostgres(url: string): Promise<'absent' | 'present' | 'in_use'> {
	return withClient(url, async (client) => {
		const session = sessionOf(client);
		const others = await session.first(
			'select 1 from pg_stat_activity where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()',
			[applicationName],
		);
		if (others !== undefined) return 'in_use';
		return (await session.isEmpty()) ? 'absent' : 'present';
	});
}

/** Reads of a database beside whoever else does. */
export function withPostgres<T>(
	url: string,
	task: (session: MigrationSession, list: (sql: string) => Promise<readonly (readonly unknown[])[]>) => Promise<T>,
): Promise<T> {
	return withClient(url, (client) =>
		task(sessionOf(client), async (text) => (await client.query<unknown[]>({text, rowMode: 'array'})).rows),
	);
}
