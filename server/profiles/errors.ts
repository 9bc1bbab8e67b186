/** Why the profiles domain did not do what it was asked, as a closed list. */
export type ProfilesErrorCode =
	/** There is no such profile or field. */
	| 'not-found'
	/** The name of a field is longer than one may be. */
	| 'key-too-large'
	/** The name of a field is outside the grammar. */
	| 'invalid-key'
	/** The value is none that this field may have. */
	| 'invalid-value'
	/** The whole profile would be larger than one may be. */
	| 'profile-too-large';

/** Every expected failure of the profiles domain. */
export class ProfilesError extends Error {
	override readonly name = 'ProfilesError';
	readonly code: ProfilesErrorCode;
	constructor(code: ProfilesErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
