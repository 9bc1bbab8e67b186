import {randomBytes, randomInt} from 'node:crypto';
import type {Clock, Random, Timer} from './seams.ts';

/** What Node can wait for at once; a longer delay would fire at once instead. */
const NODE_DELAY_MAX_MS = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	setTimer: setSystemTimer,
};

/** The operating system's randomness, fit for tokens and keys. */
export const systemRandom: Random = {
	bytes: (count) => randomBytes(count),
	below: (bound) => randomInt(bound),
};

function setSystemTimer(delayMs: number, run: () => void): Timer {
	const dueAt = performance.now() + delayMs;
	let handle: NodeJS.Timeout;
	const wait = (): void => {
		const leftMs = Math.ceil(Math.max(0, dueAt - performance.now()));
		// A wake-up of a long wait may only measure what is left: 24.8 days is all that Node can wait for.
		handle = leftMs > NODE_DELAY_MAX_MS ? setTimeout(wait, NODE_DELAY_MAX_MS) : setTimeout(run, leftMs);
		handle.unref();
	};
	wait();
	return {cancel: () => clearTimeout(handle)};
}
