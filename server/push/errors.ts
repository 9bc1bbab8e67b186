/** Why a push rule cannot be read or changed. */
export type PushErrorCode =
	/** There is no such rule. */
	| 'unknown-rule'
	/** What the rule would be is not a push rule. */
	| 'invalid-rule'
	/** The user has more rules than anybody needs. */
	| 'too-many-rules';

/** A push rule cannot be read or changed. */
export class PushError extends Error {
	override readonly name = 'PushError';
	readonly code: PushErrorCode;
	constructor(code: PushErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
