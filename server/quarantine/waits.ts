import type {UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';

/** Requests that wait for something about their person to change. Holds nothing of the database. */
export class Waits {
	readonly #clock: Clock;
	readonly #wakers = new Map<string, Set<() => void>>();
	readonly #stop: () => void;

	constructor(storage: Pick<Storage, 'onCommitted'>, clock: Clock) {
		this.#clock = clock;
		this.#stop = storage.onCommitted((changes) => {
			for (const {kind, subject} of changes) {
				if (kind === 'account' || kind === 'device') this.#wake(subject ?? '');
			}
		});
	}

	/** Waits until something holds, the time is up, or the client is gone; whether it does still not hold. */
	async until(
		userId: UserId,
		holds: () => Promise<boolean>,
		{timeoutMs, signal}: {readonly timeoutMs: number; readonly signal: AbortSignal},
	): Promise<boolean> {
		const endMs = this.#clock.monotonic() + timeoutMs;
		for (;;) {
			// Listening before looking: what changes in between is looked at once more.
			const change = this.#listen(userId, endMs - this.#clock.monotonic(), signal);
			const isOver = await holds();
			if (isOver || signal.aborted || this.#clock.monotonic() >= endMs) {
				change.cancel();
				return !isOver;
			}
			await change.happened;
		}
	}

	close(): void {
		this.#stop();
		for (const userId of this.#wakers.keys()) this.#wake(userId);
	}

	#listen(userId: UserId, timeoutMs: number, signal: AbortSignal): {happened: Promise<void>; cancel: () => void} {
		let cancel = (): void => undefined;
		const happened = new Promise<void>((resolve) => {
			const wakers = this.#wakers.get(userId) ?? new Set();
			this.#wakers.set(userId, wakers.add(end));
			const timer = this.#clock.setTimer(Math.max(0, timeoutMs), end);
			signal.addEventListener('abort', end);
			function end(): void {
				cancel();
				resolve();
			}
			cancel = () => {
				timer.cancel();
				signal.removeEventListener('abort', end);
				wakers.delete(end);
				if (wakers.size === 0 && this.#wakers.get(userId) === wakers) this.#wakers.delete(userId);
			};
		});
		return {happened, cancel};
	}

	#wake(userId: string): void {
		// A wake takes itself out, which an iteration over a set allows.
		for (const wake of this.#wakers.get(userId) ?? []) wake();
	}
}
