import type {ServerName} from '../../crypto/index.ts';
import {DAY_MS, type Job, type JobOutcome} from './job.ts';
import {findSettledFloor} from './raise-floor.ts';
import {sweepRows} from './sweep-rows.ts';

const DESTINATIONS_MAX = 500;

export const sweepOutgoingEdus: Job = {
	id: 'sweep-outgoing-edus',
	does: 'Gives up messages that wait 30 days for a server with which no room is shared.',
	everyMs: DAY_MS,
	atMost: `${DESTINATIONS_MAX} servers`,
	role: 'background',
	async run({storage}, run): Promise<JobOutcome> {
		const {federation, memberships} = storage;
		const before = (await findSettledFloor(storage)) + 1;
		let after = (run.payload as {readonly after?: string}).after ?? '';
		let count = 0;
		for (let servers = 0; servers < DESTINATIONS_MAX; servers += 1) {
			const server: ServerName | undefined = await federation.findEduDestination(after);
			if (server === undefined) return {isDone: true, count, payload: {}};
			if (!(await memberships.isServerPresent(server))) {
				const swept = await sweepRows(storage, run, (batch) => federation.sweepOutgoingEdus(batch, server, before));
				count += swept.count;
				if (!swept.isDone) break;
			}
			after = server;
			if (!(await run.goOn())) break;
		}
		return {isDone: false, count, payload: {after}};
	},
};
