/** Why the domain of delayed events did not do what it was asked, as a closed list. */
export type DelayedEventsErrorCode =
	/** There is no such event that waits, or it is sent or cancelled. */
	| 'not-found'
	/** The delay is longer than this server keeps events back. */
	| 'delay-too-long'
	/** The sender has as many waiting as may wait. */
	| 'too-many'
	/** It is no legal event, or of a kind that cannot be held back. */
	| 'bad-event'
	/** It was sent or cancelled by another request while this one was at work. */
	| 'gone';

/** Every expected failure of the domain of delayed events. */
export class DelayedEventsError extends Error {
	override readonly name = 'DelayedEventsError';
	readonly code: DelayedEventsErrorCode;
	constructor(code: DelayedEventsErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** One text for what never was, and for what is sent or cancelled. */
export const noSuchEvent = (): DelayedEventsError =>
	new DelayedEventsError('not-found', 'There is no such event that waits for its time');
