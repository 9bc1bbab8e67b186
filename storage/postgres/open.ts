import type {Client} from 'pg';
import {assemble} from '../assemble.ts';
import {Catalog} from '../catalog.ts';
import {postgresDialect} from '../dialect.ts';
import {StorageError} from '../errors.ts';
import {migrate, type MigrationSession} from '../migrate.ts';
import type {Storage, StorageOptions} from '../storage.ts';
import {connect} from './connect.ts';
import {PostgresDriver} from './driver.ts';
import {errorOf} from './failure.ts';
import {migrations} from './migrations/index.ts';

/** The oldest PostgreSQL that is tested. */
const versionMin = 15;
/** A lock of our own, so that of several processes one migrates and the others wait. */
const migrationLock = 0x42534854;

/** Gives what migrations need of a connection. */
export function sessionOf(client: Client): MigrationSession {
	const first = async (text: string, values: readonly unknown[]) =>
		(await client.query<unknown[]>({text, values: [...values], rowMode: 'array'})).rows[0];
	const tables = 'select 1 from information_schema.tables where table_schema = current_schema()';
	return {
		placeholders: ['$1', '$2'],
		hasTable: async (name) => (await first(`${tables} and table_name = $1`, [name])) !== undefined,
		isEmpty: async () => (await first(tables, [])) === undefined,
		exec: (sql) => client.query(sql),
		first,
	};
}

async function checkServer(session: MigrationSession): Promise<void> {
	const version = Number((await session.first('show server_version_num', []))?.[0]);
	if (version < versionMin * 10_000) {
		throw new StorageError(
			'bad_address',
			`the server is PostgreSQL ${Math.floor(version / 10_000)}; ${versionMin} or newer is needed`,
		);
	}
	const encoding = (await session.first('show server_encoding', []))?.[0];
	if (encoding !== 'UTF8') {
		throw new StorageError('bad_address', `the database's encoding is ${String(encoding)}; make it with encoding UTF8`);
	}
}

/** Makes the tables where there are none, or brings them to this program's schema. */
export async function prepareDatabase({
	url,
	serverName,
	migrates,
}: Pick<StorageOptions, 'migrates' | 'serverName' | 'url'>): Promise<void> {
	const client = await connect(url, {pipeline: false});
	try {
		const session = sessionOf(client);
		await checkServer(session);
		await client.query('begin');
		await client.query(`select pg_advisory_xact_lock(${migrationLock})`);
		await migrate(session, migrations, serverName, {migrates});
		await client.query('commit');
	} finally {
		await client.end();
	}
}

/** Opens a PostgreSQL database, making its tables where there are none. */
export async function openPostgres(options: StorageOptions): Promise<Storage> {
	const {url} = options;
	try {
		await prepareDatabase(options);
	} catch (error) {
		throw error instanceof StorageError ? error : errorOf(error);
	}
	const driver = new PostgresDriver(url, new Catalog(postgresDialect), options.onProblem ?? (() => undefined));
	try {
		return await assemble(driver.catalog, driver, options);
	} catch (error) {
		await driver.close();
		throw error instanceof StorageError ? error : errorOf(error);
	}
}
