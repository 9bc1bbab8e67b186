import {DAY_MS, HOUR_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** An id is good for a day; an upload that began at the end of it may take another. */
const KEPT_MS = 2 * DAY_MS;

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create */
export const sweepReservedMedia = createSweep(
	{
		id: 'sweep-reserved-media',
		does: 'Removes media ids whose content did not come within 24 hours.',
		everyMs: HOUR_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.media.sweepReserved(batch, beforeTs),
);
