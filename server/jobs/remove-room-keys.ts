import {REMOVE_ROOM_KEYS} from '../accounts/index.ts';
import {HOUR_MS, type Job} from './job.ts';

export const removeRoomKeys: Job = {
	id: REMOVE_ROOM_KEYS,
	does: 'Removes the keys in backups of accounts that have ended, and what a process that died left of deleted ones.',
	everyMs: HOUR_MS,
	atMost: 'the keys of 1,000 backups, page by page',
	role: 'background',
	async run({backups}, run) {
		const {pages, isDone} = await backups.removeLeft(() => run.goOn());
		return {isDone, count: pages};
	},
};
