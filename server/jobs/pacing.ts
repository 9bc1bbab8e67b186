import {setImmediate as nextTurn} from 'node:timers/promises';
import type {Clock} from '../../federation/engine/index.ts';

/** For each millisecond that a job works it rests so many: it takes a quarter of the time at most. */
const REST_FACTOR = 3;
/** The longest rest: what took long was mostly a wait for others. */
const REST_MS_MAX = 100;

/** Waits until a time has gone by or the signal is aborted. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const end = (): void => {
			timer.cancel();
			signal?.removeEventListener('abort', end);
			resolve();
		};
		const timer = clock.setTimer(delayMs, end);
		signal?.addEventListener('abort', end);
		if (signal?.aborted === true) end();
	});
}

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
