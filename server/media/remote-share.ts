import {LRUCache} from 'lru-cache';
import type {ServerName} from '../../crypto/index.ts';
import type {MediaDependencies} from './dependencies.ts';
import {MediaError} from './errors.ts';

/** Part of the cache that one server may fill in a day, and keep when others want room. */
const SHARE = 1 / 4;
/** Servers whose sums are remembered; to be forgotten sooner one would need so many servers that answer. */
const ORIGINS_MAX = 10_000;
const DAY_MS = 86_400_000;

/** Bytes of one server's files that others have to bear; one file always has room. */
export function shareOf(cacheBytesMax: number, uploadBytesMax: number): number {
	return Math.max(cacheBytesMax * SHARE, uploadBytesMax);
}

/** Holds every other server to its share of what comes here in a day, whoever asks for its files, kept or broken off. */
export class RemoteShare {
	readonly #dependencies: MediaDependencies;
	readonly #bytes = new LRUCache<ServerName, number>({maxSize: ORIGINS_MAX, sizeCalculation: () => 1});
	#day = 0;

	constructor(dependencies: MediaDependencies) {
		this.#dependencies = dependencies;
	}

	/** Notes bytes that came from a server; of none, asks whether more may come. @throws MediaError 'remote-too-much' */
	note(origin: ServerName, bytes: number): void {
		const {cacheBytesMax, uploadBytesMax, clock} = this.#dependencies;
		if (cacheBytesMax === undefined) return;
		const today = Math.floor(clock.now() / DAY_MS);
		if (today !== this.#day) this.#bytes.clear();
		this.#day = today;
		const sum = (this.#bytes.get(origin) ?? 0) + bytes;
		if (bytes > 0) this.#bytes.set(origin, sum);
		if (sum > shareOf(cacheBytesMax, uploadBytesMax)) {
			throw new MediaError('remote-too-much', 'That server has sent as much today as one server may');
		}
	}

	/** Gives what comes, as long as more may. */
	async *meter(origin: ServerName, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
		for await (const chunk of source) {
			this.note(origin, chunk.length);
			yield chunk;
		}
	}
}
