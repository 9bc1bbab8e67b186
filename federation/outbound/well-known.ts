import {LRUCache} from 'lru-cache';
import {OutboundError} from './errors.ts';
import type {FetchedAnswer} from './fetch-public.ts';
import {parseServerAddress, type ServerAddress} from './server-address.ts';

/** What `/.well-known/matrix/server` may cost us (threats D1). */
export const WELL_KNOWN_LIMITS = {sizeBytesMax: 50 * 1024, redirectsMax: 3, totalTimeoutMs: 10_000} as const;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The specification's recommended default and bound. */
const TTL_DEFAULT_MS = 24 * HOUR_MS;
const TTL_MAX_MS = 48 * HOUR_MS;
/** A host that forbids caching is still not asked before every request of ours. */
const TTL_MIN_MS = 5 * MINUTE_MS;
/** Failures are kept for two minutes, then twice as long each time, up to the hour that the specification recommends. */
const FAILURE_TTL_MIN_MS = 2 * MINUTE_MS;
const FAILURE_TTL_MAX_MS = HOUR_MS;
const CACHE_ENTRIES_MAX = 10_000;

interface Entry {
	/** `undefined`: no valid answer; discovery goes on without. */
	readonly delegate: ServerAddress | undefined;
	readonly expiresAt: number;
	/** The last valid answer and when it came: still used while its host is down for a while. */
	readonly lastGood: {readonly delegate: ServerAddress; readonly fetchedAt: number} | undefined;
	readonly failures: number;
}

export interface WellKnownOptions {
	/** Gets `https://<host>/.well-known/matrix/server` with redirects followed, or throws. */
	readonly fetch: (host: string) => Promise<FetchedAnswer>;
	readonly now: () => number;
}

/**
 * Finds which server a host name delegates to, from a bounded cache or from the host itself.
 * @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver
 */
export class WellKnown {
	readonly #options: WellKnownOptions;
	readonly #cache = new LRUCache<string, Entry>({maxSize: CACHE_ENTRIES_MAX, sizeCalculation: () => 1});
	readonly #pending = new Map<string, Promise<Entry>>();

	constructor(options: WellKnownOptions) {
		this.#options = options;
	}

	/** Gives the delegate, or `undefined` where there is no valid answer. Never throws. */
	async findDelegate(host: string): Promise<ServerAddress | undefined> {
		const known = this.#cache.get(host);
		if (known !== undefined && known.expiresAt > this.#options.now()) return known.delegate;
		let pending = this.#pending.get(host);
		if (pending === undefined) {
			pending = this.#refresh(host, known).finally(() => this.#pending.delete(host));
			this.#pending.set(host, pending);
		}
		return (await pending).delegate;
	}

	async #refresh(host: string, known: Entry | undefined): Promise<Entry> {
		const answer = await this.#options.fetch(host).catch((error: unknown) => error as Error);
		const now = this.#options.now();
		const delegate = answer instanceof Error ? undefined : parseAnswer(answer);
		const entry =
			delegate === undefined || answer instanceof Error
				? failedEntry(known, isPassing(answer), now)
				: {
						delegate,
						expiresAt: now + findTtlMs(answer.headers, now),
						lastGood: {delegate, fetchedAt: now},
						failures: 0,
					};
		this.#cache.set(host, entry);
		return entry;
	}
}

function failedEntry(known: Entry | undefined, isPassingFailure: boolean, now: number): Entry {
	const failures = (known?.failures ?? 0) + 1;
	const ttlMs = Math.min(FAILURE_TTL_MAX_MS, FAILURE_TTL_MIN_MS * 2 ** Math.min(failures - 1, 10));
	const lastGood = isPassingFailure ? known?.lastGood : undefined;
	const isFresh = lastGood !== undefined && lastGood.fetchedAt + TTL_MAX_MS > now;
	return {delegate: isFresh ? lastGood.delegate : undefined, expiresAt: now + ttlMs, lastGood, failures};
}

/** Whether a failure says nothing about the delegation itself: a host that is down, or overloaded. */
function isPassing(answer: FetchedAnswer | Error): boolean {
	if (answer instanceof OutboundError) return answer.code === 'unreachable' || answer.code === 'timeout';
	return !(answer instanceof Error) && (answer.status >= 500 || answer.status === 429);
}

function parseAnswer({status, body}: FetchedAnswer): ServerAddress | undefined {
	if (status !== 200) return undefined;
	try {
		const json: unknown = JSON.parse(body.toString('utf8'));
		const server =
			typeof json === 'object' && json !== null ? (json as Record<string, unknown>)['m.server'] : undefined;
		return typeof server === 'string' ? parseServerAddress(server) : undefined;
	} catch {
		return undefined;
	}
}

/** Time to keep a valid answer, from `Cache-Control` or else `Expires`. */
function findTtlMs(headers: Readonly<Record<string, string>>, now: number): number {
	const clamp = (ttlMs: number): number => Math.min(TTL_MAX_MS, Math.max(TTL_MIN_MS, ttlMs));
	const control = headers['cache-control']?.toLowerCase() ?? '';
	if (/(?:^|[,\s])no-(?:store|cache)\b/.test(control)) return TTL_MIN_MS;
	const age = /(?:^|[,\s])max-age="?(\d{1,12})/.exec(control)?.[1];
	if (age !== undefined) return clamp(Number(age) * 1000);
	const expires = headers['expires'];
	if (expires === undefined) return TTL_DEFAULT_MS;
	// An invalid date, often `0`, means that it has expired already (RFC 9111 section 5.3).
	const date = Date.parse(expires);
	return clamp(Number.isNaN(date) ? 0 : date - now);
}
