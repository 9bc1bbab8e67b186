import Sqlite, {type Database} from 'better-sqlite3';

/** How long a connection waits for another process's lock before it gives up. */
const busyTimeoutMs = 5000;

/** Opens a connection with the settings that hold for every one of ours. */
export function connect(path: string): Database {
	const db = new Sqlite(path, {timeout: busyTimeoutMs});
	// FULL: what a caller was told is on disk when the power goes. FAST: deleted content is overwritten where that is free.
	db.pragma('synchronous = FULL');
	db.pragma('secure_delete = FAST');
	db.pragma('foreign_keys = OFF');
	db.pragma('temp_store = MEMORY');
	db.pragma('cache_size = -16000');
	return db;
}
