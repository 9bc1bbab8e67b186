import {type Job, MINUTE_MS} from './job.ts';

export const evictRemoteMedia: Job = {
	id: 'evict-remote-media',
	does: "Removes other servers' media that nobody has used for longest, where more of them is kept than `media.remote_cache`.",
	everyMs: 10 * MINUTE_MS,
	atMost: 'pages of 20, until no more is kept or the run is over',
	role: 'media',
	async run({media}, run) {
		let count = 0;
		for (;;) {
			const removed = await media.evictRemote();
			count += removed;
			if (removed === 0) return {isDone: true, count};
			if (!(await run.goOn())) return {isDone: false, count};
		}
	},
};
