import {LRUCache} from 'lru-cache';

/** Longer ones are read anew each time. */
const BODY_BYTES_MAX = 16 * 1024;
/** Bytes of bodies that are held, of all routes that remember any; what they hold once read is a few times that. */
const HELD_BYTES_MAX = 2 * 1024 * 1024;
/** What an entry takes beside its text. */
const ENTRY_BYTES = 256;

/**
 * Bodies that were read and checked before, by their bytes: clients that poll send the same question for hours, and
 * reading it costs more than finding that there is nothing new.
 */
export class RememberedBodies {
	readonly #bodies = new LRUCache<string, object>({
		maxSize: HELD_BYTES_MAX,
		sizeCalculation: (_, key) => key.length + ENTRY_BYTES,
	});

	/**
	 * Gives what was read of the same bytes for the same route before, or reads them.
	 * @throws what `read` throws; nothing is remembered then
	 */
	get(routeId: string, bytes: Uint8Array, read: () => unknown): unknown {
		if (bytes.length > BODY_BYTES_MAX) return read();
		// One character for each byte: two bodies are never taken for each other.
		const key = `${routeId} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`;
		const known = this.#bodies.get(key);
		if (known !== undefined) return known;
		const body = read();
		if (typeof body === 'object' && body !== null) this.#bodies.set(key, body);
		return body;
	}
}
