/** Why the quarantine did not do what it was asked, as a closed list. */
export type QuarantineErrorCode =
	/** The session does not wait, or the link is unknown, was used, or is of a session that is gone. */
	'not-waiting';

/** Every expected failure of the quarantine. */
export class QuarantineError extends Error {
	override readonly name = 'QuarantineError';
	readonly code: QuarantineErrorCode;
	constructor(code: QuarantineErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** One text for every session that does not wait. */
export function notWaiting(options?: ErrorOptions): QuarantineError {
	return new QuarantineError('not-waiting', 'No such session waits for approval', options);
}
