import {HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

export const sweepMailLinks = createSweep(
	{
		id: 'sweep-mail-links',
		does: 'Removes what is kept of links that were mailed, once they have ended.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	0,
	(storage, batch, beforeTs) => storage.mailValidations.sweep(batch, beforeTs),
);
