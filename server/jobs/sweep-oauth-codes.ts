import {HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** So long a code that comes twice is known for what it is. */
const KEPT_MS = HOUR_MS;

export const sweepOAuthCodes = createSweep(
	{
		id: 'sweep-oauth-codes',
		does: 'Removes authorisation codes and device codes an hour after they have ended.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.oauth.sweepCodes(batch, beforeTs),
);
