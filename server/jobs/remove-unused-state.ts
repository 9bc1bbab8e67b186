import type {RoomId} from '../../crypto/index.ts';
import type {Job} from './job.ts';

/** The kind of these jobs; the key is the room, the payload names nodes. */
export const REMOVE_UNUSED_STATE = 'remove-unused-state';

/** Nodes that one batch removes. */
const BATCH = 500;

export const removeUnusedState: Job = {
	id: REMOVE_UNUSED_STATE,
	does: 'Removes parts of stored states that were not needed a day ago, and are not needed now.',
	everyMs: null,
	atMost: '5,000 nodes of a room',
	role: 'background',
	async run({storage}, run) {
		const roomId = run.key as RoomId;
		const suspected = new Set((run.payload as {readonly nodes?: readonly number[]}).nodes);
		const found = await storage.state.findUnused(roomId, () => run.goOn());
		if (found === undefined) return {isDone: false, count: 0};
		const unused = found.nodes.filter((node) => suspected.has(node));
		for (let from = 0; from < unused.length; from += BATCH) {
			const batch = storage.batch();
			storage.state.removeNodes(batch, roomId, unused.slice(from, from + BATCH));
			await storage.commit(batch);
			// What is left is still unused when the run is repeated.
			if (!(await run.goOn())) return {isDone: from + BATCH >= unused.length, count: from + BATCH};
		}
		return {isDone: true, count: unused.length};
	},
};
