/**
 * Lets whatever comes through a few at each turn of the event loop, in the order in which it came: a thousand requests that
 * arrive at once would all be answered in one turn, and everybody else would wait for as long as that takes.
 */
export class Turnstile {
	readonly #perTurn: number;
	#waiting: (() => void)[] = [];

	/** @param perTurn how many pass at each turn */
	constructor(perTurn: number) {
		this.#perTurn = perTurn;
	}

	/** Waits until it is one's turn: the next one, where nobody waits. */
	pass(): Promise<void> {
		return new Promise((resolve) => {
			this.#waiting.push(resolve);
			if (this.#waiting.length === 1) setImmediate(this.#turn);
		});
	}

	readonly #turn = (): void => {
		for (const letThrough of this.#waiting.splice(0, this.#perTurn)) letThrough();
		if (this.#waiting.length > 0) setImmediate(this.#turn);
	};
}
