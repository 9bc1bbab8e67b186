import {FEDERATED_KINDS} from '../../federation/outbound/index.ts';
import type {ChangeKind, CursorRow, Position, Storage} from '../../storage/index.ts';
import {HOUR_MS, type Job, type JobRun} from './job.ts';
import {findSettledFloor} from './raise-floor.ts';

const BATCHES_MAX = 100;
const CURSORS_PAGE = 500;

/** Every kind of change: the compiler says which one is missing. */
const kinds: Readonly<Record<ChangeKind, true>> = {
	event: true,
	history: true,
	state: true,
	membership: true,
	receipt: true,
	account_data: true,
	to_device: true,
	device_list: true,
	device_keys: true,
	profile: true,
	device: true,
	account: true,
	edu: true,
	cursor: true,
	job: true,
	floor: true,
};
const localKinds = (Object.keys(kinds) as ChangeKind[]).filter((kind) => !FEDERATED_KINDS.includes(kind));

/** Up to where each sort of change may go. */
interface Limits {
	readonly local: Position;
	readonly federated: Position;
}

type Done = {-readonly [Sort in keyof Limits]: Position};

export const sweepStream: Job = {
	id: 'sweep-stream',
	does: 'Removes rows of the stream that no client is told of any more and no other server is owed.',
	everyMs: HOUR_MS,
	atMost: `${BATCHES_MAX} batches of 500 rows`,
	role: 'background',
	async run({storage}, run) {
		const limits = await findLimits(storage, run);
		const done: Done = {local: 0, federated: 0, ...(run.payload as Partial<Done>)};
		let count = 0;
		for (let batches = 0; batches < BATCHES_MAX; batches += 1) {
			const sort = done.local < limits.local ? 'local' : 'federated';
			if (done[sort] >= limits[sort]) return {isDone: true, count, payload: {...done}};
			const batch = storage.batch();
			const range = {after: done[sort], upto: limits[sort], kinds: sort === 'local' ? localKinds : FEDERATED_KINDS};
			const swept = storage.stream.sweep(batch, range);
			await storage.commit(batch);
			done[sort] = swept.value.upto;
			count += swept.value.count;
			if (!(await run.goOn())) break;
		}
		return {isDone: false, count, payload: {...done}};
	},
};

/**
 * What lies past a cursor is its receiver's queue. Other servers are told of some kinds only, and one that does not answer
 * keeps those; any other cursor keeps all.
 */
async function findLimits(storage: Storage, run: Pick<JobRun, 'goOn'>): Promise<Limits> {
	let local = await findSettledFloor(storage);
	let federated = local;
	for (let after: string | undefined; ; ) {
		const page = await storage.cursors.list('', {after, limit: CURSORS_PAGE});
		for (const cursor of page) {
			const holds = heldBy(cursor);
			if (holds === 'all') local = Math.min(local, cursor.acked);
			if (holds !== 'nothing') federated = Math.min(federated, cursor.acked);
		}
		if (page.length < CURSORS_PAGE) return {local, federated};
		after = page.at(-1)!.name;
		await run.goOn();
	}
}

function heldBy({name, inFlight, failure}: CursorRow): 'all' | 'federated' | 'nothing' {
	// The sender's own: up to there every destination was told, or has something unfinished that says otherwise.
	if (name === 'federation-out') return 'federated';
	if (!name.startsWith('federation:')) return 'all';
	return inFlight === null && failure === null ? 'nothing' : 'federated';
}
