import {DAY_MS, HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/**
 * How long a repeated transaction is answered from memory. Servers that lost an answer try again within minutes, and those
 * that were away within a week; what comes later still is handled twice, and events and messages to devices are known.
 */
const KEPT_MS = 14 * DAY_MS;

/** @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
export const sweepInboundTransactions = createSweep(
	{
		id: 'sweep-inbound-transactions',
		does: 'Forgets which transactions other servers have sent, after 14 days.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.federation.sweepInboundTransactions(batch, beforeTs),
);
