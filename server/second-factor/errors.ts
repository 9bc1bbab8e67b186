/** Why a proof was not taken, or a factor not set up, as a closed list. */
export type SecondFactorErrorCode =
	/** The code is wrong, was used, or is of another time; nobody is told which. */
	| 'wrong-code'
	/** What a passkey answered proves nothing here. */
	| 'wrong-passkey'
	/** The next try is taken later. */
	| 'too-many-tries'
	/** There is a code generator already; it is removed before another one is set up. */
	| 'totp-exists'
	/** The set-up was begun anew elsewhere, or never. */
	| 'no-set-up'
	/** There is a factor, so that nobody need be vouched for. */
	| 'factor-exists'
	/** There is no such passkey. */
	| 'unknown-passkey'
	/** Somebody has this passkey already. */
	| 'passkey-exists'
	/** The account has as many passkeys as it may. */
	| 'too-many-passkeys'
	/** Nothing else signs the person in. */
	| 'last-way-in'
	/** A name that is empty or too long. */
	| 'invalid-name'
	/** Passkeys need https and a name of the server's own. */
	| 'no-passkeys-here';

/** Every expected failure of second factors. */
export class SecondFactorError extends Error {
	override readonly name = 'SecondFactorError';
	readonly code: SecondFactorErrorCode;
	/** When to come again, with 'too-many-tries'. */
	readonly retryAfterMs: number | undefined;
	constructor(
		code: SecondFactorErrorCode,
		message: string,
		{retryAfterMs, ...options}: ErrorOptions & {readonly retryAfterMs?: number} = {},
	) {
		super(message, options);
		this.code = code;
		this.retryAfterMs = retryAfterMs;
	}
}

/** The error for a code that is wrong in whatever way. */
export function wrongCode(options?: ErrorOptions): SecondFactorError {
	return new SecondFactorError('wrong-code', 'The code is wrong, was used, or has ended', options);
}

/** The error for whoever must wait. */
export function tooManyTries(retryAfterMs: number, options?: ErrorOptions): SecondFactorError {
	return new SecondFactorError('too-many-tries', 'Too many tries; wait before the next one', {
		retryAfterMs,
		...options,
	});
}

/** The error for what a passkey answered, whatever is wrong with it. */
export function wrongPasskey(options?: ErrorOptions): SecondFactorError {
	return new SecondFactorError('wrong-passkey', 'This passkey does not sign in here, or it took too long', options);
}
