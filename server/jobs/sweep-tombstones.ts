import {Outcome} from '../../storage/index.ts';
import {HOUR_MS, type Job} from './job.ts';
import {findSettledFloor} from './raise-floor.ts';
import {SWEEP_BOUND, sweepRows} from './sweep-rows.ts';

export const sweepTombstones: Job = {
	id: 'sweep-tombstones',
	does: 'Forgets that account data and profile fields were deleted, once nobody is told of it any more (30 days).',
	everyMs: HOUR_MS,
	atMost: SWEEP_BOUND,
	role: 'background',
	async run({storage}, run) {
		const before = (await findSettledFloor(storage)) + 1;
		return sweepRows(storage, run, (batch) => {
			const sweeps = [storage.accountData.sweepDeleted(batch, before), storage.profiles.sweepRemoved(batch, before)];
			return new Outcome(() => sweeps.reduce((sum, {value}) => sum + value, 0));
		});
	},
};
