import {DAY_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

export const sweepSourceLinks = createSweep(
	{
		id: 'sweep-source-links',
		does: 'Removes source links that have ended.',
		everyMs: DAY_MS,
		role: 'background',
	},
	0,
	(storage, batch, beforeTs) => storage.sourceLinks.sweepLinks(batch, beforeTs),
);
