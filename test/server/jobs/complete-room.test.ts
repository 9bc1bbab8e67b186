/** A room that was entered before its members were known is completed by the first server of it that tells. */
import type {ServerName} from '../../../crypto/index.ts';
import {EngineError, type RoomView} from '../../../federation/engine/index.ts';
import {OutboundError, RemoteError} from '../../../federation/outbound/index.ts';
import type {JobServices} from '../../../server/jobs/index.ts';
import {type Storage, StorageError} from '../../../storage/index.ts';
import {onBoth, type TestDatabase} from '../../contract/databases.ts';
import {addLive, alice, eventId, room, write} from '../../contract/rows.ts';
import {until} from '../../harness/index.ts';
import {JobWorld, MINUTE} from './job-world.ts';

const ID = 'complete-room';
const ENTRY = eventId('entry');
const names = (count: number) => Array.from({length: count}, (_, n) => `s${n}.example` as ServerName);

type Complete = JobServices['engine']['completeRoom'];

/** A partial room of a server, and the job that completes it. */
class PartialWorld {
	readonly storage: Storage;
	readonly jobs: JobWorld;
	/** Servers that were asked, in order. */
	readonly asked: ServerName[] = [];
	isPartial = true;
	/** How often a run has looked at the room. */
	#looks = 0;
	/** What asking a server comes to. */
	answer: (server: ServerName) => Promise<void> = () => Promise.resolve();

	constructor(storage: Storage) {
		this.storage = storage;
		const completeRoom: Complete = async (_roomId, {server}) => {
			this.asked.push(server);
			await this.answer(server);
			this.isPartial = false;
		};
		const findRoom = () => {
			this.#looks += 1;
			return Promise.resolve({isPartial: this.isPartial} as RoomView);
		};
		this.jobs = new JobWorld(storage, [ID], {services: {engine: {completeRoom, findRoom}}});
	}

	static async open(database: TestDatabase, servers: readonly ServerName[]): Promise<PartialWorld> {
		const storage = await database.open();
		const world = new PartialWorld(storage);
		await write(storage, (batch) => {
			storage.rooms.add(batch, {roomId: room, version: '11', creator: alice});
			addLive(storage, batch, {eventId: ENTRY, statePartial: true});
			const payload = {room_id: room, servers: [...servers]};
			storage.jobs.add(batch, {kind: ID, key: ENTRY, payload, dueTs: world.jobs.clock.now()});
		});
		await world.setMembership('join');
		return world;
	}

	setMembership(membership: 'join' | 'leave'): Promise<void> {
		const row = {roomId: room, userId: alice, sender: alice, isLocal: true, eventNid: null};
		return write(this.storage, (batch) => {
			const pos = batch.announce({kind: 'membership', roomId: room, subject: alice});
			this.storage.memberships.set(batch, {...row, membership, strippedState: null, pos});
		});
	}

	get results(): string[] {
		return this.jobs.resultsOf(ID);
	}

	/**
	 * Waits for the end of the next run, and gives how long it rests then; `undefined`: for ever. Time goes by until the run
	 * has begun, and stands still from then on.
	 */
	async run(): Promise<number | undefined> {
		const before = this.results.length;
		const looks = this.#looks;
		await until(
			() => {
				if (this.#looks === looks) this.jobs.clock.advance(2000);
				return Promise.resolve(this.results.length > before);
			},
			'a run',
			60_000,
		);
		const row = await this.storage.jobs.find(ID, ENTRY);
		return row && row.dueTs - this.jobs.clock.now();
	}
}

const away = () => Promise.reject(new EngineError('unavailable', 'away'));

onBoth('servers are asked in turn, whatever keeps those before from telling', async (t, database) => {
	const servers = names(6);
	const world = await PartialWorld.open(database, servers);
	const answers: (() => Promise<void>)[] = [
		away,
		() =>
			Promise.reject(
				new RemoteError({status: 403, errcode: 'M_FORBIDDEN', retryAfterMs: undefined, roomVersion: undefined}),
			),
		() => Promise.reject(new OutboundError('bad_response', 'nonsense')),
		() => Promise.reject(new EngineError('bad_response', 'not our room')),
		() => Promise.resolve(),
	];
	world.answer = () => (answers.shift() ?? away)();
	await world.jobs.runner.start();
	const restMs = await world.run();
	t.deepEqual(world.asked, servers.slice(0, 3), 'so many at once');
	t.true(restMs !== undefined && restMs > 0 && restMs <= 6_000, String(restMs));
	t.is(await world.run(), undefined, 'and it is done');
	t.deepEqual(world.asked, servers.slice(0, 5), 'the next ones');
	t.deepEqual(world.results, ['continued 0', 'done 1']);
	t.deepEqual(world.jobs.notices, [], 'none of it is a failure of the job');
	t.is(world.jobs.problems.length, 3, 'but what was refused or made no sense is told, and who was away is not');
	await world.jobs.runner.stop();
});

onBoth('the rests between runs grow to half an hour, and all servers are asked over and over', async (t, database) => {
	const servers = names(2);
	const world = await PartialWorld.open(database, servers);
	world.answer = away;
	await world.jobs.runner.start();
	const rests: number[] = [];
	for (let run = 0; run < 12; run += 1) {
		const restMs = (await world.run()) ?? 0;
		rests.push(restMs);
		world.jobs.clock.advance(restMs);
	}
	t.true((rests[0] ?? 0) >= 2_000 && (rests[0] ?? 0) <= 6_000, String(rests[0]));
	t.true((rests[3] ?? 0) > 30_000 && (rests[3] ?? 0) < MINUTE, String(rests[3]));
	for (const restMs of rests.slice(-2)) t.true(restMs > 25 * MINUTE && restMs < 32 * MINUTE, String(restMs));
	t.deepEqual(new Set(world.asked.slice(-4)), new Set(servers));
	await world.jobs.runner.stop();
});

onBoth('a database that fails is the job’s own failure, and the same servers are asked again', async (t, database) => {
	const world = await PartialWorld.open(database, names(2));
	const answers = [() => Promise.reject(new StorageError('unavailable', 'full'))];
	world.answer = () => (answers.shift() ?? (() => Promise.resolve()))();
	await world.jobs.runner.start();
	await world.run();
	world.jobs.clock.advance(2 * MINUTE);
	await world.run();
	t.deepEqual(world.results, ['failed 0', 'done 1']);
	t.deepEqual(world.asked, [...names(1), ...names(1)]);
	await world.jobs.runner.stop();
});

for (const [what, change] of Object.entries<(world: PartialWorld) => Promise<unknown>>({
	'is complete': (world) => Promise.resolve((world.isPartial = false)),
	'was entered anew': async ({storage}) => {
		const entry = await storage.events.findById(ENTRY);
		await write(storage, (batch) => {
			const settled = {stateBefore: 0, statePartial: false, rejected: null};
			storage.events.setStateBefore(batch, entry!.nid, settled);
		});
	},
})) {
	onBoth(`of a room that ${what} nobody is asked any more`, async (t, database) => {
		const world = await PartialWorld.open(database, names(3));
		await change(world);
		await world.jobs.runner.start();
		t.is(await world.run(), undefined);
		t.deepEqual(world.asked, []);
		t.deepEqual(world.results, ['done 0']);
		await world.jobs.runner.stop();
	});
}

onBoth('of a room that we left nobody is asked, unless somebody turns out to be in it still', async (t, database) => {
	const world = await PartialWorld.open(database, names(3));
	await world.setMembership('leave');
	await world.jobs.runner.start();
	const restMs = (await world.run()) ?? 0;
	t.true(restMs > 25 * MINUTE && restMs < 32 * MINUTE, String(restMs));
	t.deepEqual(world.asked, []);
	await world.setMembership('join');
	world.jobs.clock.advance(restMs);
	t.is(await world.run(), undefined);
	t.deepEqual(world.asked, names(1));
	t.deepEqual(world.results, ['continued 0', 'done 1']);
	await world.jobs.runner.stop();
});
