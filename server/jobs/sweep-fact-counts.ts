import {DAY_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** As long as administrators can look back. */
const KEPT_MS = 31 * DAY_MS;

export const sweepFactCounts = createSweep(
	{
		id: 'sweep-fact-counts',
		does: 'Removes counts of who asked about people a month after the day.',
		everyMs: DAY_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.factCounts.sweep(batch, Math.floor(beforeTs / DAY_MS)),
);
