import {HOUR_MS, type Job} from './job.ts';

export const endSources: Job = {
	id: 'end-sources',
	does: 'Erases the accounts of source links whose time has come, or that nobody has used for as long as their link allows.',
	everyMs: HOUR_MS,
	atMost: 'all of them, 200 at a time',
	role: 'background',
	async run({sourceLinks}, run) {
		const count = await sourceLinks.endDue(run);
		return {isDone: true, count};
	},
};
