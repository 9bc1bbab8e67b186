import {availableParallelism} from 'node:os';
import {hash, verify} from '@node-rs/argon2';
import {encodeBase64} from './base64.ts';
import {systemRandom} from './random-text.ts';
import {Semaphore} from './semaphore.ts';

/** Longer passwords are refused: hashing megabytes is an attack, not a password. */
export const passwordBytesMax = 512;

/** The cost of one hash. */
export interface Argon2Cost {
	readonly memoryKib: number;
	readonly passes: number;
	readonly lanes: number;
}

/** What OWASP recommends for Argon2id at the least: 19 MiB, two passes, one lane. */
const defaultCost: Argon2Cost = {memoryKib: 19_456, passes: 2, lanes: 1};

/** At tens of milliseconds a hash, nobody in a queue of this length waits longer than a second or two. */
const waitingMax = 32;

export interface PasswordHasherOptions {
	/** Lower only in tests. */
	readonly cost?: Argon2Cost;
	/** How many hashes run at a time; by default one core less than there are, so that something else gets its turn. */
	readonly permits?: number;
	/** How many callers wait before others are turned away. */
	readonly waitingMax?: number;
}

/** Thrown for a password that is too long to be hashed. */
export class PasswordTooLongError extends RangeError {
	override name = 'PasswordTooLongError' as const;
	constructor() {
		super(`Expected a password of at most ${passwordBytesMax} bytes, got a longer one`);
	}
}

/**
 * Hashes and checks passwords by Argon2id, as PHC strings. Both methods reject with `BusyError` when too many wait.
 *
 * Passwords are hashed as they come, without Unicode normalisation: NFKC folds together characters that people chose to
 * keep apart, and its tables are the runtime's, so that an upgrade of Node could lock somebody out.
 */
export class PasswordHasher {
	readonly #cost: Argon2Cost;
	readonly #semaphore: Semaphore;
	readonly #dummy: string;

	constructor(options: PasswordHasherOptions = {}) {
		this.#cost = options.cost ?? defaultCost;
		this.#semaphore = new Semaphore({
			permits: options.permits ?? Math.max(1, availableParallelism() - 1),
			waitingMax: options.waitingMax ?? waitingMax,
			retryAfterMs: 2000,
		});
		this.#dummy = makeDummy(this.#cost);
	}

	/** How many callers wait for their turn. */
	get waiting(): number {
		return this.#semaphore.waiting;
	}

	/** Hashes a password into a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Throws {@link PasswordTooLongError}. */
	async hash(password: string): Promise<string> {
		if (isTooLong(password)) throw new PasswordTooLongError();
		const {memoryKib, passes, lanes} = this.#cost;
		return await this.#semaphore.run(() =>
			hash(password, {memoryCost: memoryKib, timeCost: passes, parallelism: lanes, outputLen: 32}),
		);
	}

	/**
	 * Tells whether a password is the one that was hashed. Where there is no hash (no such name, no password set) the same
	 * work is done in vain, so that the time tells nothing; a password that is too long is wrong at once, whoever's it is.
	 */
	async verify(password: string, stored: string | undefined): Promise<boolean> {
		if (isTooLong(password)) return false;
		const isReal = stored !== undefined && costOf(stored) !== undefined;
		const matches = await this.#semaphore.run(() => verify(isReal ? stored : this.#dummy, password));
		return matches && isReal;
	}

	/** Tells whether a stored hash should be made anew at the next right password, since its cost is not today's. */
	needsRehash(stored: string): boolean {
		const cost = costOf(stored);
		const {memoryKib, passes, lanes} = this.#cost;
		return cost?.memoryKib !== memoryKib || cost.passes !== passes || cost.lanes !== lanes;
	}
}

function isTooLong(password: string): boolean {
	return password.length > passwordBytesMax || Buffer.byteLength(password) > passwordBytesMax;
}

const phcString = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/;

/** Reads the cost out of a PHC string; absent if it is no Argon2id hash. */
function costOf(stored: string): Argon2Cost | undefined {
	const match = phcString.exec(stored);
	if (match === null) return undefined;
	const [memoryKib = 0, passes = 0, lanes = 0] = match.slice(1).map(Number);
	return {memoryKib, passes, lanes};
}

/** Makes a hash of the same cost that no password has: salt and result are random. */
function makeDummy({memoryKib, passes, lanes}: Argon2Cost): string {
	const [salt, result] = [encodeBase64(systemRandom(16)), encodeBase64(systemRandom(32))];
	return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${salt}$${result}`;
}
