import {SEND_DELAYED_EVENT} from '../delayed-events/index.ts';
import type {Job, JobOutcome} from './job.ts';

export const sendDelayedEvent: Job = {
	id: SEND_DELAYED_EVENT,
	does: 'Sends an event that was held back, once its time has come.',
	everyMs: null,
	atMost: 'one event',
	role: 'background',
	async run({delayedEvents}, run): Promise<JobOutcome> {
		const delivery = await delayedEvents.deliverDue(run.key);
		// The runner adds some per cent so that jobs do not march in step; early is put right by another look.
		if (delivery.status === 'early') return {isDone: false, count: 0, inMs: delivery.inMs};
		return {isDone: true, count: delivery.status === 'sent' ? 1 : 0};
	},
};
