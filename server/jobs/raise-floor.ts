import type {JsonObject} from '../../crypto/index.ts';
import type {Position, Storage} from '../../storage/index.ts';
import {DAY_MS, HOUR_MS, type Job} from './job.ts';

/** How long a client may be away and is then told what changed, not all that is. */
const KEPT_MS = 30 * DAY_MS;
/** What is below a floor may be swept when all who asked before it was raised have their answer: two minutes at most. */
const SETTLING_MS = HOUR_MS;
const ID = 'raise-floor';

/** Where the stream stood at a time. */
type Mark = [ts: number, pos: Position];

interface Memory extends JsonObject {
	/** One a day, oldest first. */
	readonly marks: Mark[];
	readonly raisedTs: number;
	/** The floor before it was raised last: everybody knows of it by now. */
	readonly settled: Position;
}

export const raiseFloor: Job = {
	id: ID,
	does: 'Notes where the stream stands, and lets go of what was there 30 days ago: older tokens get an initial sync.',
	everyMs: DAY_MS,
	atMost: 'one number',
	role: 'background',
	async run({storage: {stream}}, {payload, nowMs}) {
		const {marks, raisedTs, settled} = readMemory(payload);
		if (nowMs - raisedTs < SETTLING_MS && nowMs >= raisedTs) return {isDone: true, count: 0};
		// A clock that was wrong for a while may have left marks from the future.
		const known: Mark[] = [...marks.filter(([ts]) => ts <= nowMs), [nowMs, stream.head()]];
		const oldest = known.findLastIndex(([ts]) => ts <= nowMs - KEPT_MS);
		const floor = stream.floor();
		const raised = Math.max(floor, known[oldest]?.[1] ?? 0);
		const memory: Memory = {
			marks: known.slice(Math.max(0, oldest)),
			raisedTs: nowMs,
			settled: Math.max(settled, floor),
		};
		return {
			isDone: true,
			count: raised - floor,
			payload: memory,
			alsoWrite(batch) {
				if (raised > floor) stream.setFloor(batch, raised);
			},
		};
	},
};

/** Finds up to where everybody has known for long that nothing is told any more. */
export async function findSettledFloor({jobs}: Pick<Storage, 'jobs'>): Promise<Position> {
	const job = await jobs.find(ID, '');
	return job === undefined ? 0 : readMemory(job.payload).settled;
}

function readMemory(payload: JsonObject): Memory {
	return {marks: [], raisedTs: 0, settled: 0, ...(payload as Partial<Memory>)};
}
