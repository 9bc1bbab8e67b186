import {DAY_MS, type Job, type JobOutcome} from './job.ts';

/** Files are spread over so many parts by the first byte of their hash. */
const PARTS = 256;

export const removeUnusedContent: Job = {
	id: 'remove-unused-content',
	does: 'Removes the files of media that no medium and no thumbnail names any more, a day after they came at the earliest.',
	everyMs: DAY_MS,
	atMost: 'the files of 256 parts, one after the other, from the part where the last run ended',
	role: 'media',
	async run({media}, run): Promise<JobOutcome> {
		const {payload} = run;
		let count = 0;
		for (let part = typeof payload['part'] === 'number' ? payload['part'] : 0; part < PARTS; part += 1) {
			count += await media.removeUnused(part.toString(16).padStart(2, '0'));
			if (part + 1 < PARTS && !(await run.goOn())) return {isDone: false, count, payload: {part: part + 1}};
		}
		return {isDone: true, count, payload: {}};
	},
};
