import type {Clock} from '../../federation/engine/index.ts';

/** Something that begins once, for which several wait. */
export class Beginning {
	readonly #waiting = new Set<() => void>();
	#hasBegun = false;

	announce(): void {
		this.#hasBegun = true;
		for (const wake of this.#waiting) wake();
	}

	/** Waits so long at most; whether it has begun. */
	async wait(delayMs: number, clock: Clock): Promise<boolean> {
		if (!this.#hasBegun) {
			await new Promise<void>((resolve) => {
				const timer = clock.setTimer(delayMs, resolve);
				this.#waiting.add(() => {
					timer.cancel();
					resolve();
				});
			});
		}
		return this.#hasBegun;
	}
}
