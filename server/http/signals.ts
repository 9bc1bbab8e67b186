/** Why a request is no longer worth working on. */
export type AbortReason = 'client-gone' | 'server-stopping';

/** The reason of a request's `signal`, and what reading a body fails with when the client goes away. */
export class RequestAborted extends Error {
	override readonly name = 'RequestAborted';
	readonly code: AbortReason;
	constructor(code: AbortReason) {
		super(code === 'client-gone' ? 'The client closed the connection' : 'The server is stopping');
		this.code = code;
	}
}
