/** Why account data cannot be read or set. */
export type AccountDataErrorCode =
	/** Nothing is stored under this type. */
	| 'not-found'
	/** The type belongs to the server and is set by other means. */
	| 'server-managed'
	/** No type: empty, or longer than any that is in use. */
	| 'invalid-type'
	/** More than a user may keep under one type. */
	| 'too-large'
	/** The user has, and had, nothing to do with the room. */
	| 'not-in-room';

/** Account data cannot be read or set. */
export class AccountDataError extends Error {
	override readonly name = 'AccountDataError';
	readonly code: AccountDataErrorCode;
	constructor(code: AccountDataErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
