/** Numbers from here on do not fit: they are no integers any more. */
const NUMBER_END = 2 ** 53;

/** Bytes that a writer begins with: enough for a position. */
const SIZE_FIRST = 1_024;
/** Bytes of the longest number. */
const NUMBER_BYTES_MAX = 8;

/** Writes numbers and texts one after the other, small numbers in few bytes. */
export class ByteWriter {
	#bytes = Buffer.allocUnsafe(SIZE_FIRST);
	#length = 0;

	/** Writes an integer from 0 to 2^53 − 1, seven bits a byte. */
	number(value: number): void {
		this.#makeRoom(NUMBER_BYTES_MAX);
		let rest = value;
		while (rest >= 0x80) {
			this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
			rest = Math.floor(rest / 0x80);
		}
		this.#bytes[this.#length++] = rest;
	}

	text(value: string): void {
		const length = Buffer.byteLength(value, 'utf8');
		this.number(length);
		this.#makeRoom(length);
		this.#length += this.#bytes.write(value, this.#length, 'utf8');
	}

	take(): Uint8Array {
		return this.#bytes.subarray(0, this.#length);
	}

	#makeRoom(length: number): void {
		if (this.#length + length <= this.#bytes.length) return;
		const larger = Buffer.allocUnsafe(2 * (this.#bytes.length + length));
		this.#bytes.copy(larger);
		this.#bytes = larger;
	}
}

/** Reads what a writer has written. @throws RangeError where it is something else */
export class ByteReader {
	readonly #bytes: Uint8Array;
	#next = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	number(): number {
		let value = 0;
		for (let factor = 1; factor < NUMBER_END; factor *= 0x80) {
			const byte = this.#bytes[this.#next];
			if (byte === undefined) break;
			this.#next += 1;
			value += (byte & 0x7f) * factor;
			if (byte < 0x80 && value < NUMBER_END) return value;
		}
		throw new RangeError('expected a number');
	}

	text(): string {
		const length = this.number();
		const end = this.#next + length;
		if (end > this.#bytes.length) throw new RangeError('expected a text');
		const text = Buffer.from(this.#bytes.subarray(this.#next, end)).toString('utf8');
		this.#next = end;
		return text;
	}
}
