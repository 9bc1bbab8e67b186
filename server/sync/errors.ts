/** Why a sync is not answered. */
export type SyncErrorCode =
	/** The token is none that this server has given out. */
	| 'invalid-token'
	/** The position is none that this server has given to the connection, or is not known any more. */
	| 'unknown-position'
	/** The session ended while the request waited. */
	| 'session-ended';

/** A sync is not answered. */
export class SyncError extends Error {
	override readonly name = 'SyncError';
	readonly code: SyncErrorCode;
	constructor(code: SyncErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
