import {DAY_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** Clients register anew whenever they begin to sign somebody in, so what nobody is signed in with is nobody's loss. */
const KEPT_MS = DAY_MS;

export const sweepOAuthClients = createSweep(
	{
		id: 'sweep-oauth-clients',
		does: 'Removes registrations of OAuth clients a day after their last use, where nobody is signed in with them.',
		everyMs: DAY_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.oauth.sweepClients(batch, beforeTs),
);
