import {Readable} from 'node:stream';

/** The answer of one server to another that asks for a medium. */
export interface MultipartBody {
	readonly contentType: string;
	readonly body: Readable;
	readonly sizeBytes: number;
}

/** The second part of such an answer: the medium, or where it is. */
export interface MediaPart {
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: AsyncIterable<Uint8Array>;
}

/** An answer is not of the form that the specification asks for. */
export class MultipartError extends Error {
	override readonly name = 'MultipartError';
}

/** The head of a part, and what stands before the first one; and the JSON of the first part. */
const HEAD_BYTES_MAX = 16_384;
const METADATA_BYTES_MAX = 65_536;
const CRLF = '\r\n';

/**
 * Writes a medium as `multipart/mixed` of exactly two parts: an empty JSON object, and the medium itself.
 * @param boundary text that the content will not hold by chance
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid
 */
export function writeMultipart(
	boundary: string,
	headers: Readonly<Record<string, string>>,
	content: {readonly body: AsyncIterable<Uint8Array>; readonly sizeBytes: number},
): MultipartBody {
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}${CRLF}`);
	const start = Buffer.from(
		`--${boundary}${CRLF}Content-Type: application/json${CRLF}${CRLF}{}${CRLF}--${boundary}${CRLF}${lines.join('')}${CRLF}`,
	);
	const end = Buffer.from(`${CRLF}--${boundary}--${CRLF}`);
	async function* write(): AsyncGenerator<Uint8Array> {
		yield start;
		yield* content.body;
		yield end;
	}
	return {
		contentType: `multipart/mixed; boundary=${boundary}`,
		body: Readable.from(write(), {objectMode: false}),
		sizeBytes: start.length + content.sizeBytes + end.length,
	};
}

/**
 * Reads such an answer up to the medium; its bytes follow as they come.
 * @throws MultipartError also from the body, where it ends without its boundary
 */
export async function readMultipart(contentType: string, source: AsyncIterable<Uint8Array>): Promise<MediaPart> {
	const boundary = readBoundary(contentType);
	const reader = new PartReader(source);
	const delimiter = Buffer.from(`${CRLF}--${boundary}`);
	// What stands before the first boundary is nothing; the boundary may be the very first bytes.
	reader.prepend(Buffer.from(CRLF));
	await reader.readUntil(delimiter, HEAD_BYTES_MAX);
	await readHeaders(reader);
	await reader.readUntil(delimiter, METADATA_BYTES_MAX);
	const headers = await readHeaders(reader);
	return {headers, body: reader.streamUntil(delimiter)};
}

function readBoundary(contentType: string): string {
	const match = /^multipart\/mixed\s*;(?:.*;)?\s*boundary=(?:"(?<quoted>[^"]+)"|(?<bare>[^\s;]+))/iu.exec(contentType);
	const boundary = match?.groups?.['quoted'] ?? match?.groups?.['bare'];
	if (boundary === undefined || boundary.length > 70)
		throw new MultipartError('Expected multipart/mixed with a boundary');
	return boundary;
}

/** Reads the lines after a boundary up to the empty one. */
async function readHeaders(reader: PartReader): Promise<Record<string, string>> {
	const rest = await reader.readUntil(Buffer.from(CRLF), HEAD_BYTES_MAX);
	// After the last boundary stand two dashes.
	if (!/^[ \t]*$/u.test(rest.toString('latin1'))) throw new MultipartError('Expected another part');
	const headers = new Map<string, string>();
	let sizeBytes = 0;
	for (;;) {
		const line = (await reader.readUntil(Buffer.from(CRLF), HEAD_BYTES_MAX)).toString('utf8');
		if (line === '') return Object.fromEntries(headers);
		sizeBytes += line.length;
		const colon = line.indexOf(':');
		if (colon < 1 || sizeBytes > HEAD_BYTES_MAX) throw new MultipartError('Expected headers of a part');
		headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
	}
}

/** Reads a stream piece by piece. */
class PartReader {
	readonly #source: AsyncIterator<Uint8Array>;
	#held: Buffer = Buffer.alloc(0);

	constructor(source: AsyncIterable<Uint8Array>) {
		this.#source = source[Symbol.asyncIterator]();
	}

	/** Puts bytes in front of what comes. */
	prepend(bytes: Buffer): void {
		this.#held = Buffer.concat([bytes, this.#held]);
	}

	/** Gives what stands before a delimiter, which is passed over. */
	async readUntil(delimiter: Buffer, sizeBytesMax: number): Promise<Buffer> {
		for (;;) {
			const index = this.#held.indexOf(delimiter);
			if (index !== -1) {
				const found = this.#held.subarray(0, index);
				this.#held = this.#held.subarray(index + delimiter.length);
				return found;
			}
			if (this.#held.length > sizeBytesMax) throw new MultipartError('Expected a smaller head');
			await this.#readMore();
		}
	}

	/** Gives bytes as they come up to a delimiter, then ends the source. */
	async *streamUntil(delimiter: Buffer): AsyncGenerator<Uint8Array, void, void> {
		try {
			for (;;) {
				const index = this.#held.indexOf(delimiter);
				if (index !== -1) {
					if (index > 0) yield this.#held.subarray(0, index);
					return;
				}
				// The end of what is held may be the start of the delimiter.
				const certain = this.#held.length - delimiter.length + 1;
				if (certain > 0) {
					yield this.#held.subarray(0, certain);
					this.#held = this.#held.subarray(certain);
				}
				await this.#readMore();
			}
		} finally {
			await this.#source.return?.();
		}
	}

	async #readMore(): Promise<void> {
		const {done, value} = await this.#source.next();
		if (done === true) throw new MultipartError('Expected a boundary, got the end');
		this.#held = this.#held.length === 0 ? Buffer.from(value) : Buffer.concat([this.#held, value]);
	}
}
