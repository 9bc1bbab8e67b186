import {closeSync, existsSync, openSync} from 'node:fs';
import type {Database} from 'better-sqlite3';
import Sqlite from 'better-sqlite3';
import {StorageError} from '../errors.ts';
import {findMeta, type Migration, type MigrationSession, migrate} from '../migrate.ts';
import {codeOf, failureOf} from './failure.ts';
import {migrations} from './migrations/index.ts';
import {applicationId, prepareFile, sessionOf} from './open.ts';

const newestVersion = migrations.at(-1)?.version ?? 0;

/** What a database says of itself. */
export interface DatabaseLabel {
	readonly serverName: string;
	readonly schemaVersion: number;
}

/** Gives the error of the storage for whatever SQLite threw. */
function toStorageError(error: unknown, what: string): StorageError {
	if (error instanceof StorageError) return error;
	const {code, message} = failureOf(error);
	return new StorageError(code, `${what}: ${message}`, {cause: error});
}

/**
 * Writes what a database holds at this moment into a new file, whoever writes to it meanwhile. The log of the database
 * grows until it is done, for what the copy reads must stay.
 */
export function copySqlite(path: string, file: string): void {
	if (!existsSync(path)) throw new StorageError('bad_address', `there is no database at ${path}`);
	// Made beforehand, so that nobody else may read it for a moment.
	closeSync(openSync(file, 'wx', 0o600));
	const db = new Sqlite(path, {readonly: true});
	try {
		db.prepare('vacuum into ?').run(file);
	} catch (error) {
		throw toStorageError(error, `the database ${path} cannot be copied`);
	} finally {
		db.close();
	}
}

/** Makes a new file with the tables of a schema, for rows from elsewhere. */
export async function createCopy(file: string, {serverName, schemaVersion}: DatabaseLabel): Promise<Database> {
	closeSync(openSync(file, 'wx', 0o600));
	const db = new Sqlite(file);
	prepareFile(db);
	// One file and nothing beside it: it is no database that anybody works on.
	db.pragma('journal_mode = DELETE');
	db.pragma('synchronous = OFF');
	await migrateIn(
		db,
		serverName,
		migrations.filter(({version}) => version <= schemaVersion),
	);
	return db;
}

async function migrateIn(db: Database, serverName: string, steps: readonly Migration[]): Promise<void> {
	db.exec('begin immediate');
	await migrate(sessionOf(db), steps, serverName);
	db.exec('commit');
}

/** Opens a copy of a database and says whose it is. @throws StorageError for what is none, is damaged, or is too new */
export async function openCopy(file: string): Promise<{readonly db: Database; readonly label: DatabaseLabel}> {
	const db = new Sqlite(file, {fileMustExist: true});
	try {
		if (db.pragma('application_id', {simple: true}) !== applicationId) {
			throw new StorageError('bad_address', 'the file is no database of this program');
		}
		const found = db.pragma('integrity_check(1)', {simple: true});
		if (found !== 'ok') throw new StorageError('corrupt', `the database is damaged (${String(found)})`);
		const session = sessionOf(db);
		const serverName = await findMeta(session, 'server_name');
		const schemaVersion = Number(await findMeta(session, 'schema_version'));
		if (serverName === undefined) throw new StorageError('corrupt', 'the database does not say whose it is');
		if (schemaVersion > newestVersion) {
			throw new StorageError(
				'too_new',
				`the database has schema ${schemaVersion}, and this program knows schemas up to ${newestVersion}: use the program that made the backup, or a newer one`,
			);
		}
		return {db, label: {serverName, schemaVersion}};
	} catch (error) {
		db.close();
		throw toStorageError(error, 'the copy of the database cannot be opened');
	}
}

/** Brings a copy to the schema of this program. */
export async function migrateCopy(db: Database, {serverName}: DatabaseLabel): Promise<void> {
	await migrateIn(db, serverName, migrations);
}

/** Whether another process has the database open. */
export function isSqliteInUse(path: string): boolean {
	const db = new Sqlite(path, {timeout: 0});
	try {
		// In this mode the first look locks the file as a whole, which fails while anybody else has it open.
		db.pragma('locking_mode = EXCLUSIVE');
		db.exec('begin exclusive');
		db.exec('rollback');
		return false;
	} catch (error) {
		if (codeOf(error).startsWith('SQLITE_BUSY')) return true;
		throw toStorageError(error, `the database ${path} cannot be opened`);
	} finally {
		db.close();
	}
}

/** Reads of a database beside whoever else does. */
export async function withSqlite<T>(
	path: string,
	task: (session: MigrationSession, list: (sql: string) => Promise<readonly (readonly unknown[])[]>) => Promise<T>,
): Promise<T> {
	if (!existsSync(path)) throw new StorageError('bad_address', `there is no database at ${path}`);
	const db = new Sqlite(path, {readonly: true});
	try {
		return await task(sessionOf(db), async (sql) => db.prepare(sql).raw().all() as unknown[][]);
	} catch (error) {
		throw toStorageError(error, `the database ${path} cannot be read`);
	} finally {
		db.close();
	}
}
