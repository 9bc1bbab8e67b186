import type {PolicyRefusal} from './recommend.ts';

/** Why the engine did not do what it was asked, as a closed list. */
export type EngineErrorCode =
	/** The room's rules do not allow the event. */
	| 'forbidden'
	/** This server does not know the room, or is not in it. */
	| 'not_in_room'
	/** The event is no legal event of the room's version (too long, floats, wrong types), whoever sends it. */
	| 'bad_event'
	/** The event is longer than the specification allows. */
	| 'too_large'
	/** The room version is none that this server knows. */
	| 'unsupported_version'
	/** Too many events wait for this room; try again after `retryAfterMs`. */
	| 'overloaded'
	/** The database or a partner server cannot be used just now, or the room's head moved too often; nothing was written. */
	| 'unavailable'
	/** Working out the state of the room would take more than one room may take of the server; nothing was written. */
	| 'too_complex'
	/** What a partner server gave cannot be used: missing events, wrong signatures, contradictions. */
	| 'bad_response'
	/** The room's policy server does not recommend the event; `refusal` says why. */
	| 'not_recommended'
	/** Another device or endpoint used this transaction id for something else that is still going on. */
	| 'conflict';

/** Every expected failure of the engine. */
export class EngineError extends Error {
	override readonly name = 'EngineError';
	readonly code: EngineErrorCode;
	/** The number of the authorisation rule that refuses the event, with `forbidden` and `bad_event`. */
	readonly rule: string | undefined;
	/** Milliseconds to wait, with `overloaded`. */
	readonly retryAfterMs: number | undefined;
	/** What the policy server said, with `not_recommended`. */
	readonly refusal: PolicyRefusal | undefined;

	constructor(
		code: EngineErrorCode,
		message: string,
		options?: ErrorOptions & {
			readonly rule?: string;
			readonly retryAfterMs?: number;
			readonly refusal?: PolicyRefusal;
		},
	) {
		super(message, options);
		this.code = code;
		this.rule = options?.rule;
		this.retryAfterMs = options?.retryAfterMs;
		this.refusal = options?.refusal;
	}
}
