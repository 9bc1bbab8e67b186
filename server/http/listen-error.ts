/** A listener cannot start; the message says which and why, for the operator. */
export class ListenError extends Error {
	override readonly name = 'ListenError';
}
