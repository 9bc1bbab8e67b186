import {existsSync, renameSync, statSync} from 'node:fs';
import type {Database} from 'better-sqlite3';
import {chainEntry} from '../audited-commits.ts';
import {StorageError} from '../errors.ts';
import type {AuditEntry, AuditRow} from '../interfaces/audit.ts';
import type {DatabaseLabel} from '../sqlite/snapshot.ts';
import {type CopyAge, type Revival, revive} from './revive.ts';

export type {DatabaseLabel} from '../sqlite/snapshot.ts';
export type {CopyAge, Revival} from './revive.ts';

const sqlitePath = (url: string): string | undefined =>
	url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : undefined;

/**
 * Writes all that a database holds at one moment into a new file, whoever writes to the database meanwhile. The file has
 * one form, whichever database it comes from, so that it can be restored to either.
 *
 * @throws StorageError('bad_address' | 'corrupt' | 'unavailable')
 */
export async function copyDatabase(url: string, file: string): Promise<void> {
	const {copySqlite, createCopy} = await import('../sqlite/snapshot.ts');
	const path = sqlitePath(url);
	if (path !== undefined) return copySqlite(path, file);
	const {copyPostgres} = await import('../postgres/snapshot.ts');
	return copyPostgres(url, (label) => createCopy(file, label));
}

/** A database as `copyDatabase` writes it. */
export class DatabaseCopy implements Disposable {
	readonly label: DatabaseLabel;
	readonly #db: Database;
	readonly #file: string;

	private constructor(db: Database, label: DatabaseLabel, file: string) {
		this.#db = db;
		this.label = label;
		this.#file = file;
	}

	/** Opens a copy and checks every page and index of it. @throws StorageError('bad_address' | 'corrupt' | 'too_new') */
	static async open(file: string): Promise<DatabaseCopy> {
		const {openCopy} = await import('../sqlite/snapshot.ts');
		const {db, label} = await openCopy(file);
		return new DatabaseCopy(db, label, file);
	}

	/** Lists files of media and thumbnails by their SHA-256, in its order: some of those after `after`. */
	listContents(after: string, limit: number): string[] {
		// An older schema has no thumbnails.
		const hasThumbnails = this.#db.prepare("select 1 from sqlite_master where name = 'thumbnails'").get() !== undefined;
		const thumbnails = 'union select thumbnail_sha256 from thumbnails where thumbnail_sha256 > :after';
		return this.#db
			.prepare<[{after: string; limit: number}], string>(
				`select sha256 from media where sha256 > :after ${hasThumbnails ? thumbnails : ''} order by 1 limit :limit`,
			)
			.pluck()
			.all({after, limit});
	}

	/** Brings the copy to this program's schema, and makes it fit to go on where others know what it does not. */
	async revive(age: CopyAge): Promise<Revival> {
		const {migrateCopy} = await import('../sqlite/snapshot.ts');
		await migrateCopy(this.#db, this.label);
		return revive(this.#db, this.label.serverName, age);
	}

	/** Adds an entry to the audit log of a copy that has this program's schema. */
	appendAudit(entry: AuditEntry): void {
		const last = this.#db
			.prepare<[], AuditRow>('select position, entry, hash from audit_entries order by position desc limit 1')
			.get();
		this.#db
			.prepare<[AuditRow]>('insert into audit_entries (position, entry, hash) values (:position, :entry, :hash)')
			.run(chainEntry(entry, last));
	}

	/** Puts the copy in the place of a database that is not there, or that may be lost; closes the copy. */
	async place(url: string): Promise<void> {
		const path = sqlitePath(url);
		if (path === undefined) {
			const {loadPostgres} = await import('../postgres/snapshot.ts');
			await loadPostgres(url, this.label.serverName, this.#db);
			this[Symbol.dispose]();
			return;
		}
		this[Symbol.dispose]();
		if (existsSync(path)) throw new StorageError('bad_address', `there is a database at ${path}`);
		renameSync(this.#file, path);
	}

	[Symbol.dispose](): void {
		this.#db.close();
	}
}

/** Whether there is a database of ours at an address, and whether a process has it open. */
export async function lookAtDatabase(url: string): Promise<'absent' | 'present' | 'in_use'> {
	const path = sqlitePath(url);
	if (path === undefined) return (await import('../postgres/snapshot.ts')).lookAtPostgres(url);
	if (!existsSync(path) || statSync(path).size === 0) return 'absent';
	const {isSqliteInUse} = await import('../sqlite/snapshot.ts');
	return isSqliteInUse(path) ? 'in_use' : 'present';
}

/** Gives an SQLite database that nobody has open another name, so that another one can take its place. */
export function setDatabaseAside(path: string, to: string): void {
	for (const ending of ['', '-wal', '-shm']) {
		if (existsSync(path + ending)) renameSync(path + ending, to + ending);
	}
}
