/** Why the domain of source links did not do what it was asked, as a closed list. */
export type SourceLinksErrorCode =
	/** The configuration has no source links, or not by this person. */
	| 'not-allowed'
	/** What a link is to be like makes no sense, or is more than the configuration allows. */
	| 'invalid-link'
	/** Somebody has as many links, or the server as many sources, as there may be. */
	| 'too-many'
	/** There is no such link, or it was used up, taken back or has ended; there is no such source. */
	| 'gone'
	/** Accounts of source links do not do this, or not in this room. */
	| 'not-for-sources';

/** Every expected failure of the domain. */
export class SourceLinksError extends Error {
	override readonly name = 'SourceLinksError';
	readonly code: SourceLinksErrorCode;
	constructor(code: SourceLinksErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
