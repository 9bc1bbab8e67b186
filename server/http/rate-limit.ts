import {hash, randomBytes} from 'node:crypto';
import {limitExceeded} from './errors.ts';

/** A token bucket: how fast it fills, and how much it holds. */
export interface Rate {
	readonly perSecond: number;
	readonly burst: number;
}

/**
 * The classes of requests that are limited together, for each caller (user, server, or address of a stranger).
 * `…-name…` classes count by what a stranger claims, whether or not it exists, and `…-whole` classes everybody together:
 * handlers spend those themselves.
 */
export const defaultRates = {
	/** Whatever names no class of its own. */
	general: {perSecond: 50, burst: 200},
	/** Events, to-device messages, receipts: what a person's typing and their client's housekeeping cause. */
	message: {perSecond: 20, burst: 100},
	sync: {perSecond: 20, burst: 100},
	join: {perSecond: 0.5, burst: 20},
	invite: {perSecond: 0.5, burst: 30},
	'room-creation': {perSecond: 0.1, burst: 20},
	/** Looking for people, rooms and aliases. */
	search: {perSecond: 1, burst: 20},
	keys: {perSecond: 10, burst: 100},
	upload: {perSecond: 1, burst: 50},
	download: {perSecond: 20, burst: 200},
	report: {perSecond: 0.05, burst: 10},
	/** By address. Each try costs a password hash. */
	login: {perSecond: 0.17, burst: 10},
	/** By claimed user name and address: 5 tries, then one each three minutes. */
	'login-name': {perSecond: 1 / 180, burst: 5},
	/** By claimed user name, from everywhere. Nobody is refused for it: where it is empty, the next class counts as well. */
	'login-name-everywhere': {perSecond: 1 / 60, burst: 100},
	/** By claimed user name and address, while many places try at the name: one try, then one an hour. */
	'login-name-besieged': {perSecond: 1 / 3600, burst: 1},
	/** By user and a device of theirs that signs in again, before all others, so that no stranger keeps them out. */
	'login-device': {perSecond: 1 / 180, burst: 5},
	/**
	 * Of all together, on devices that are not known: as many as hash passwords without keeping others waiting. Nobody is
	 * refused for it: where it is empty, the next class counts as well.
	 */
	'login-whole': {perSecond: 10, burst: 100},
	/** By place (IPv4, or an IPv6 /48), while many places try to sign in: one try, then one an hour. */
	'login-besieged': {perSecond: 1 / 3600, burst: 1},
	registration: {perSecond: 0.1, burst: 10},
	/** Of all together. */
	'registration-whole': {perSecond: 1, burst: 100},
	/** Of all together: clients that register and devices that begin to sign in by OAuth, which costs them nothing. */
	'oauth-whole': {perSecond: 1, burst: 100},
	/** Questions that tell whether a name is taken: 5 a minute. */
	'registration-check': {perSecond: 5 / 60, burst: 5},
	/** Tries that tell whether a registration token is good: 5 a minute. */
	'registration-token': {perSecond: 5 / 60, burst: 5},
	/** By address: tokens and codes of the OAuth API that are not good. Those that are good are never counted. */
	'token-failure': {perSecond: 0.2, burst: 30},
	/** Of all together. Nobody is refused for it: where it is empty, the next class counts as well. */
	'token-failure-whole': {perSecond: 5, burst: 500},
	/** By address, while many places try tokens: three, then one a minute. */
	'token-failure-besieged': {perSecond: 1 / 60, burst: 3},
	/** By address: links that are to be mailed. */
	'mail-link': {perSecond: 1 / 60, burst: 5},
	/** Of all together: links to addresses that are nobody's yet, those that people of this server ask for apart from others. */
	'mail-link-whole': {perSecond: 0.2, burst: 50},
	/** Of all together: links for who has lost a password. Few lead to a mail; as many as background jobs do beside all else. */
	'recovery-whole': {perSecond: 20, burst: 2000},
	/** By address: requests with a token that is not known. */
	'unknown-token': {perSecond: 5, burst: 100},
	/** By the host of the origin, whatever its port. */
	federation: {perSecond: 100, burst: 500},
	/** By origin's host: questions about profiles and aliases, which servers ask when a person looks for something. */
	'federation-query': {perSecond: 10, burst: 100},
	/** By origin's host: questions about keys and devices, which come in crowds when a server enters a room. */
	'federation-keys': {perSecond: 50, burst: 500},
	/** By origin's host: joins, knocks and invites of other servers. */
	'federation-membership': {perSecond: 1, burst: 60},
	/** By address: requests to other servers' endpoints before their signature is checked. */
	'federation-unsigned': {perSecond: 100, burst: 500},
} as const satisfies Record<string, Rate>;

/** A row of the table of limits. */
export type RateLimitClass = keyof typeof defaultRates;

/** Limits of this server: those above, none, or those above with some replaced. */
export type RateLimits = 'default' | 'off' | {readonly [Class in RateLimitClass]?: Rate};

/** Buckets kept at most; the least recently used goes first, and a bucket that is full is as good as none. */
const bucketsMax = 100_000;
const saltLifetimeMs = 86_400_000;

interface Bucket {
	tokens: number;
	updatedMs: number;
}

/**
 * Token buckets in bounded memory. Callers are kept only as hashes under a salt that is replaced daily, so that memory
 * and core dumps do not list who was here.
 */
export class RateLimiter {
	readonly #rates: Readonly<Record<string, Rate>> | undefined;
	readonly #now: () => number;
	readonly #buckets = new Map<string, Bucket>();
	#salt = randomBytes(16).toString('base64');
	#saltedMs: number;

	/** @param now milliseconds of a clock that does not jump */
	constructor(limits: RateLimits, now: () => number = () => performance.now()) {
		this.#rates = limits === 'off' ? undefined : limits === 'default' ? defaultRates : {...defaultRates, ...limits};
		this.#now = now;
		this.#saltedMs = now();
	}

	/**
	 * Takes one request out of the caller's bucket.
	 * @throws MatrixError M_LIMIT_EXCEEDED when it is empty
	 */
	spend(limitClass: RateLimitClass, key: string): void {
		const waitMs = this.#take(limitClass, key);
		if (waitMs > 0) throw limitExceeded(waitMs);
	}

	/** Takes one out of a bucket, if there is one: whether there was. */
	take(limitClass: RateLimitClass, key: string): boolean {
		return this.#take(limitClass, key) === 0;
	}

	/** Takes one; 0, or milliseconds until there is one to take. */
	#take(limitClass: RateLimitClass, key: string): number {
		if (this.#rates === undefined) {
			return 0;
		}
		const rate = this.#rates[limitClass]!;
		const nowMs = this.#now();
		const name = this.#nameOf(limitClass, key, nowMs);
		const bucket = this.#buckets.get(name) ?? {tokens: rate.burst, updatedMs: nowMs};
		const elapsedMs = Math.max(0, nowMs - bucket.updatedMs);
		bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs / 1000) * rate.perSecond);
		bucket.updatedMs = nowMs;
		this.#keep(name, bucket);
		if (bucket.tokens < 1) {
			return ((1 - bucket.tokens) / rate.perSecond) * 1000;
		}
		bucket.tokens -= 1;
		return 0;
	}

	#nameOf(limitClass: string, key: string, nowMs: number): string {
		if (nowMs - this.#saltedMs > saltLifetimeMs) {
			this.#salt = randomBytes(16).toString('base64');
			this.#saltedMs = nowMs;
			this.#buckets.clear();
		}
		return hash('sha256', `${this.#salt}${limitClass}\0${key}`, 'base64');
	}

	#keep(name: string, bucket: Bucket): void {
		// Deleted and set again, so that the map's order is the order of last use.
		this.#buckets.delete(name);
		if (this.#buckets.size >= bucketsMax) {
			const oldest = this.#buckets.keys().next();
			if (oldest.done !== true) {
				this.#buckets.delete(oldest.value);
			}
		}
		this.#buckets.set(name, bucket);
	}
}
