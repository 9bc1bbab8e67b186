/** Why the accounts domain did not do what it was asked, as a closed list. */
export type AccountsErrorCode =
	/** The name or the password is wrong; nobody is told which. */
	| 'wrong-password'
	/** Who is signed in tried to prove it with the name of another account. */
	| 'another-account'
	/** The account is deactivated; told only to who knows its password. */
	| 'deactivated'
	/** An administrator has locked the account. */
	| 'locked'
	/** An administrator has suspended the account, and this is not among what it may still do. */
	| 'suspended'
	/** The name is taken, or was and is never given again. */
	| 'user-in-use'
	/** The name belongs to an application service; strangers are told that it is taken. */
	| 'exclusive'
	/** No new account may have this name. */
	| 'invalid-username'
	/** The registration token was used up, or ended, before the account could be made. */
	| 'registration-token-spent'
	/** Longer than a password may be. */
	| 'password-too-long'
	/** Too short to be a password. */
	| 'weak-password'
	/** The token that signs in once is unknown, was used, or has ended. */
	| 'wrong-login-token'
	/** It is an account of another server. */
	| 'not-local'
	/** Administrators are neither locked nor suspended. */
	| 'protected'
	/** There is no such account. */
	| 'unknown-account';

/** Every expected failure of the accounts domain. */
export class AccountsError extends Error {
	override readonly name = 'AccountsError';
	readonly code: AccountsErrorCode;
	constructor(code: AccountsErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
