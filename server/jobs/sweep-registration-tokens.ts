import {DAY_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** Administrators may still want to see that a token has ended, and when. */
const KEPT_MS = 30 * DAY_MS;

export const sweepRegistrationTokens = createSweep(
	{
		id: 'sweep-registration-tokens',
		does: 'Removes registration tokens 30 days after they have ended.',
		everyMs: DAY_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.accounts.sweepRegistrationTokens(batch, beforeTs),
);
