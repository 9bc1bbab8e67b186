import type {Clock, Timer} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, type JobLease, type Storage} from '../../storage/index.ts';

/** A job is taken for so long; when the process dies another one has it after that. */
export const LEASE_MS = 60_000;
/** How often it is taken for longer: two attempts may fail. */
const RENEW_MS = 20_000;
/** A run that does not end is kept no longer than this. */
const HELD_MS_MAX = 20 * 60_000;

/** What holding a job needs. */
export interface HoldingOptions {
	readonly storage: Pick<Storage, 'batch' | 'commit' | 'jobs'>;
	readonly clock: Clock;
	/** Called when somebody else has the job. */
	readonly onLost: () => void;
	/** Called when the database could not be used. */
	readonly onProblem: (error: unknown) => void;
}

/** A job that this process has taken, and keeps until it is done. */
export class Holding {
	readonly #options: HoldingOptions;
	readonly #startMs: number;
	#lease: JobLease;
	#timer: Timer | undefined;
	#renewing: Promise<void> | undefined;
	#isOver = false;

	private constructor(options: HoldingOptions, lease: JobLease) {
		this.#options = options;
		this.#lease = lease;
		this.#startMs = options.clock.monotonic();
		this.#renewLater();
	}

	/** Takes a job; `undefined` where somebody was faster. @throws StorageError */
	static async take(options: HoldingOptions, id: number): Promise<Holding | undefined> {
		const {storage, clock} = options;
		const nowMs = clock.now();
		const batch = storage.batch();
		storage.jobs.lease(batch, id, nowMs, nowMs + LEASE_MS);
		try {
			await storage.commit(batch);
		} catch (error) {
			if (error instanceof ConflictError) return undefined;
			throw error;
		}
		return new Holding(options, {id, untilTs: nowMs + LEASE_MS});
	}

	/** Commits what becomes of the job. @throws StorageError; ConflictError where somebody else has it by now */
	async end(write: (batch: Batch, lease: JobLease) => void): Promise<void> {
		this.#isOver = true;
		this.#timer?.cancel();
		await this.#renewing;
		const {storage} = this.#options;
		const batch = storage.batch();
		write(batch, this.#lease);
		await storage.commit(batch);
	}

	#renewLater(): void {
		if (this.#isOver || this.#options.clock.monotonic() - this.#startMs > HELD_MS_MAX) return;
		this.#timer = this.#options.clock.setTimer(RENEW_MS, () => {
			this.#renewing = this.#renew();
		});
	}

	async #renew(): Promise<void> {
		const {storage, clock, onLost, onProblem} = this.#options;
		const {id} = this.#lease;
		const untilTs = clock.now() + LEASE_MS;
		const batch = storage.batch();
		storage.jobs.renew(batch, this.#lease, untilTs);
		try {
			await storage.commit(batch);
			this.#lease = {id, untilTs};
		} catch (error) {
			if (error instanceof ConflictError) {
				onLost();
				return;
			}
			onProblem(error);
		}
		this.#renewLater();
	}
}
