import {HALF_SIGN_IN} from '../web-sessions/index.ts';
import type {Job} from './job.ts';

export const tellHalfSignIn: Job = {
	id: HALF_SIGN_IN,
	does: 'Tells a person that somebody gave their password in a browser and no second factor, when its time is over (15 minutes).',
	everyMs: null,
	atMost: 'one browser',
	role: 'background',
	async run({secondFactor, webSessions}, {key, nowMs}) {
		const userId = await webSessions.findGivenUp(key, nowMs);
		if (userId !== undefined) await secondFactor.tellOfPassword(userId);
		return {isDone: true, count: userId === undefined ? 0 : 1};
	},
};
