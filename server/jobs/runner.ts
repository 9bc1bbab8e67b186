import type {JsonObject} from '../../crypto/index.ts';
import {pause, type Clock, type Random, type Timer} from '../../federation/engine/index.ts';
import {ConflictError, type JobRow, type Storage, StorageError} from '../../storage/index.ts';
import {Holding} from './holding.ts';
import type {Job, JobOutcome, JobServices} from './job.ts';
import {createPace} from './pacing.ts';

/** Jobs that run at once: some wait for slow servers, and the others must not wait for them. */
const RUNNING_MAX = 4;
/** A run that takes longer is told to end, and goes on later. */
const RUN_MS_MAX = 10 * 60_000;
/** After so long a job goes on that was not done. */
const SOON_MS = 10_000;
/** After a failure a job waits so long, and twice as long after each further one. */
const RETRY_FIRST_MS = 60_000;
const RETRY_MS_MAX = 6 * 60 * 60_000;
/** How often is looked for jobs at least: the machine's clock may have been set. */
const LOOK_MS_MAX = 60_000;
const LOOK_MS_MIN = 1_000;
/** How long a stop waits for jobs to end; their leases run out otherwise. */
const STOP_MS_MAX = 3_000;
/** The first run of a job comes after this part of its period at least: a start has enough to do. */
const FIRST_SHARE = 0.1;
/** Periods are this much shorter or longer, so that the jobs of many servers and processes do not march in step. */
const JITTER_SHARE = 0.05;

/** How a run has ended. */
export type JobResult =
	/** There is nothing left to do for now. */
	| 'done'
	/** It did its part and goes on soon. */
	| 'continued'
	| 'failed'
	/** It took so long that another process has it. */
	| 'lost';

/** What an operator may want to know. */
export type JobNotice =
	/** It is run again after a while. */
	| {readonly kind: 'failed'; readonly job: string; readonly attempts: number; readonly error: unknown}
	/** The database could not be used; tried again shortly. */
	| {readonly kind: 'store_failed'; readonly error: unknown};

export interface JobRunnerOptions {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: Random;
	/** The jobs that this process does. */
	readonly jobs: readonly Job[];
	readonly services: JobServices;
	readonly onNotice: (notice: JobNotice) => void;
	/** Is told of every run that ended, with what it did in its own count. */
	readonly observe: (job: string, result: JobResult, durationMs: number, count: number) => void;
}

/**
 * Does background jobs when they are due. Each is a row of the database: a process takes it for a time, keeps it while it
 * works, and gives it back with the time of the next run, so that of several processes one does it, and another one goes on
 * with what a process that died has left.
 */
export class JobRunner {
	readonly #options: JobRunnerOptions;
	readonly #jobs: ReadonlyMap<string, Job>;
	readonly #running = new Map<number, Promise<void>>();
	readonly #stop = new AbortController();
	#unlisten: (() => void) | undefined;
	#timer: Timer | undefined;
	#looking: Promise<void> | undefined;
	#isLookDue = false;

	constructor(options: JobRunnerOptions) {
		this.#options = options;
		this.#jobs = new Map(options.jobs.map((job) => [job.id, job]));
	}

	/** How many jobs run just now. */
	get running(): number {
		return this.#running.size;
	}

	/** Plans the regular jobs that are not planned yet, and begins. @throws StorageError */
	async start(): Promise<void> {
		if (this.#jobs.size === 0) return;
		const {storage} = this.#options;
		await this.#plan();
		this.#unlisten = storage.onCommitted((changes) => {
			if (changes.some(({kind, subject}) => kind === 'job' && this.#jobs.has(subject ?? ''))) this.#lookSoon();
		});
		this.#lookSoon();
	}

	/** Begins nothing more, and lets those that run end at their next page. */
	async stop(): Promise<void> {
		this.#unlisten?.();
		this.#timer?.cancel();
		this.#stop.abort();
		const ended = new AbortController();
		const end = async (): Promise<void> => {
			await this.#looking;
			await Promise.all(this.#running.values());
			ended.abort();
		};
		await Promise.race([end(), pause(this.#options.clock, STOP_MS_MAX, ended.signal)]);
	}

	async #plan(): Promise<void> {
		const {storage, clock, random, jobs} = this.#options;
		const nowMs = clock.now();
		const batch = storage.batch();
		// Nobody but this process uses the file: what is taken was taken by a run of it that ended badly.
		if (storage.dialect === 'sqlite') storage.jobs.releaseAll(batch);
		for (const {id, everyMs} of jobs) {
			if (everyMs === null) continue;
			const share = FIRST_SHARE + ((1 - FIRST_SHARE) * random.below(1000)) / 1000;
			const dueTs = nowMs + Math.round(everyMs * share);
			const planned = await this.#findReadable(id);
			// The period may have become shorter, or the clock was ahead when it was planned.
			const isLate = typeof planned === 'object' && planned.dueTs > nowMs + everyMs * (1 + JITTER_SHARE);
			if (planned === undefined || isLate) storage.jobs.addRegular(batch, id, dueTs);
			else if (planned === 'corrupt') storage.jobs.resetRegular(batch, id, dueTs);
		}
		await storage.commit(batch);
	}

	/** A row that cannot be read back must not keep the server from starting. */
	async #findReadable(id: string): Promise<JobRow | 'corrupt' | undefined> {
		try {
			return await this.#options.storage.jobs.find(id, '');
		} catch (error) {
			if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error;
			return 'corrupt';
		}
	}

	#lookSoon(): void {
		this.#isLookDue = true;
		if (this.#stop.signal.aborted) return;
		this.#looking ??= this.#look();
	}

	async #look(): Promise<void> {
		while (this.#isLookDue && !this.#stop.signal.aborted) {
			this.#isLookDue = false;
			this.#timer?.cancel();
			let delayMs = LOOK_MS_MAX;
			try {
				delayMs = await this.#begin();
			} catch (error) {
				this.#options.onNotice({kind: 'store_failed', error});
			}
			if (!this.#stop.signal.aborted) {
				this.#timer = this.#options.clock.setTimer(delayMs, () => this.#lookSoon());
			}
		}
		// In the same turn as the last look at what is due.
		this.#looking = undefined;
	}

	/** Begins what is due and has a place; gives the milliseconds until something may be due again. */
	async #begin(): Promise<number> {
		const {storage, clock} = this.#options;
		const kinds = [...this.#jobs.keys()];
		const places = RUNNING_MAX - this.#running.size;
		// Whoever ends looks for the next one.
		if (places <= 0) return LOOK_MS_MAX;
		for (const row of await storage.jobs.listDue(kinds, clock.now(), places)) {
			if (this.#stop.signal.aborted) break;
			await this.#take(row);
		}
		const dueTs = await storage.jobs.findNextDue(kinds);
		const delayMs = (dueTs ?? Number.POSITIVE_INFINITY) - clock.now();
		return Math.min(Math.max(delayMs, LOOK_MS_MIN), LOOK_MS_MAX);
	}

	async #take(row: JobRow): Promise<void> {
		const job = this.#jobs.get(row.kind);
		// A run that outlived its lease goes on here.
		if (job === undefined || this.#running.has(row.id)) return;
		const {storage, clock, onNotice} = this.#options;
		const lost = new AbortController();
		const holding = await Holding.take(
			{
				storage,
				clock,
				onLost: () => lost.abort(),
				onProblem: (error) => onNotice({kind: 'store_failed', error}),
			},
			row.id,
		);
		if (holding === undefined) return;
		const running = this.#run(job, row, holding, lost.signal).finally(() => {
			this.#running.delete(row.id);
			this.#lookSoon();
		});
		this.#running.set(row.id, running);
	}

	/** Runs a job and gives it back. Never throws. */
	async #run(job: Job, row: JobRow, holding: Holding, lost: AbortSignal): Promise<void> {
		const {clock, services, onNotice, observe} = this.#options;
		const startMs = clock.monotonic();
		const late = new AbortController();
		const timer = clock.setTimer(RUN_MS_MAX, () => late.abort());
		const signal = AbortSignal.any([this.#stop.signal, late.signal, lost]);
		const {key, payload} = row;
		let outcome: JobOutcome | undefined;
		try {
			outcome = await job.run(services, {key, payload, nowMs: clock.now(), goOn: createPace(clock, signal)});
		} catch (error) {
			// What failed because the database is being closed did not fail.
			if (!this.#stop.signal.aborted) {
				onNotice({kind: 'failed', job: job.id, attempts: row.attempts + 1, error});
			}
		}
		timer.cancel();
		const result = await this.#giveBack(job, row, holding, outcome);
		observe(job.id, result, clock.monotonic() - startMs, outcome?.count ?? 0);
	}

	async #giveBack(job: Job, row: JobRow, holding: Holding, outcome: JobOutcome | undefined): Promise<JobResult> {
		try {
			await holding.end((batch, lease) => {
				const {jobs} = this.#options.storage;
				if (outcome?.isDone === true && job.everyMs === null) jobs.remove(batch, lease);
				else jobs.release(batch, lease, {...this.#planNext(job, row, outcome), payload: payloadAfter(row, outcome)});
				outcome?.alsoWrite?.(batch);
			});
		} catch (error) {
			if (error instanceof ConflictError) return 'lost';
			// The lease runs out, and the job is run again.
			if (!this.#stop.signal.aborted) this.#options.onNotice({kind: 'store_failed', error});
			return 'failed';
		}
		if (outcome === undefined) return this.#stop.signal.aborted ? 'continued' : 'failed';
		return outcome.isDone ? 'done' : 'continued';
	}

	#planNext(job: Job, row: JobRow, outcome: JobOutcome | undefined): {dueTs: number; attempts: number} {
		const {clock} = this.#options;
		// Where the process stops the job is due as it was, for the next one.
		if (this.#stop.signal.aborted && outcome?.isDone !== true) return {dueTs: row.dueTs, attempts: row.attempts};
		const nowMs = clock.now();
		if (outcome === undefined) {
			const delayMs = Math.min(RETRY_FIRST_MS * 2 ** row.attempts, RETRY_MS_MAX);
			return {dueTs: nowMs + this.#jitter(delayMs), attempts: row.attempts + 1};
		}
		const delayMs = outcome.isDone ? (job.everyMs ?? 0) : (outcome.inMs ?? SOON_MS);
		return {dueTs: nowMs + this.#jitter(delayMs), attempts: 0};
	}

	#jitter(delayMs: number): number {
		const share = 1 - JITTER_SHARE + (2 * JITTER_SHARE * this.#options.random.below(1001)) / 1000;
		return Math.round(delayMs * share);
	}
}

function payloadAfter(row: JobRow, outcome: JobOutcome | undefined): JsonObject {
	return outcome?.payload ?? row.payload;
}
