import {MAIL_NOTICE} from '../notices/index.ts';
import type {Job} from './job.ts';

export const mailNotice: Job = {
	id: MAIL_NOTICE,
	does: 'Mails a person who gave an address what happened to their account; tried again for two days.',
	everyMs: null,
	atMost: 'one mail',
	role: 'background',
	async run({notices}, run) {
		return {isDone: true, count: (await notices.mailNotice(run.payload)) ? 1 : 0};
	},
};
