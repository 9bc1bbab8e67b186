import {type IntervalHistogram, monitorEventLoopDelay} from 'node:perf_hooks';

/** How often a timer looks whether it is late. */
const RESOLUTION_MS = 20;
/** How often what the timer saw is taken together. */
const SAMPLE_MS = 250;
/** What a sample counts against those before: one stop of a third of a second is no overload, three in a row are. */
const WEIGHT = 0.3;
const NANOSECONDS = 1e6;

/** Measures how late the event loop is: how long something that is due waits for its turn. */
export class LoopMeter {
	readonly #histogram: IntervalHistogram = monitorEventLoopDelay({resolution: RESOLUTION_MS});
	readonly #timer: NodeJS.Timeout;
	#lateMs = 0;

	/** Begins at once. It keeps no process alive. */
	constructor() {
		this.#histogram.enable();
		this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
	}

	/** The mean of the last second or so, in milliseconds. */
	get lateMs(): number {
		return this.#lateMs;
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#histogram.disable();
	}

	#sample(): void {
		// Without a single look within the time there is no mean.
		const {count, mean} = this.#histogram;
		const lateMs = count === 0 ? 0 : Math.max(0, mean / NANOSECONDS - RESOLUTION_MS);
		this.#lateMs += WEIGHT * (lateMs - this.#lateMs);
		this.#histogram.reset();
	}
}
