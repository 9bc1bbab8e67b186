import {LRUCache} from 'lru-cache';
import {tooManyTries} from './errors.ts';

/** Mistakes in a row that cost nothing: people mistype. */
const FREE_TRIES = 5;
const FIRST_WAIT_MS = 1000;
/** Whoever guesses has then a hundred tries a day; whoever forgot comes again after a cup of tea. */
const WAIT_MS_MAX = 15 * 60 * 1000;
/** After this time without a try, a name is as good as new. */
const FORGOTTEN_MS = 60 * 60 * 1000;
/** Pairs of name and source that are kept; each takes some 200 bytes. */
const PAIRS_MAX = 50_000;

/**
 * What is tried at a name from one source: after some mistakes each further try waits twice as long as the one before. It
 * is counted by what is claimed, whether anybody has the name or not, and from elsewhere its owner gets in.
 */
export interface Tries {
	/**
	 * Counts a try, before it is known whether it is right.
	 * @param source a network, or a session of a browser that is signed in
	 * @throws SecondFactorError 'too-many-tries'
	 */
	take(name: string, source: string): void;
	/** Forgets the mistakes: the try was right. */
	clear(name: string, source: string): void;
}

/** Makes the counts of one process. */
export function createTries(now: () => number): Tries {
	const pairs = new LRUCache<string, {count: number; nextMs: number; lastMs: number}>({
		maxSize: PAIRS_MAX,
		sizeCalculation: () => 1,
	});
	const keyOf = (name: string, source: string): string => JSON.stringify([name, source]);
	return {
		take(name, source) {
			const key = keyOf(name, source);
			const nowMs = now();
			const found = pairs.get(key);
			const pair = found === undefined || nowMs - found.lastMs > FORGOTTEN_MS ? {count: 0, nextMs: nowMs} : found;
			if (pair.nextMs > nowMs) throw tooManyTries(pair.nextMs - nowMs);
			const count = pair.count + 1;
			const waitMs = count < FREE_TRIES ? 0 : Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (count - FREE_TRIES));
			pairs.set(key, {count, nextMs: nowMs + waitMs, lastMs: nowMs});
		},
		clear: (name, source) => void pairs.delete(keyOf(name, source)),
	};
}
