import {DAY_MS, type Job, type JobOutcome} from './job.ts';

/**
 * A client that comes back with a token that has ended is told that it is signed out for the time being, and keeps its keys
 * for when its person signs in anew. After this time nobody is waited for any more.
 * @see https://spec.matrix.org/v1.19/client-server-api/#soft-logout
 */
const KEPT_MS = 30 * DAY_MS;
const PAGE = 200;
const PAGES_MAX = 50;

export const endSessions: Job = {
	id: 'end-sessions',
	does: 'Signs out devices 30 days after the last of their access and refresh tokens has ended.',
	everyMs: DAY_MS,
	atMost: `${PAGES_MAX} pages of ${PAGE} tokens`,
	role: 'background',
	async run({storage, devices}, run): Promise<JobOutcome> {
		const beforeTs = run.nowMs - KEPT_MS;
		let after = readPlace(run.payload);
		let count = 0;
		for (let pages = 0; pages < PAGES_MAX; pages += 1) {
			const page = await storage.devices.listEndedTokens(beforeTs, {after, limit: PAGE});
			for (const {userId, deviceId, isAlive} of page) {
				if (isAlive) continue;
				await devices.remove(userId, [deviceId]);
				count += 1;
			}
			if (page.length < PAGE) return {isDone: true, count, payload: {}};
			const {expiresTs, tokenHash} = page.at(-1)!;
			after = {expiresTs, tokenHash};
			if (!(await run.goOn())) break;
		}
		return {isDone: false, count, payload: after === undefined ? {} : {after: {...after}}};
	},
};

/** Where the run before has come to. */
function readPlace({after}: {readonly after?: unknown}): {expiresTs: number; tokenHash: string} | undefined {
	return after as {expiresTs: number; tokenHash: string} | undefined;
}
