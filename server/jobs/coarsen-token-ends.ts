import {DAY_MS, HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

export const coarsenTokenEnds = createSweep(
	{
		id: 'coarsen-token-ends',
		// An access token is made when a client refreshes, and five minutes before it ends: its end tells to the millisecond
		// when a device was last there, of which nothing finer than the day is kept.
		does: 'Keeps of access tokens that ended before today the day alone.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	0,
	(storage, batch, beforeTs) => storage.devices.coarsenEnds(batch, Math.floor(beforeTs / DAY_MS) * DAY_MS),
);
