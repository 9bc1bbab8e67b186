/** Why a recovery did not go on, as a closed list. */
export type RecoveryErrorCode =
	/** The link is unknown, was used, has ended, or had too many wrong answers. */
	| 'link-gone'
	/** Somebody in another browser did not say whose account it is. */
	| 'wrong-name'
	/** The account has a second factor, and what was given is none. */
	| 'wrong-code'
	/** Too many codes were tried; later ones are looked at. */
	| 'too-many-tries'
	/** The account has no second factor: nothing is left that proves its owner. */
	| 'no-factor'
	/** Nobody confirmed by a link that it is they. */
	| 'not-proven';

/** Every expected failure of a recovery. */
export class RecoveryError extends Error {
	override readonly name = 'RecoveryError';
	readonly code: RecoveryErrorCode;
	constructor(code: RecoveryErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** One text for every link that is good no more, whatever the reason. */
export function linkGone(options?: ErrorOptions): RecoveryError {
	return new RecoveryError('link-gone', 'The link is unknown, was used, or has ended', options);
}
