import {DAY_MS, HOUR_MS, type Job} from './job.ts';
import {SWEEP_BOUND, sweepRows} from './sweep-rows.ts';

export const sweepAddresses: Job = {
	id: 'sweep-addresses',
	does: 'Removes where devices were last seen from, after the days of keep_addresses_days; all of it where that is 0.',
	everyMs: HOUR_MS,
	atMost: SWEEP_BOUND,
	role: 'background',
	run({storage, keepAddressesDays}, run) {
		const beforeDay = Math.floor(run.nowMs / DAY_MS) - keepAddressesDays + 1;
		return sweepRows(storage, run, (batch) => storage.devices.sweepAddresses(batch, beforeDay));
	},
};
