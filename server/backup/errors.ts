/** Why there is no backup, or nothing was restored, as a closed list. */
export type BackupErrorCode =
	/** There is a file of the name that the backup was to have. */
	| 'exists'
	/** The database is another server's than the configuration says. */
	| 'wrong-server'
	/** The file is no backup, or not all of it is there as it was written. */
	| 'bad-archive'
	/** A server runs on the database that was to be replaced. */
	| 'in-use'
	/** There are a database or keys that nobody said may be replaced. */
	| 'not-empty';

/** A backup was not made or not restored; the message is for the operator. */
export class BackupError extends Error {
	readonly code: BackupErrorCode;
	constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = 'BackupError';
		this.code = code;
	}
}
