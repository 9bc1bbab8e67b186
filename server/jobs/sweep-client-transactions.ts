import {DAY_MS, HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** How long a repeated request is recognised: a device that was offline sends again when it is back. */
const KEPT_MS = DAY_MS;

/** @see https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers */
export const sweepClientTransactions = createSweep(
	{
		id: 'sweep-client-transactions',
		does: 'Forgets the transaction ids of clients, and which event came from which, after 24 hours.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.clientTransactions.sweep(batch, beforeTs),
);
