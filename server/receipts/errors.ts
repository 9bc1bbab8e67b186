/** Why a receipt is not taken. */
export type ReceiptsErrorCode =
	/** The user is not in the room. */
	| 'not-in-room'
	/** The event is not in this room, or the user may not see it. */
	| 'unknown-event'
	/** The thread is none, or the event is not part of it. */
	| 'invalid-thread';

/** A receipt is not taken. */
export class ReceiptsError extends Error {
	override readonly name = 'ReceiptsError';
	readonly code: ReceiptsErrorCode;
	constructor(code: ReceiptsErrorCode, text: string, options?: ErrorOptions) {
		super(text, options);
		this.code = code;
	}
}
