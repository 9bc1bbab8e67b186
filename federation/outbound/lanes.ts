/** Which lane a request takes. */
export type Lane = 'healthy' | 'failing';

/** Requests under way at a time in each lane: servers that do not answer wait for each other, and for nobody else. */
const PLACES: Readonly<Record<Lane, number>> = {healthy: 200, failing: 32};

/** Bounds how many transactions are under way, first come, first served. */
export class Lanes {
	readonly #busy: Record<Lane, number> = {healthy: 0, failing: 0};
	readonly #waiting: Record<Lane, (() => void)[]> = {healthy: [], failing: []};

	/** Waits for a place and gives how to leave it. */
	async enter(lane: Lane): Promise<() => void> {
		if (this.#busy[lane] >= PLACES[lane]) await new Promise<void>((resolve) => this.#waiting[lane].push(resolve));
		else this.#busy[lane]++;
		return () => {
			// The place goes on to who waits longest.
			const next = this.#waiting[lane].shift();
			if (next === undefined) this.#busy[lane]--;
			else next();
		};
	}
}
