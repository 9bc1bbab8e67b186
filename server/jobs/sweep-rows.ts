import type {Batch, Outcome, Storage} from '../../storage/index.ts';
import type {Job, JobOutcome, JobRun} from './job.ts';

/** Batches of one run; each removes some 500 rows. */
const BATCHES_MAX = 100;
/** What a run of such a job does at most, in words. */
export const SWEEP_BOUND = `${BATCHES_MAX} batches of some 500 rows`;

/** Removes rows batch by batch until none is left, or the run is over. */
export async function sweepRows(
	storage: Storage,
	run: Pick<JobRun, 'goOn'>,
	sweep: (batch: Batch) => Outcome<number>,
): Promise<JobOutcome> {
	let count = 0;
	for (let batches = 0; batches < BATCHES_MAX; batches += 1) {
		const batch = storage.batch();
		const removed = sweep(batch);
		await storage.commit(batch);
		if (removed.value === 0) return {isDone: true, count};
		count += removed.value;
		if (!(await run.goOn())) break;
	}
	return {isDone: false, count};
}

/** Makes a job that removes rows once they are older than a time. */
export function createSweep(
	job: Pick<Job, 'id' | 'does' | 'role'> & {readonly everyMs: number},
	keptMs: number,
	sweep: (storage: Storage, batch: Batch, beforeTs: number) => Outcome<number>,
): Job {
	return {
		...job,
		atMost: SWEEP_BOUND,
		run: ({storage}, run) => sweepRows(storage, run, (batch) => sweep(storage, batch, run.nowMs - keptMs)),
	};
}
