/** Why an administrator's wish is not done, as a closed list. */
export type AdministrationErrorCode =
	/** Administrators are changed by themselves, or at the console. */
	| 'protected'
	/** An account that has ended is not had back. */
	| 'ended'
	/** This server keeps nothing of the kind. */
	| 'not-kept'
	/** What was given has not the form it must have. */
	| 'invalid'
	/** There is no such registration token. */
	| 'unknown-token'
	/** There is such a registration token already. */
	| 'token-exists'
	/** There is no such complaint. */
	| 'unknown-report'
	/** There is no such room here. */
	| 'unknown-room'
	/** There is no such medium here. */
	| 'unknown-medium'
	/** There is no such task. */
	| 'unknown-task'
	/** Nobody of this server in the room may do that. */
	| 'powerless';

/** Every expected failure of administration. */
export class AdministrationError extends Error {
	override readonly name = 'AdministrationError';
	readonly code: AdministrationErrorCode;
	constructor(code: AdministrationErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** The error for a room that this server was never in, or is in no more. */
export function unknownRoom(): AdministrationError {
	return new AdministrationError('unknown-room', 'There is no such room here');
}
