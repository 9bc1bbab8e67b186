import type {Clock} from './seams.ts';

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

/** Lets everything else that waits for this thread have its turn. */
export function breathe(): Promise<void> {
	return new Promise((resolve) => {
		setImmediate(resolve);
	});
}
