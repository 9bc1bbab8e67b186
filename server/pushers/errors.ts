/** Why a pusher was not set. */
export type PushersErrorCode =
	/** What was asked for is no pusher that this server can serve. */
	| 'invalid'
	/** The user has as many pushers as anybody may have. */
	| 'too-many';

/** Every expected failure of the pushers domain. */
export class PushersError extends Error {
	override readonly name = 'PushersError';
	readonly code: PushersErrorCode;
	constructor(code: PushersErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
