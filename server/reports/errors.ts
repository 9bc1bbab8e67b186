/** Why a complaint is not taken. */
export type ReportsErrorCode =
	/** There is no such event in a room that the caller is in. */
	'unknown-event';

/** A complaint is not taken. */
export class ReportsError extends Error {
	override readonly name = 'ReportsError';
	readonly code: ReportsErrorCode;
	constructor(code: ReportsErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
