import type {ServerName} from '../../crypto/index.ts';

/** A pending timer. */
export interface Timer {
	/** Makes sure that the timer never runs; does nothing once it ran or was cancelled. */
	cancel(): void;
}

/** The only source of time for the engine and what lies above it, so that a whole federation can live in virtual time. */
export interface Clock {
	/** Milliseconds since the Unix epoch, as people and other servers know it. May jump; never measure a duration by it. */
	now(): number;
	/** Milliseconds since some fixed moment; never goes backwards. For durations and deadlines. */
	monotonic(): number;
	/**
	 * Runs `run` once, `delayMs` from now and never within the call itself. A pending timer does not keep the process
	 * alive. Delays have no upper bound here: implementations take care of what their platform cannot wait for at once.
	 */
	setTimer(delayMs: number, run: () => void): Timer;
}

/** The only source of randomness. The real one is cryptographically secure; a simulation's follows from its seed. */
export interface Random {
	bytes(count: number): Uint8Array;
	/** Gives an integer from 0 up to but without `bound` (1 to 2^32), each equally likely. */
	below(bound: number): number;
}

/** One request to another server, complete with its authentication. */
export interface TransportRequest {
	readonly destination: ServerName;
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Path and query as they go over the wire, percent-encoded. */
	readonly path: string;
	/** Names in lower case. `host` and the body's length are the transport's own business. */
	readonly headers: Readonly<Record<string, string>>;
	/** The exact bytes to send; absent for none. */
	readonly body?: Uint8Array;
	/** The whole request, from finding the server to the answer's last byte. */
	readonly timeoutMs: number;
	/** A longer answer is cut off and fails with `too_large`. */
	readonly responseBytesMax: number;
	readonly signal?: AbortSignal;
}

/** What another server answered, whatever its status: an HTTP error is an answer. */
export interface TransportResponse {
	readonly status: number;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Uint8Array;
}

/**
 * Why no answer came. Except for `unreachable` the other server may have received the request, and acted on it.
 *
 * - `unreachable`: no address, no connection, or a certificate that does not prove the server's name.
 * - `timeout`: `timeoutMs` went by.
 * - `connection_lost`: the connection ended before the whole answer came.
 * - `too_large`: the answer was longer than `responseBytesMax`.
 * - `aborted`: the caller's signal ended it.
 */
export type TransportErrorCode = 'unreachable' | 'timeout' | 'connection_lost' | 'too_large' | 'aborted';

/** A request to another server got no answer. */
export class TransportError extends Error {
	override name = 'TransportError';
	readonly code: TransportErrorCode;

	constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** Carries requests to other servers, named by their server name. Knows nothing of what they mean. */
export interface Transport {
	/** @throws TransportError where no answer came; never for an answer's status. */
	request(request: TransportRequest): Promise<TransportResponse>;
}
