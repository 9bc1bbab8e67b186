import {type Job, HOUR_MS} from './job.ts';

export const sweepUploads: Job = {
	id: 'sweep-uploads',
	does: 'Removes temporary files of uploads that were broken off more than 24 hours ago.',
	everyMs: HOUR_MS,
	atMost: 'the files of one directory, which empties itself',
	role: 'media',
	run: async ({media}) => ({isDone: true, count: await media.removeAbandoned()}),
};
