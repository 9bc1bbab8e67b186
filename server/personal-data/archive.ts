import {Readable, type Writable} from 'node:stream';
import {finished, pipeline} from 'node:stream/promises';
import {ZipFile} from 'yazl';
import type {JsonValue} from '../../crypto/index.ts';

/** Readable and writable by their owner alone, as far as who unpacks them keeps that. */
const FILE_MODE = 0o100600;

/** A zip that is written file by file, each as it is read: nothing is held in memory but what is on its way. */
export class Archive {
	readonly #zip = new ZipFile();
	readonly #written: Promise<void>;
	readonly #madeAt: Date;

	/** @param sink ended when the archive is, and destroyed where it fails */
	constructor(sink: Writable, madeAtMs: number) {
		const output = this.#zip.outputStream as Readable;
		this.#zip.on('error', (error: Error) => output.destroy(error));
		this.#written = pipeline(output, sink);
		// Whoever adds or ends is told; between the two there may be nobody.
		this.#written.catch(() => undefined);
		this.#madeAt = new Date(madeAtMs);
	}

	/** Adds a file that is read from a stream, and waits until it is. @throws what the source or the sink throws */
	async add(path: string, source: Readable, {isCompressed}: {readonly isCompressed: boolean}): Promise<void> {
		const options = {mtime: this.#madeAt, mode: FILE_MODE, compress: isCompressed};
		const read = finished(source);
		this.#zip.addReadStream(source, path, options);
		try {
			// A sink that failed reads no further.
			await Promise.race([read, this.#written]);
		} finally {
			source.destroy();
		}
	}

	/** Adds a file of JSON. */
	async addJson(path: string, value: JsonValue): Promise<void> {
		await this.addText(path, [`${JSON.stringify(value, null, '\t')}\n`]);
	}

	/** Adds a file of pieces of text, each made when its turn comes. */
	async addText(path: string, pieces: Iterable<string> | AsyncIterable<string>): Promise<void> {
		await this.add(path, Readable.from(pieces, {objectMode: false}), {isCompressed: true});
	}

	/** Ends the archive; it is whole in the sink when the promise resolves. */
	async end(): Promise<void> {
		this.#zip.end();
		await this.#written;
	}

	/** Gives up: the sink is destroyed. */
	async abort(cause: unknown): Promise<void> {
		(this.#zip.outputStream as Readable).destroy(cause instanceof Error ? cause : new Error('aborted', {cause}));
		await this.#written.catch(() => undefined);
	}
}
