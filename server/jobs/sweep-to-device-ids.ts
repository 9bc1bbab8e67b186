import {DAY_MS, HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** Longer than transactions are remembered: a message that comes twice confuses the encryption of a device. */
const KEPT_MS = 30 * DAY_MS;

/** @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging */
export const sweepToDeviceIds = createSweep(
	{
		id: 'sweep-to-device-ids',
		does: 'Forgets the ids of messages to devices that other servers have sent, after 30 days.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.toDevice.sweepReceived(batch, beforeTs),
);
