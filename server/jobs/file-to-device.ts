import {MINUTE_MS, type Job} from './job.ts';
import {sweepRows} from './sweep-rows.ts';

export const fileToDevice: Job = {
	id: 'file-to-device',
	does: 'Files messages that have waited for their devices for a while, so that these find them at once.',
	everyMs: MINUTE_MS,
	atMost: '100 batches of the messages of 10 positions',
	role: 'background',
	run: ({storage}, run) => sweepRows(storage, run, (batch) => storage.toDevice.file(batch)),
};
