/**
 * Runs tasks about one subject one after the other, and those about others at the same time: for what is read and then
 * written, such as somebody's membership.
 */
export class Turns {
	readonly #last = new Map<string, Promise<unknown>>();

	async run<T>(subject: string, task: () => Promise<T>): Promise<T> {
		// Whoever comes next waits for the end of this turn, not for its success.
		const turn = (this.#last.get(subject) ?? Promise.resolve()).then(task, task);
		this.#last.set(subject, turn);
		try {
			return await turn;
		} finally {
			if (this.#last.get(subject) === turn) this.#last.delete(subject);
		}
	}
}
