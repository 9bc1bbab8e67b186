import type {CursorFailure} from '../../storage/index.ts';
import type {Random} from '../engine/index.ts';

/** The first retries come soon: most failures are restarts. */
const DELAY_MIN_MS = 2000;
/** How soon it is tried again as time goes by. */
export interface Pace {
	/** The delay, as a share of the time that it has been failing. */
	readonly ofFailing: number;
	readonly delayMaxMs: number;
}

/**
 * For another server: each attempt is one probe, nineteen or so in a week. It is found at most as late again as it was
 * down, and at once when it says anything itself, as a server that comes back mostly does, or answers any other request.
 */
export const SERVER_PACE: Pace = {ofFailing: 1, delayMaxMs: 48 * 3_600_000};
/** For what only ever listens: found at most half as late again as it was down; gone for weeks it costs four requests a day. */
export const LISTENER_PACE: Pace = {ofFailing: 0.5, delayMaxMs: 6 * 3_600_000};
/** What a peer may ask us to wait, with `Retry-After`. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * Gives when to try again after one more failure. The delay is a share of the time that it has been failing, whether that
 * was a minute or a day; a fifth more or less by chance, so that those which failed together do not return together.
 */
export function nextFailure(
	previous: CursorFailure | null,
	now: number,
	pace: Pace,
	random: Random,
	retryAfterMs = 0,
): CursorFailure {
	// A clock that was set back must not make the time of failing negative.
	const sinceTs = Math.min(previous?.sinceTs ?? now, now);
	const delayMs = Math.min(pace.delayMaxMs, Math.max(DELAY_MIN_MS, (now - sinceTs) * pace.ofFailing));
	const spreadMs = Math.round(delayMs * (0.8 + random.below(401) / 1000));
	return {
		sinceTs,
		attempts: (previous?.attempts ?? 0) + 1,
		retryTs: now + Math.max(spreadMs, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS)),
	};
}

/** Gives how long to wait until the next attempt; 0: it is due. A clock that jumped does not make it longer than ever. */
export function timeUntilRetry({retryTs}: CursorFailure, now: number, {delayMaxMs}: Pace): number {
	return Math.min(Math.max(0, retryTs - now), delayMaxMs * 1.2);
}
