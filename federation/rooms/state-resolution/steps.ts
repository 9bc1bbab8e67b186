/**
 * Work that is done in steps: whoever drives it may let others have their turn in between, or leave it. Nothing in it
 * depends on when the next step is taken.
 */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Takes all steps at once. */
export function finish<Result>(steps: Steps<Result>): Result {
	for (;;) {
		const step = steps.next();
		if (step.done === true) return step.value;
	}
}
