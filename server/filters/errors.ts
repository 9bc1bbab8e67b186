/** Why a filter cannot be used. */
export type FiltersErrorCode =
	/** The caller has no filter of this id. */
	| 'unknown-filter'
	/** No JSON, or not in the form of a filter. */
	| 'invalid-filter'
	/** What a parameter names or holds is no filter of the caller. */
	| 'invalid-parameter';

/** A filter cannot be used. */
export class FiltersError extends Error {
	override readonly name = 'FiltersError';
	readonly code: FiltersErrorCode;
	constructor(code: FiltersErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
