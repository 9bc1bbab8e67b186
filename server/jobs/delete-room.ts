import {DELETE_ROOM} from '../administration/index.ts';
import type {Job} from './job.ts';

export const deleteRoom: Job = {
	id: DELETE_ROOM,
	does: 'Takes everybody of this server out of a room that an administrator takes away, then removes what is kept of it.',
	everyMs: null,
	atMost: 'one room, some hundreds of rows in each commit',
	role: 'background',
	run: ({deletions}, run) => deletions.work(run.key, run.payload, () => run.goOn()),
};
