import {HOUR_MS, type Job} from './job.ts';

/** Free space that the file keeps: what is written next goes there, and a file that shrinks and grows is slow. */
const KEPT_BYTES = 64 << 20;
/** Pieces of 1 MB that one run gives back. */
const PIECES_MAX = 1000;

export const reclaimSpace: Job = {
	id: 'reclaim-space',
	does: 'Gives space that deleted rows have left in the file of SQLite back to the file system.',
	everyMs: HOUR_MS,
	atMost: `${PIECES_MAX} pieces of 1 MB, of all but 64 MiB`,
	role: 'background',
	async run({storage}, run) {
		const before = storage.figures().freeBytes;
		let free = before;
		for (let pieces = 0; pieces < PIECES_MAX && free > KEPT_BYTES; pieces += 1) {
			const left = await storage.reclaim();
			// A full disk, or another process that writes: it is tried again with the next run.
			if (left >= free) break;
			free = left;
			if (!(await run.goOn())) break;
		}
		return {isDone: true, count: before - free};
	},
};
