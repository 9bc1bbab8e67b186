import {setImmediate as nextTurn} from 'node:timers/promises';
import {type Clock, pause} from '../../federation/engine/index.ts';

/** For each millisecond that a job works it rests so many: it takes a quarter of the time at most. */
const REST_FACTOR = 3;
/** The longest rest: what took long was mostly a wait for others. */
const REST_MS_MAX = 100;

/** Gives what a job awaits between its pages; false once the signal is aborted. */
export function createPace(clock: Clock, signal: AbortSignal): () => Promise<boolean> {
	let startMs = clock.monotonic();
	return async () => {
		const workedMs = clock.monotonic() - startMs;
		await nextTurn();
		if (workedMs >= 1 && !signal.aborted) await pause(clock, Math.min(workedMs * REST_FACTOR, REST_MS_MAX), signal);
		startMs = clock.monotonic();
		return !signal.aborted;
	};
}
