import type {Clock} from '../../federation/engine/index.ts';

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
	nowMs: number;
	#timers: {dueMs: number; run: () => void}[] = [];

	constructor(startMs = Date.UTC(2026, 0, 1)) {
		this.nowMs = startMs;
	}

	now(): number {
		return this.nowMs;
	}

	monotonic(): number {
		return this.nowMs;
	}

	setTimer(delayMs: number, run: () => void): {cancel: () => void} {
		const timer = {dueMs: this.nowMs + delayMs, run};
		this.#timers.push(timer);
		return {cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer))};
	}

	/** How many timers wait. */
	get waiting(): number {
		return this.#timers.length;
	}

	/** Milliseconds until the next timer is due, if there is one. */
	nextDelay(): number | undefined {
		const delays = this.#timers.map(({dueMs}) => dueMs - this.nowMs);
		return delays.length === 0 ? undefined : Math.min(...delays);
	}

	advance(delayMs: number): void {
		this.nowMs += delayMs;
		const due = this.#timers.filter(({dueMs}) => dueMs <= this.nowMs);
		this.#timers = this.#timers.filter(({dueMs}) => dueMs > this.nowMs);
		for (const {run} of due) run();
	}
}
