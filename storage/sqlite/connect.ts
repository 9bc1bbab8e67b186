import Sqlite, {type Database} from 'better-sqlite3';

/** How long a connection waits for another process's lock before it gives up. */
const busyTimeoutMs = 5000;

/**
 * Pages that a connection keeps in memory of its own, and fills in time, in KiB. The upper levels of all trees fit in here; what
 * is not is copied from the system's cache of the file in microseconds, which the writer, who waits for the disk, notices least.
 */
const cacheKibibytes = {reader: 4_000, writer: 2_000} as const;

/** Opens a connection with the settings that hold for every one of ours. */
export function connect(path: string, role: keyof typeof cacheKibibytes = 'reader'): Database {
	const db = new Sqlite(path, {timeout: busyTimeoutMs});
	// FULL: what a caller was told is on disk when the power goes. FAST: deleted content is overwritten where that is free.
	db.pragma('synchronous = FULL');
	db.pragma('secure_delete = FAST');
	db.pragma('foreign_keys = OFF');
	db.pragma('temp_store = MEMORY');
	db.pragma(`cache_size = -${cacheKibibytes[role]}`);
	return db;
}
