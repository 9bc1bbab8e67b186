import {DAY_MS} from './job.ts';
import {createSweep} from './sweep-rows.ts';

/** As long as administrators can ask what has become of a task. */
const KEPT_MS = 7 * DAY_MS;

export const sweepAdministrativeTasks = createSweep(
	{
		id: 'sweep-administrative-tasks',
		does: 'Removes what became of long work of administrators a week after it changed last.',
		everyMs: DAY_MS,
		role: 'background',
	},
	KEPT_MS,
	(storage, batch, beforeTs) => storage.administrativeTasks.sweep(batch, beforeTs),
);
