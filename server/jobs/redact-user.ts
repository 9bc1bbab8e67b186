import {REDACT_USER} from '../administration/index.ts';
import type {Job} from './job.ts';

export const redactUser: Job = {
	id: REDACT_USER,
	does: 'Redacts what somebody has written in rooms, because an administrator wants it.',
	everyMs: null,
	atMost: 'one person, one event after the other',
	role: 'background',
	run: ({redactions}, run) => redactions.work(run.key, run.payload, () => run.goOn()),
};
