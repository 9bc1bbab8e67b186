/** Why the addresses domain did not do what it was asked, as a closed list. */
export type AddressesErrorCode =
	/** The server sends no mail, and so keeps no addresses. */
	| 'no-mail'
	/** A text that is no e-mail address. */
	| 'invalid-address'
	/** A link that is unknown, was used, or has ended. */
	| 'link-gone'
	/** No address was confirmed by who shows this session and secret. */
	| 'not-validated';

/** Every expected failure of the addresses domain. */
export class AddressesError extends Error {
	override readonly name = 'AddressesError';
	readonly code: AddressesErrorCode;
	constructor(code: AddressesErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** One text for every link that is good no more, whatever the reason. */
export function linkGone(options?: ErrorOptions): AddressesError {
	return new AddressesError('link-gone', 'The link is unknown, was used, or has ended', options);
}
