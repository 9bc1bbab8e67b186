import type {RoomId} from '../../crypto/index.ts';
import {StorageError} from '../../storage/index.ts';
import {DAY_MS, type Job, type JobOutcome, type JobServices, MINUTE_MS} from './job.ts';
import {REMOVE_UNUSED_STATE} from './remove-unused-state.ts';

/** Trie nodes that one run looks at, about; a room is looked at as a whole. */
const NODES_MAX = 100_000;
const ROOMS_PAGE = 100;
/**
 * How long unused nodes stay: a state that somebody works out just now may be built on them. Such a state is kept in memory
 * for an hour at most.
 */
const SUSPECTED_MS = DAY_MS;

export const findUnusedState: Job = {
	id: 'find-unused-state',
	does: 'Looks room by room for parts of stored states that no event and no head of the room needs.',
	everyMs: 7 * DAY_MS,
	atMost: `rooms with ${NODES_MAX.toLocaleString('en')} nodes together`,
	role: 'background',
	async run(services, run): Promise<JobOutcome> {
		const {storage} = services;
		let after = (run.payload as {readonly after?: RoomId}).after;
		let count = 0;
		for (let lookedAt = 0; lookedAt < NODES_MAX; ) {
			const rooms = await storage.rooms.list({after, limit: ROOMS_PAGE});
			if (rooms.length === 0) return {isDone: true, count, payload: {}};
			for (const {roomId} of rooms) {
				const found = await find(services, roomId, () => run.goOn());
				if (found === undefined) return {isDone: false, count, inMs: MINUTE_MS, payload: after ? {after} : {}};
				after = roomId;
				lookedAt += found.lookedAt;
				count += found.nodes.length;
				if (found.nodes.length > 0) {
					const batch = storage.batch();
					const dueTs = run.nowMs + SUSPECTED_MS;
					storage.jobs.add(batch, {kind: REMOVE_UNUSED_STATE, key: roomId, payload: {nodes: [...found.nodes]}, dueTs});
					await storage.commit(batch);
				}
				if (lookedAt >= NODES_MAX) break;
			}
		}
		return {isDone: false, count, inMs: MINUTE_MS, payload: after ? {after} : {}};
	},
};

/** A room with a damaged state is left as it is: it costs that room only. */
async function find({storage, onProblem}: JobServices, roomId: RoomId, goOn: () => Promise<boolean>) {
	try {
		return await storage.state.findUnused(roomId, goOn);
	} catch (error) {
		if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error;
		onProblem(error);
		return {nodes: [], lookedAt: 0};
	}
}
