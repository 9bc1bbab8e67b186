/** Background jobs over a database, with a clock that is the test's. */
import {
	type JobNotice,
	type JobResult,
	JobRunner,
	type Job,
	jobs,
	type JobServices,
} from '../../../server/jobs/index.ts';
import {createDevices} from '../../../server/devices/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {createSeededRandom} from '../../harness/seeded-random.ts';
import {ManualClock} from '../../harness/manual-clock.ts';
import {until} from '../../harness/client.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** How one process of a test differs from the usual one. */
export interface WorldOptions {
	readonly clock?: ManualClock;
	readonly seed?: number;
	readonly services?: Partial<JobServices>;
}

/** One process that does jobs. */
export class JobWorld {
	readonly clock: ManualClock;
	readonly runner: JobRunner;
	readonly results: {readonly job: string; readonly result: JobResult; readonly count: number}[] = [];
	readonly notices: JobNotice[] = [];
	readonly problems: unknown[] = [];
	/** When a job was told of that failed. */
	readonly failedTs: number[] = [];
	readonly #storage: Storage;
	readonly #jobs: readonly Job[];

	/** `which`: jobs, or the ids of those of the table. */
	constructor(storage: Storage, which: readonly (Job | string)[], options: WorldOptions = {}) {
		const {clock = new ManualClock(), seed = 1, services = {}} = options;
		this.clock = clock;
		this.#storage = storage;
		this.#jobs = which.map((job) => (typeof job === 'string' ? jobs.find(({id}) => id === job)! : job));
		const random = createSeededRandom(seed);
		const devices = createDevices({
			storage,
			clock,
			random: (count) => random.bytes(count),
			keepAddressesDays: 0,
			onOpen: () => undefined,
			onRemove: () => Promise.resolve([]),
			onCopied: () => undefined,
		});
		this.runner = new JobRunner({
			storage,
			clock,
			random,
			jobs: this.#jobs,
			services: {
				storage,
				audit: {seal: () => Promise.resolve(0)},
				backups: {removeLeft: () => Promise.resolve({pages: 0, isDone: true})},
				deletions: {work: () => Promise.resolve({isDone: true, count: 0})},
				redactions: {work: () => Promise.resolve({isDone: true, count: 0})},
				delayedEvents: {deliverDue: () => Promise.resolve({status: 'gone'})},
				devices,
				media: {
					evictRemote: () => Promise.resolve(0),
					forgetContent: () => Promise.resolve('removed'),
					removeAbandoned: () => Promise.resolve(0),
					removeUnused: () => Promise.resolve(0),
				},
				engine: {completeRoom: () => Promise.resolve(), findRoom: () => Promise.resolve(undefined)},
				keepAddressesDays: 0,
				notices: {mailNotice: () => Promise.resolve(false), tellSessions: () => Promise.resolve(false)},
				addresses: {mailLink: () => Promise.resolve(false)},
				recovery: {mailLinks: () => Promise.resolve(0)},
				rooms: {leave: () => Promise.resolve()},
				secondFactor: {tellOfPassword: () => Promise.resolve()},
				sourceLinks: {endDue: () => Promise.resolve(0)},
				webSessions: {findGivenUp: () => Promise.resolve(undefined)},
				onProblem: (problem) => this.problems.push(problem),
				...services,
			},
			onNotice: (notice) => {
				this.notices.push(notice);
				if (notice.kind === 'failed') this.failedTs.push(clock.now());
			},
			observe: (job, result, _durationMs, count) => this.results.push({job, result, count}),
		});
	}

	/** Lets so much time go by, and waits until every regular job that is due by then has run. */
	async elapse(delayMs: number): Promise<void> {
		this.clock.advance(delayMs);
		const regular = this.#jobs.filter(({everyMs}) => everyMs !== null);
		for (const {id} of regular) {
			await this.until(async () => {
				const row = await this.#storage.jobs.find(id, '');
				return row !== undefined && row.leasedUntilTs === null && row.dueTs > this.clock.now();
			}, `${id} to have run`);
		}
	}

	/** Waits for something while time goes by: who was just looking when the clock was moved looks again before long. */
	until<T>(probe: () => Promise<T | false | undefined> | T | false | undefined, what: string): Promise<T> {
		return until(
			async () => {
				const found = await probe();
				if (found === false || found === undefined) this.clock.advance(2000);
				return found;
			},
			what,
			60_000,
		);
	}

	/** What the runs of a job have come to: `done 3`, `failed 0`. */
	resultsOf(id: string): string[] {
		return this.results.filter(({job}) => job === id).map(({result, count}) => `${result} ${count}`);
	}
}
