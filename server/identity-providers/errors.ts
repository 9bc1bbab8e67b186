/** Why somebody could not be vouched for, as a closed list. */
export type IdentityErrorCode =
	/** The configuration has no such provider. */
	| 'unknown-provider'
	/** The provider cannot be reached, or is not what it was said to be. */
	| 'unavailable'
	/** Nobody began this, it ended, was used before, or was another browser's or provider's. */
	| 'no-flow'
	/** The provider vouches for nobody, or what it says is not sound. */
	| 'refused'
	/** The provider was to ask once more who somebody is, and does not say that it has. */
	| 'not-asked-anew'
	/** The provider makes no accounts here, and whom it vouches for has none. */
	| 'no-account'
	/** Whom the provider vouches for has another account. */
	| 'linked-elsewhere'
	/** Nothing else signs the person in. */
	| 'last-way-in'
	/** A logout token that is not sound, or was used before. */
	| 'bad-logout-token';

/** Every expected failure of the domain. Nothing that a provider said is in its text. */
export class IdentityError extends Error {
	override readonly name = 'IdentityError';
	readonly code: IdentityErrorCode;
	constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
