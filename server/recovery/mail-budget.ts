/** Mails that may go out at once. */
const MAILS_MAX = 50;
/** And then one each so often: a relay takes some hundreds in an hour from a small server. */
const MAIL_EVERY_MS = 5_000;

/**
 * How many mails all who have lost their passwords are sent together, as one process counts. Where it is used up, those are
 * still written to who have no link that is good yet: whoever asks for others keeps nobody from theirs.
 */
export class MailBudget {
	readonly #now: () => number;
	#mails = MAILS_MAX;
	#countedMs: number;

	/** @param now milliseconds of a clock that does not jump */
	constructor(now: () => number) {
		this.#now = now;
		this.#countedMs = now();
	}

	get isUsedUp(): boolean {
		const nowMs = this.#now();
		this.#mails = Math.min(MAILS_MAX, this.#mails + (nowMs - this.#countedMs) / MAIL_EVERY_MS);
		this.#countedMs = nowMs;
		return this.#mails < 1;
	}

	/** Counts a mail that went out. */
	spend(): void {
		this.#mails = Math.max(0, this.#mails - 1);
	}
}
