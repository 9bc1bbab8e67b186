import type {IncomingMessage, ServerResponse} from 'node:http';
import {Readable, Transform} from 'node:stream';
import {MatrixError} from './errors.ts';
import {RequestAborted} from './signals.ts';

/** How long a body may take, so that a slow sender holds nothing for long. */
export interface BodyPace {
	/** A JSON body must have arrived by then. */
	readonly bodyTimeMsMax: number;
	/** An upload must bring at least 1 KiB for each second of any such window. */
	readonly uploadWindowMs: number;
}

export const defaultPace: BodyPace = {bodyTimeMsMax: 30_000, uploadWindowMs: 30_000};

const uploadBytesPerSecondMin = 1024;

/** Whether the request says that a body follows. */
export function hasBody(request: IncomingMessage): boolean {
	const length = request.headers['content-length'];
	return (length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined;
}

/** What may be wrong with a body can be told from the head of the request, before a byte of it is read. */
function checkHead(request: IncomingMessage, bytesMax: number): void {
	const length = Number(request.headers['content-length'] ?? 0);
	if (length > bytesMax) {
		throw tooLarge(bytesMax);
	}
	const encoding = request.headers['content-encoding'];
	if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
		throw new MatrixError('M_NOT_JSON', 'Compressed bodies are not accepted', {status: 415});
	}
}

function tooLarge(bytesMax: number): MatrixError {
	return new MatrixError('M_TOO_LARGE', `The body is larger than ${bytesMax} bytes`);
}

/** Answers `Expect: 100-continue` once it is known that the body is wanted. */
function welcomeBody(request: IncomingMessage, response: ServerResponse): void {
	if (request.headers.expect !== undefined) {
		response.writeContinue();
	}
}

/**
 * Reads the whole body.
 * @throws MatrixError M_TOO_LARGE, or a 408 when it has not arrived in time
 * @throws RequestAborted when the client goes away
 */
export function readBody(
	request: IncomingMessage,
	response: ServerResponse,
	bytesMax: number,
	{bodyTimeMsMax}: BodyPace,
): Promise<Buffer> {
	checkHead(request, bytesMax);
	welcomeBody(request, response);
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let sizeBytes = 0;
		const timer = setTimeout(() => {
			fail(new MatrixError('M_UNKNOWN', 'The body did not arrive in time', {status: 408}));
		}, bodyTimeMsMax);
		const onData = (chunk: Buffer): void => {
			sizeBytes += chunk.length;
			if (sizeBytes > bytesMax) {
				fail(tooLarge(bytesMax));
			} else {
				chunks.push(chunk);
			}
		};
		const onEnd = (): void => {
			forget();
			resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
		};
		const onClose = (): void => fail(new RequestAborted('client-gone'));
		function forget(): void {
			clearTimeout(timer);
			request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
		}
		function fail(error: Error): void {
			forget();
			request.pause();
			reject(error);
		}
		request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
	});
}

/**
 * The body as a stream that ends with an error when it grows too large or comes too slowly.
 * @throws MatrixError M_TOO_LARGE when its announced length is too large already
 */
export function openBody(
	request: IncomingMessage,
	response: ServerResponse,
	bytesMax: number,
	{uploadWindowMs}: BodyPace,
): Readable {
	checkHead(request, bytesMax);
	welcomeBody(request, response);
	let sizeBytes = 0;
	let windowBytes = 0;
	const windowBytesMin = (uploadBytesPerSecondMin * uploadWindowMs) / 1000;
	const meter = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			sizeBytes += chunk.length;
			windowBytes += chunk.length;
			if (sizeBytes > bytesMax) {
				done(tooLarge(bytesMax));
			} else {
				done(null, chunk);
			}
		},
	});
	const timer = setInterval(() => {
		// A reader that is slow itself is not the client's fault.
		if (windowBytes < windowBytesMin && meter.readableLength === 0) {
			meter.destroy(new MatrixError('M_UNKNOWN', 'The body comes too slowly', {status: 408}));
		}
		windowBytes = 0;
	}, uploadWindowMs);
	const onClose = (): void => {
		if (!request.complete) {
			meter.destroy(new RequestAborted('client-gone'));
		}
	};
	request.on('close', onClose).on('error', onClose);
	meter.on('close', () => {
		clearInterval(timer);
		request.off('close', onClose).unpipe(meter);
		request.pause();
	});
	request.pipe(meter);
	return meter;
}
