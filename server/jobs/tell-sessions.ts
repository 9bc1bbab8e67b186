import {TELL_SESSIONS} from '../notices/index.ts';
import type {Job} from './job.ts';

export const tellSessions: Job = {
	id: TELL_SESSIONS,
	does: "Tells a person's other sessions what happened to their account.",
	everyMs: null,
	atMost: 'one notice',
	role: 'background',
	async run({notices}, run) {
		return {isDone: true, count: (await notices.tellSessions(run.payload, run.key)) ? 1 : 0};
	},
};
