/** Thrown at once where waiting would take too long; the caller may come again later. */
export class BusyError extends Error {
	override name = 'BusyError' as const;
	/** When to come again, as a guess. */
	readonly retryAfterMs: number;
	constructor(retryAfterMs: number) {
		super('Expected a place in the queue, got a full one');
		this.retryAfterMs = retryAfterMs;
	}
}

/** Lets so many tasks run at a time; others wait their turn, first come, first served, in a queue that has an end. */
export class Semaphore {
	readonly #waiting: (() => void)[] = [];
	readonly #waitingMax: number;
	readonly #retryAfterMs: number;
	#free: number;

	constructor(options: {readonly permits: number; readonly waitingMax: number; readonly retryAfterMs: number}) {
		this.#free = options.permits;
		this.#waitingMax = options.waitingMax;
		this.#retryAfterMs = options.retryAfterMs;
	}

	/** How many tasks wait. */
	get waiting(): number {
		return this.#waiting.length;
	}

	/** Runs a task when its turn has come and settles as it does; rejects with {@link BusyError} if the queue is full. */
	async run<T>(task: () => Promise<T>): Promise<T> {
		await this.#acquire();
		try {
			return await task();
		} finally {
			this.#release();
		}
	}

	#acquire(): Promise<void> | undefined {
		if (this.#free > 0) {
			this.#free -= 1;
			return undefined;
		}
		if (this.#waiting.length >= this.#waitingMax) throw new BusyError(this.#retryAfterMs);
		return new Promise((resolve) => {
			this.#waiting.push(resolve);
		});
	}

	#release(): void {
		// The permit is handed to the first in the queue, so that nobody who comes meanwhile can take it.
		const next = this.#waiting.shift();
		if (next === undefined) this.#free += 1;
		else next();
	}
}
