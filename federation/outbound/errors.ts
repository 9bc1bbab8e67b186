/**
 * Why something we asked of another server did not work out. The set is closed; callers decide by it and never by texts.
 *
 * - `not_allowed`: our own settings forbid it (federation mode, private address); nothing was sent there.
 * - `unreachable`: no address, no connection, or a certificate that does not prove the server's name.
 * - `timeout`: it took longer than allowed, or the peer sent too slowly.
 * - `bad_response`: an answer came that is not what the protocol allows (size, encoding, JSON, shape).
 * - `remote_error`: the peer answered with an error of its own; see {@link RemoteError}.
 * - `overloaded`: too many requests of ours already wait for this server.
 * - `aborted`: the caller's signal ended it.
 */
export type OutboundErrorCode =
	| 'not_allowed'
	| 'unreachable'
	| 'timeout'
	| 'bad_response'
	| 'remote_error'
	| 'overloaded'
	| 'aborted';

/** Something asked of another server failed. Never shown to clients as it is: a peer's 401 is not our 401. */
export class OutboundError extends Error {
	override name = 'OutboundError';
	readonly code: OutboundErrorCode;

	constructor(code: OutboundErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** What a peer's error answer said, cut to what is safe to keep. */
export interface RemoteAnswer {
	readonly status: number;
	/** The answer's `errcode` where it is a plausible one, else `undefined`. */
	readonly errcode: string | undefined;
	/** From `Retry-After` or `retry_after_ms`, at most one day. */
	readonly retryAfterMs: number | undefined;
	/** From `M_INCOMPATIBLE_ROOM_VERSION`. */
	readonly roomVersion: string | undefined;
	/** What it says in words, cut: to be shown only where the specification wants it shown, and never to be logged. */
	readonly text?: string | undefined;
}

/** The peer answered with a status other than 2xx. Its text is no part of the message: it could say anything to our logs. */
export class RemoteError extends OutboundError {
	override name = 'RemoteError';
	readonly status: number;
	readonly errcode: string | undefined;
	readonly retryAfterMs: number | undefined;
	readonly roomVersion: string | undefined;
	/** Kept where no log finds it. */
	readonly #text: string | undefined;

	constructor(answer: RemoteAnswer) {
		super('remote_error', `Expected a 2xx answer, got ${answer.status} ${answer.errcode ?? 'without errcode'}`);
		this.status = answer.status;
		this.errcode = answer.errcode;
		this.retryAfterMs = answer.retryAfterMs;
		this.roomVersion = answer.roomVersion;
		this.#text = answer.text;
	}

	/** The peer's own words, cut: only for where the specification wants them passed on. */
	get text(): string | undefined {
		return this.#text;
	}
}
