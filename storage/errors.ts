/** What went wrong, as a closed list; callers switch on it. */
export type StorageErrorCode =
	/** A condition of the batch did not hold (compare-and-swap lost); nothing of the batch was written. */
	| 'conflict'
	/** A unique key exists already; nothing of the batch was written. */
	| 'duplicate'
	/** The database cannot be used just now: disk full, I/O error, connection down, locked. Nothing of the batch was written. */
	| 'unavailable'
	/** The connection was lost while COMMIT was under way: the batch is written wholly or not at all, and the caller must look. */
	| 'outcome_unknown'
	/** The database refuses a statement that this program should not have made; nothing of the batch was written. */
	| 'refused'
	/** A stored value cannot be read back, or the database file is damaged. */
	| 'corrupt'
	/** Text that no database can hold: a lone surrogate. */
	| 'invalid_text'
	/** The database was written by a newer program. */
	| 'too_new'
	/** The database has the schema of an earlier program, and was not to be changed. */
	| 'too_old'
	/** The database belongs to another server name. */
	| 'wrong_server'
	/** The address of the database is wrong, or it is no database of ours. */
	| 'bad_address';

/** Every failure of the storage layer. */
export class StorageError extends Error {
	readonly code: StorageErrorCode;
	constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = 'StorageError';
		this.code = code;
	}
}

/** The conditions that a batch may lose on. */
export type Condition =
	| 'room_head'
	| 'intern'
	| 'registration_token'
	| 'refresh_token'
	| 'cursor'
	| 'delayed_event'
	| 'login_token'
	| 'oauth_code'
	| 'source_link'
	| 'upstream_flow'
	| 'job'
	| 'account'
	| 'report'
	| 'dehydrated_device'
	| 'device'
	| 'key_backup'
	| 'one_time_key'
	| 'quarantined_device'
	| 'event'
	| 'mail_validation'
	| 'media'
	| 'passkey'
	| 'passkey_challenge'
	/** Somebody would have more passkeys than they may. */
	| 'passkey_count'
	| 'recovery_code'
	/** Another secret of a code generator is there, or none. */
	| 'totp_secret'
	/** A code of this time, or a later one, was used. */
	| 'totp_step'
	/** The next try at a code is taken later. */
	| 'totp_try'
	/** Somebody would have more media than they may. */
	| 'media_usage'
	/** Nothing would sign somebody in to their account any more. */
	| 'way_in'
	/** A browser's session has ended, or goes on under another token. */
	| 'web_session';

/** A condition of the batch did not hold; the caller reads again and builds the batch anew, or gives up. */
export class ConflictError extends StorageError {
	readonly condition: Condition;
	constructor(condition: Condition, options?: ErrorOptions) {
		super('conflict', `condition of the batch does not hold: ${condition}`, options);
		this.name = 'ConflictError';
		this.condition = condition;
	}
}

/** A unique key exists already; `table` names the table whose key it is, as in the schema. */
export class DuplicateError extends StorageError {
	/** The table in the schema's spelling: `client_transactions`, `accounts`, `events`. */
	readonly table: string;
	constructor(table: string, options?: ErrorOptions) {
		super('duplicate', `a row with this key exists already in ${table}`, options);
		this.name = 'DuplicateError';
		this.table = table;
	}
}
