/** Why the oauth domain did not do what it was asked, as a closed list. */
export type OAuthErrorCode =
	/** OAuth is turned off. */
	| 'off'
	/** What a program says of itself cannot be registered. */
	| 'invalid_client_metadata'
	/** A program may not have its people sent to this address. */
	| 'invalid_redirect_uri'
	/** The browser in which somebody consented was signed out meanwhile. */
	| 'signed-out'
	/** Nobody waits with this user code: it is unknown, was used, or has ended. */
	| 'unknown-user-code';

/** Every expected failure of the oauth domain that is not the answer of the protocol itself. */
export class OAuthError extends Error {
	override readonly name = 'OAuthError';
	readonly code: OAuthErrorCode;
	constructor(code: OAuthErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** The error for a consent that was given where nobody is signed in any more. */
export function signedOut(options?: ErrorOptions): OAuthError {
	return new OAuthError('signed-out', 'The browser in which this was agreed to was signed out', options);
}
