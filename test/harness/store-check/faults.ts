/** Faults that are told; beyond, a database is broken enough to be looked at by hand. */
const FAULTS_MAX = 100;

/** What was found wrong, one line each: which row, what was expected. No contents. */
export class Faults {
	readonly #lines: string[] = [];
	#count = 0;

	get lines(): readonly string[] {
		const more = this.#count - this.#lines.length;
		return more > 0 ? [...this.#lines, `and ${more} more`] : this.#lines;
	}

	add(line: string): void {
		this.#count += 1;
		if (this.#lines.length < FAULTS_MAX) this.#lines.push(line);
	}

	/** Adds a fault where the fact does not hold. */
	expect(fact: boolean, line: string): void {
		if (!fact) this.add(line);
	}
}
