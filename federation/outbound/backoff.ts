import type {CursorFailure} from '../../storage/index.ts';
import type {Random} from '../engine/index.ts';

/** The first retries come soon: most failures are restarts. */
const DELAY_MIN_MS = 2000;
/** A server that is gone for weeks costs four requests a day. */
const DELAY_MAX_MS = 6 * 3_600_000;
/** What a peer may ask us to wait, with `Retry-After`. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * Gives when to try again after one more failure. The delay is half of the time that the server has been failing, so that
 * it is found at most half as late again as it was down, whether that was a minute or a day; a fifth more or less by
 * chance, so that servers which failed together do not return together.
 */
export function nextFailure(
	previous: CursorFailure | null,
	now: number,
	random: Random,
	retryAfterMs = 0,
): CursorFailure {
	// A clock that was set back must not make the time of failing negative.
	const sinceTs = Math.min(previous?.sinceTs ?? now, now);
	const delayMs = Math.min(DELAY_MAX_MS, Math.max(DELAY_MIN_MS, (now - sinceTs) / 2));
	const spreadMs = Math.round(delayMs * (0.8 + random.below(401) / 1000));
	return {
		sinceTs,
		attempts: (previous?.attempts ?? 0) + 1,
		retryTs: now + Math.max(spreadMs, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS)),
	};
}

/** Gives how long to wait until the next attempt; 0: it is due. A clock that jumped does not make it longer than ever. */
export function timeUntilRetry({retryTs}: CursorFailure, now: number): number {
	return Math.min(Math.max(0, retryTs - now), DELAY_MAX_MS * 1.2);
}
