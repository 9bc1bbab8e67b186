import {closeSync, fstatSync, openSync} from 'node:fs';
import type {Database} from 'better-sqlite3';
import {assemble} from '../assemble.ts';
import {Catalog} from '../catalog.ts';
import {sqliteDialect} from '../dialect.ts';
import {StorageError} from '../errors.ts';
import {migrate, type MigrationSession} from '../migrate.ts';
import type {Storage, StorageOptions} from '../storage.ts';
import {connect} from './connect.ts';
import {SqliteDriver} from './driver.ts';
import {failureOf} from './failure.ts';
import {migrations} from './migrations/index.ts';

/** 'BSHT': tells our files from others'. */
export const applicationId = 0x42534854;

/** Gives what migrations need of a connection. */
export function sessionOf(db: Database): MigrationSession {
	return {
		placeholders: ['?', '?'],
		hasTable: (name) =>
			db.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(name) !== undefined,
		isEmpty: () => db.prepare('select 1 from sqlite_master').get() === undefined,
		exec: (sql) => db.exec(sql),
		first: (sql, params) => db.prepare(sql).raw().get(params) as readonly unknown[] | undefined,
	};
}

/** Files up to this size are checked whenever they are opened: it takes well under a second. */
const checkBytesMax = 64 * 1024 * 1024;

/** @throws StorageError('corrupt') where the file's structure is damaged */
function checkFile(db: Database): void {
	const found = db.pragma('quick_check(1)', {simple: true});
	// It has read every page into the cache, most of which nobody will ask for.
	db.pragma('shrink_memory');
	if (found === 'ok') return;
	throw new StorageError('corrupt', `the database file is damaged (${String(found)}); restore a backup`);
}

/** Sets what can only be set before the first table is made. */
export function prepareFile(db: Database): void {
	const id = db.pragma('application_id', {simple: true});
	const isEmpty = db.prepare('select 1 from sqlite_master').get() === undefined;
	if (isEmpty && id === 0) {
		// Measured for small commits: 13.0 KB written for each, and 15.4 with pages of 8192.
		db.pragma('page_size = 4096');
		db.pragma('auto_vacuum = INCREMENTAL');
		db.pragma(`application_id = ${applicationId}`);
	} else if (id !== applicationId) {
		throw new StorageError('bad_address', 'the file is an SQLite database of another program; give another path');
	}
	db.pragma('journal_mode = WAL');
}

/** The last opening under way in this process: two at once on one file would wait for each other's lock for ever. */
let opening: Promise<unknown> = Promise.resolve();

async function openDatabase(path: string, {serverName, migrates}: StorageOptions): Promise<Database> {
	// The file, and with it the log files beside it, is for this user alone.
	const file = openSync(path, 'a', 0o600);
	const {size} = fstatSync(file);
	closeSync(file);
	const db = connect(path);
	try {
		prepareFile(db);
		if (size <= checkBytesMax) checkFile(db);
		db.exec('begin immediate');
		await migrate(sessionOf(db), migrations, serverName, {migrates});
		db.exec('commit');
		return db;
	} catch (error) {
		db.close();
		throw error;
	}
}

/** Opens an SQLite database, making it where there is none. */
export async function openSqlite(path: string, options: StorageOptions): Promise<Storage> {
	let db: Database;
	try {
		const turn = opening.then(() => openDatabase(path, options));
		opening = turn.catch(() => undefined);
		db = await turn;
	} catch (error) {
		if (error instanceof StorageError) throw error;
		const {code, message} = failureOf(error);
		throw new StorageError(code, `the database ${path} cannot be opened: ${message}`, {cause: error});
	}
	const catalog = new Catalog(sqliteDialect);
	const driver = new SqliteDriver(db, path, catalog);
	try {
		return await assemble(catalog, driver, options);
	} catch (error) {
		await driver.close();
		throw error;
	}
}
