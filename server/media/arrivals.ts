import type {Clock} from '../../federation/engine/index.ts';

/** Wakes who waits for content that was announced. */
export class Arrivals {
	readonly #waiting = new Map<string, Set<() => void>>();

	announce(mediaId: string): void {
		for (const wake of this.#waiting.get(mediaId) ?? []) wake();
	}

	/** Resolves when the content came, the time is over, or the signal aborts. */
	async wait(mediaId: string, delayMs: number, {clock, signal}: {clock: Clock; signal: AbortSignal}): Promise<void> {
		const waiting = this.#waiting.get(mediaId) ?? new Set();
		this.#waiting.set(mediaId, waiting);
		let wake = (): void => undefined;
		const woken = new Promise<void>((resolve) => {
			wake = resolve;
		});
		waiting.add(wake);
		const timer = clock.setTimer(delayMs, wake);
		signal.addEventListener('abort', wake, {once: true});
		if (signal.aborted) wake();
		await woken;
		timer.cancel();
		signal.removeEventListener('abort', wake);
		waiting.delete(wake);
		if (waiting.size === 0) this.#waiting.delete(mediaId);
	}
}
