/** Lets everything else that waits for this thread have its turn: long work that never waits calls it now and then. */
export function breathe(): Promise<void> {
	return new Promise((resolve) => {
		setImmediate(resolve);
	});
}
