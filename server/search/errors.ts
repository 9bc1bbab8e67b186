/** Why a search is not done. */
export type SearchErrorCode =
	/** The token is none of this server's. */
	'invalid-token';

/** A search is not done. */
export class SearchError extends Error {
	override readonly name = 'SearchError';
	readonly code: SearchErrorCode;
	constructor(code: SearchErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
