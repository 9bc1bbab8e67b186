/**
 * What a user's rules may compare of one event, in steps of about two nanoseconds. It is enough for all rules that a user
 * may have and the longest body where they name words, and for some dozen with `?`; without it, a user's rules would cost
 * more time per message than a room full of people.
 */
const STEPS_MAX = 5_000_000;
/** The steps that a character costs a search by bits beside one for each word of them. */
const STEPS_OF_TURN = 4;
/** The characters that the runtime's own search passes in one step. */
const CHARACTERS_OF_STEP = 8;

/** What the evaluation of one event by one user's rules has used up, and what it need not make twice. */
export class Effort {
	#left = STEPS_MAX;
	readonly #lowered = new Map<string, string>();

	/** Gives a text in lower case. */
	lower(text: string): string {
		let lowered = this.#lowered.get(text);
		if (lowered === undefined) {
			lowered = text.toLowerCase();
			this.#lowered.set(text, lowered);
		}
		return lowered;
	}

	/** Whether nothing is left. */
	get isSpent(): boolean {
		return this.#left <= 0;
	}

	/** Takes what a look at each of so many elements costs. */
	spend(length: number): void {
		this.#left -= length / CHARACTERS_OF_STEP;
	}

	/** Takes what a search by bits through so many characters costs. */
	spendByBits(length: number, words: number): void {
		this.#left -= length * (STEPS_OF_TURN + words);
	}
}
