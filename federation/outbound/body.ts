import type {Readable} from 'node:stream';
import {OutboundError} from './errors.ts';

/** What a peer's answer may cost us. */
export interface BodyLimits {
	/** Bytes as they came. Nothing is decompressed, so these are also the bytes in memory. */
	readonly sizeBytesMax: number;
	/** Time that may be spent waiting for the peer until it has sent {@link windowBytesMin}; then it is counted anew. */
	readonly windowMs: number;
	readonly windowBytesMin: number;
}

/** A peer that sends less than 10 KiB in 10 s (1 KiB/s) holds a connection for nothing. */
export const DEFAULT_RATE = {windowMs: 10_000, windowBytesMin: 10_240} as const;

/** The peer's answer was longer than allowed. */
export class BodyTooLargeError extends OutboundError {
	override name = 'BodyTooLargeError';

	constructor({sizeBytesMax}: Pick<BodyLimits, 'sizeBytesMax'>) {
		super('bad_response', `Expected at most ${sizeBytesMax} bytes, got more`);
	}
}

/**
 * Gives a body's chunks until it ends or breaks a limit; then throws `bad_response` or `timeout` and ends the connection.
 * Only time spent waiting for the peer counts, so a slow reader of ours does not make the peer look slow.
 */
export async function* limitBody(body: Readable, limits: BodyLimits): AsyncGenerator<Buffer, void, void> {
	const chunks: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
	let sizeBytes = 0;
	let windowBytes = 0;
	let waitedMs = 0;
	try {
		for (;;) {
			const start = performance.now();
			const timer = setTimeout(() => body.destroy(tooSlow(limits)), limits.windowMs - waitedMs);
			let result: IteratorResult<Buffer, unknown>;
			try {
				result = await chunks.next();
			} finally {
				clearTimeout(timer);
			}
			if (result.done === true) return;
			waitedMs += performance.now() - start;
			sizeBytes += result.value.length;
			windowBytes += result.value.length;
			if (sizeBytes > limits.sizeBytesMax) throw new BodyTooLargeError(limits);
			if (windowBytes >= limits.windowBytesMin) {
				windowBytes = 0;
				waitedMs = 0;
			} else if (waitedMs >= limits.windowMs) {
				throw tooSlow(limits);
			}
			yield result.value;
		}
	} finally {
		body.destroy();
	}
}

/** Reads a whole body within its limits. */
export async function readBody(body: Readable, limits: BodyLimits): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of limitBody(body, limits)) chunks.push(chunk);
	return Buffer.concat(chunks);
}

function tooSlow({windowMs, windowBytesMin}: BodyLimits): OutboundError {
	return new OutboundError('timeout', `Expected ${windowBytesMin} bytes in ${windowMs} ms, got less`);
}
