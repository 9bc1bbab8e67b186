import {breathe} from '../../crypto/index.ts';
import {EngineError} from './errors.ts';
import type {Clock} from './seams.ts';

/** How late the system may wake somebody who sleeps. */
const WAKE_EARLY_MS = 0.25;

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

/**
 * Waits for the next tick of the grid that began with a question. Timers sleep for whole milliseconds from when they are
 * set: by themselves they would end the wait some tenths of one later for who took some tenths longer to be looked up, and
 * that shows in a few hundred answers. So the last bit is waited for awake, while others are served.
 */
export async function waitForTick(
	clock: Pick<Clock, 'monotonic' | 'setTimer'>,
	begunMs: number,
	gridMs: number,
): Promise<void> {
	const nowMs = clock.monotonic();
	const dueMs = begunMs + gridMs * (Math.floor((nowMs - begunMs) / gridMs) + 1);
	const sleep = (delayMs: number): Promise<void> =>
		new Promise((resolve) => {
			clock.setTimer(delayMs, resolve);
		});
	const asleepMs = Math.floor(dueMs - nowMs - WAKE_EARLY_MS);
	if (asleepMs > 0) await sleep(asleepMs);
	for (let seenMs = clock.monotonic(); seenMs < dueMs; ) {
		await breathe();
		const laterMs = clock.monotonic();
		// A simulated clock stands still as long as anybody is awake.
		if (laterMs === seenMs) await sleep(dueMs - laterMs);
		seenMs = clock.monotonic();
	}
}

/** Gives what is awaited if it comes in time. @throws EngineError('unavailable') where it does not */
export function within<T>(clock: Pick<Clock, 'setTimer'>, timeoutMs: number, awaited: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = clock.setTimer(timeoutMs, () => reject(new EngineError('unavailable', 'no answer in time')));
		awaited.then(resolve, reject).finally(() => timer.cancel());
	});
}
