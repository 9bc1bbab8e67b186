import {limitExceeded, MatrixError} from './errors.ts';
import type {RateLimitClass} from './rate-limit.ts';

/** How much of one kind of work is taken on. */
export interface Budget {
	/** Requests that are being done at a time; another kind of work never uses them up. */
	readonly underwayMax: number;
	/** The event loop may be so late, in milliseconds, before this kind of work is refused. */
	readonly lateMsMax: number;
}

/**
 * Kinds of work, those first that are refused first. Whoever cannot sign in comes again in a while, and so does who wants
 * a picture; a conversation that is under way goes on as long as it can, and what other servers have to tell is taken to
 * the last, because they keep it and send more.
 */
export const budgets = {
	/** The queue of password hashes holds some thirty, and who failed waits a moment for the answer. */
	'sign-in': {underwayMax: 100, lateMsMax: 100},
	/** Open files, and disks that are slow. */
	media: {underwayMax: 500, lateMsMax: 200},
	/** Whatever is none of the others. */
	general: {underwayMax: 1_000, lateMsMax: 400},
	send: {underwayMax: 2_000, lateMsMax: 800},
	federation: {underwayMax: 500, lateMsMax: 1_500},
	/** Nearly all of these wait for news and cost nothing: as many as there are connections. */
	sync: {underwayMax: 20_000, lateMsMax: 1_500},
} as const satisfies Record<string, Budget>;

/** A kind of work. */
export type Work = keyof typeof budgets;

/** Which kind of work the requests of a limit's class are, where they are not `general`. */
const workOfClass: {readonly [Class in RateLimitClass]?: Work} = {
	download: 'media',
	federation: 'federation',
	'federation-membership': 'federation',
	'federation-unsigned': 'federation',
	login: 'sign-in',
	message: 'send',
	registration: 'sign-in',
	'registration-check': 'sign-in',
	'registration-token': 'sign-in',
	sync: 'sync',
	upload: 'media',
};

/** Tells which kind of work a route is; media of other servers' people are media, all else that servers ask is not. */
export function workOf(rateLimit: RateLimitClass, isOfServers: boolean): Work {
	const work = workOfClass[rateLimit] ?? 'general';
	return isOfServers && work !== 'media' ? 'federation' : work;
}

/** When to come again. Longer than it takes to notice that the load has gone. */
const RETRY_AFTER_MS = 2_000;

/**
 * Refuses work while there is too much of it. It looks at nothing but the kind of work and how the server is, before
 * anything of the request is read, so that a refusal says nothing of who or what was asked about.
 */
export class LoadGate {
	readonly #readLateMs: (() => number) | undefined;
	readonly #underway = new Map<Work, number>();
	#refused = 0;

	/** @param readLateMs how late the event loop is; `undefined`: nothing is ever refused */
	constructor(readLateMs: (() => number) | undefined) {
		this.#readLateMs = readLateMs;
	}

	/** How many requests were refused since the start. */
	get refused(): number {
		return this.#refused;
	}

	/** Requests of a kind that are being done. */
	underway(work: Work): number {
		return this.#underway.get(work) ?? 0;
	}

	/**
	 * Refuses a request that could not be taken on just now.
	 * @throws MatrixError 429 for clients, 503 for servers, each with Retry-After
	 */
	check(work: Work): void {
		const {underwayMax, lateMsMax} = budgets[work];
		if (this.#readLateMs === undefined) return;
		if (this.underway(work) < underwayMax && this.#readLateMs() <= lateMsMax) return;
		this.#refused += 1;
		throw work === 'federation' ? overloaded() : limitExceeded(RETRY_AFTER_MS);
	}

	/** Takes on a request that has come whole, until `leave`: whoever sends slowly uses nothing up. @throws as `check` */
	enter(work: Work): void {
		this.check(work);
		this.#underway.set(work, this.underway(work) + 1);
	}

	/** Ends a request that was taken on. */
	leave(work: Work): void {
		this.#underway.set(work, this.underway(work) - 1);
	}
}

function overloaded(): MatrixError {
	return new MatrixError('M_UNKNOWN', 'Too much is going on here just now: try again in a while', {
		status: 503,
		headers: {'retry-after': String(RETRY_AFTER_MS / 1_000)},
	});
}
