import type {MaybePromise, RawRow} from './driver.ts';
import {StorageError} from './errors.ts';

/** One step of the schema. Its text is frozen once released. */
export interface Migration {
	/** 1, 2, 3, … */
	readonly version: number;
	readonly sql: string;
}

/** What a migration needs of a connection. */
export interface MigrationSession {
	hasTable(name: string): MaybePromise<boolean>;
	/** Whether the database holds anything. */
	isEmpty(): MaybePromise<boolean>;
	exec(sql: string): MaybePromise<unknown>;
	/** Runs a statement with `$1, $2` or `?` as the database has it. */
	first(sql: string, params: readonly unknown[]): MaybePromise<RawRow | undefined>;
	readonly placeholders: readonly [string, string];
}

const quote = (text: string) => JSON.stringify(text);

/** Reads a fact of the server. */
export async function findMeta(session: MigrationSession, name: string): Promise<string | undefined> {
	const [first] = session.placeholders;
	const row = await session.first(`select value from meta where name = ${first}`, [name]);
	return row?.[0] as string | undefined;
}

async function setMeta(session: MigrationSession, name: string, value: string): Promise<void> {
	const [first, second] = session.placeholders;
	await session.first(
		`insert into meta (name, value) values (${first}, ${second}) on conflict (name) do update set value = excluded.value returning value`,
		[name, value],
	);
}

/**
 * Brings a database to the newest schema, inside a transaction that the caller holds open, so that a failed step
 * leaves the old schema.
 *
 * @param options.migrates whether it may be changed at all; default: yes
 * @throws StorageError('too_new' | 'too_old' | 'wrong_server' | 'bad_address')
 */
export async function migrate(
	session: MigrationSession,
	migrations: readonly Migration[],
	serverName: string,
	{migrates = true}: {readonly migrates?: boolean | undefined} = {},
): Promise<void> {
	const newest = migrations.at(-1)?.version ?? 0;
	const isOurs = await session.hasTable('meta');
	if (!isOurs && !(await session.isEmpty())) {
		throw new StorageError(
			'bad_address',
			'the database holds tables of another program; give this server a database of its own',
		);
	}
	const version = isOurs ? Number(await findMeta(session, 'schema_version')) : 0;
	if (version > newest) {
		throw new StorageError(
			'too_new',
			`the database has schema ${version}, and this program knows schemas up to ${newest}: a newer program wrote it. Run that program, or restore a backup made before the upgrade`,
		);
	}
	const owner = isOurs ? await findMeta(session, 'server_name') : undefined;
	if (owner !== undefined && owner !== serverName) {
		throw new StorageError(
			'wrong_server',
			`the database belongs to the server ${quote(owner)}, and server_name is ${quote(serverName)}. A server's name cannot change: set server_name to ${quote(owner)}, or give another database (or data folder) to begin anew`,
		);
	}
	if (!migrates && version !== newest) {
		throw new StorageError(
			'too_old',
			`the database has schema ${version}, and this program has schema ${newest}: start the server once, or bring the database to it with db migrate`,
		);
	}
	for (const migration of migrations) if (migration.version > version) await session.exec(migration.sql);
	if (owner === undefined) await setMeta(session, 'server_name', serverName);
	if (version !== newest) await setMeta(session, 'schema_version', String(newest));
}
