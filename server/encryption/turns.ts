/** Runs tasks of the same key one after the other, in the order they came; those of different keys at once. */
export class Turns<Key> {
	readonly #last = new Map<Key, Promise<unknown>>();

	/** Runs a task when all earlier ones of its key have ended, whatever became of them, and settles as it does. */
	run<T>(key: Key, task: () => Promise<T>): Promise<T> {
		const before = this.#last.get(key);
		const turn = before === undefined ? task() : before.then(task, task);
		this.#last.set(key, turn);
		const leave = (): void => {
			if (this.#last.get(key) === turn) this.#last.delete(key);
		};
		turn.then(leave, leave);
		return turn;
	}
}
