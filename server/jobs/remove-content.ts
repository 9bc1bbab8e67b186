import {REMOVE_CONTENT} from '../accounts/index.ts';
import {HOUR_MS, type Job, type JobOutcome} from './job.ts';

export const removeContent: Job = {
	id: REMOVE_CONTENT,
	does: 'Removes the files of somebody who wants to be forgotten, and thumbnails of them, unless another medium names them.',
	everyMs: null,
	atMost: 'the files of 1,000 media',
	role: 'media',
	async run({media}, run): Promise<JobOutcome> {
		const contents = (run.payload['contents'] ?? []) as readonly string[];
		const young: string[] = [];
		let count = 0;
		for (const [index, sha256] of contents.entries()) {
			const result = await media.forgetContent(sha256);
			if (result === 'removed') count += 1;
			if (result === 'young') young.push(sha256);
			if (index + 1 < contents.length && !(await run.goOn())) {
				return {isDone: false, count, payload: {contents: [...contents.slice(index + 1), ...young]}};
			}
		}
		// A file that came just now may be of an upload by somebody else that is not written down yet.
		return {isDone: young.length === 0, count, inMs: HOUR_MS, payload: {contents: young}};
	},
};
