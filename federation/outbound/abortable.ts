/** Waits for a promise no longer than until the signal; what it does goes on, its outcome is not looked at. */
export function abortable<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
	return new Promise((resolve, reject) => {
		const abort = (): void => reject(signal.reason as Error);
		if (signal.aborted) abort();
		signal.addEventListener('abort', abort, {once: true});
		const settle = (): void => signal.removeEventListener('abort', abort);
		promise.finally(settle).then(resolve, reject);
	});
}
