/** Parts of stored states that nothing needs go; everything that is needed stays, whatever happens meanwhile. */
import type {EventId, RoomId} from '../../../crypto/index.ts';
import type {Snapshot, Storage} from '../../../storage/index.ts';
import {onBoth} from '../../contract/databases.ts';
import {addLive, alice, eventId, newEvent, write} from '../../contract/rows.ts';
import {createSeededRandom} from '../../harness/seeded-random.ts';
import {until} from '../../harness/client.ts';
import {DAY, JobWorld} from './job-world.ts';

const JOBS = ['find-unused-state', 'remove-unused-state'];
const member = (index: number) => ({type: 'm.room.member', stateKey: `@user${index}:a.example`});
const range = (length: number) => Array.from({length}, (_, index) => index);

/** A room whose events name the states before them. */
class Room {
	readonly roomId: RoomId;
	readonly #storage: Storage;
	readonly stored = new Map<EventId, Snapshot>();
	readonly #nids = new Map<EventId, number>();
	#count = 0;

	constructor(storage: Storage, roomId: string) {
		this.#storage = storage;
		this.roomId = roomId as RoomId;
	}

	async add(): Promise<void> {
		await write(this.#storage, (batch) =>
			this.#storage.rooms.add(batch, {roomId: this.roomId, version: '11', creator: alice}),
		);
	}

	/** Makes a state and an event before which it stands, live or without a place. */
	async append(from: Snapshot, changes: readonly number[], isLive = true): Promise<EventId> {
		const {state, ids, events} = this.#storage;
		await ids.reserve(8 * changes.length);
		const keyed = changes.map((index) => ({...member(index), eventNid: ids.next()}));
		await from.load(keyed);
		const next = from.with(keyed);
		const id = eventId(`${this.roomId} ${this.#count++}`);
		await write(this.#storage, (batch) => {
			state.save(batch, next);
			const facts = {eventId: id, roomId: this.roomId, stateBefore: next.root};
			if (isLive) this.#nids.set(id, addLive(this.#storage, batch, facts).nid);
			else events.add(batch, newEvent(this.#storage, {...facts, softFailed: true}));
		});
		this.stored.set(id, next);
		return id;
	}

	/** Gives an event another state before it, as the end of a partial-state join does. */
	async replace(id: EventId, by: Snapshot): Promise<void> {
		await write(this.#storage, (batch) =>
			this.#storage.events.setStateBefore(batch, this.#nids.get(id)!, {
				stateBefore: by.root,
				statePartial: false,
				rejected: null,
			}),
		);
		this.stored.set(id, by);
	}

	/** Reads every state that an event names, as a process that has nothing in memory would; gives the number of entries. */
	async readAll(storage: Storage): Promise<number> {
		let entries = 0;
		for (const {root} of this.stored.values()) entries += (await storage.state.entries(this.roomId, root)).length;
		return entries;
	}
}

async function runRound(world: JobWorld): Promise<void> {
	await world.elapse(7.5 * DAY);
	// A round goes on minute by minute until all rooms were looked at.
	await world.until(
		() => world.resultsOf('find-unused-state').at(-1)?.startsWith('done') === true,
		'the end of a round',
	);
}

onBoth('states that events no longer name are removed a day after they were found', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, JOBS);
	const [room, other] = [new Room(storage, '!a:a.example'), new Room(storage, '!b:a.example')];
	await room.add();
	await other.add();
	const first = await room.append(storage.state.open(room.roomId, 0), range(80));
	const second = await room.append(room.stored.get(first)!, [1, 2, 3]);
	await room.append(room.stored.get(first)!, [4], false);
	await other.append(storage.state.open(other.roomId, 0), range(40));
	const lost = room.stored.get(second)!.root;
	await room.replace(second, room.stored.get(first)!);
	await world.runner.start();
	await runRound(world);
	const found = await until(() => storage.jobs.find('remove-unused-state', room.roomId), 'the nodes to be found');
	t.true((found.payload['nodes'] as number[]).includes(lost));
	t.is(await storage.jobs.find('remove-unused-state', other.roomId), undefined);
	t.true(found.dueTs >= world.clock.now() + DAY / 2);
	// Until then all is there.
	t.is((await storage.state.findUnused(room.roomId, () => Promise.resolve(true)))?.nodes.includes(lost), true);
	world.clock.advance(1.1 * DAY);
	await world.until(() => world.resultsOf('remove-unused-state').length === 1, 'the nodes to be removed');
	t.deepEqual((await storage.state.findUnused(room.roomId, () => Promise.resolve(true)))?.nodes, []);
	const again = await database.open();
	t.is(await room.readAll(again), 3 * 80);
	t.is(await other.readAll(again), 40);
	t.deepEqual([world.notices, world.problems], [[], []]);
	await world.runner.stop();
});

onBoth('a state that is needed again within the day stays', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, JOBS);
	const room = new Room(storage, '!a:a.example');
	await room.add();
	const first = await room.append(storage.state.open(room.roomId, 0), range(80));
	const second = await room.append(room.stored.get(first)!, range(30));
	const held = room.stored.get(second)!;
	await room.replace(second, room.stored.get(first)!);
	await world.runner.start();
	await runRound(world);
	await until(() => storage.jobs.find('remove-unused-state', room.roomId), 'the nodes to be found');
	// Somebody has held the state in memory, and builds on it now.
	await room.append(held, [79]);
	world.clock.advance(1.1 * DAY);
	await world.until(() => world.resultsOf('remove-unused-state').length === 1, 'the second look');
	t.is(await room.readAll(await database.open()), 3 * 80);
	await world.runner.stop();
});

onBoth('rooms that change while they are looked at lose nothing', async (t, database) => {
	const [storage, searching] = [await database.open(), await database.open()];
	const world = new JobWorld(searching, JOBS);
	const random = createSeededRandom(11);
	const rooms = range(3).map((index) => new Room(storage, `!${index}:a.example`));
	for (const room of rooms) {
		await room.add();
		await room.append(storage.state.open(room.roomId, 0), range(150));
	}
	await world.runner.start();
	const search = {isOver: false};
	const writing = (async () => {
		for (let step = 0; !search.isOver || step < 60; step += 1) {
			const room = random.pick(rooms);
			const names = [...room.stored.keys()];
			const from = room.stored.get(random.pick(names))!;
			const added = await room.append(from, [random.below(150), random.below(150)], random.chance(0.7));
			if (random.chance(0.3) && names.length > 4) {
				const live = [...room.stored.keys()].filter((id) => id !== added);
				await room.replace(random.pick(live), room.stored.get(added)!).catch(() => undefined);
			}
		}
	})();
	for (let round = 0; round < 3; round += 1) {
		await runRound(world);
		world.clock.advance(1.1 * DAY);
		await world.until(
			async () => ((await searching.jobs.findNextDue(['remove-unused-state'])) ?? Infinity) > world.clock.now(),
			'removals',
		);
	}
	search.isOver = true;
	await writing;
	await runRound(world);
	const again = await database.open();
	for (const room of rooms) t.is(await room.readAll(again), room.stored.size * 150);
	t.deepEqual([world.notices, world.problems], [[], []]);
	await world.runner.stop();
});

onBoth('a room whose state is damaged is passed over and told of; the others are looked at', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, JOBS);
	const rooms = range(3).map((index) => new Room(storage, `!${index}:a.example`));
	const lost: number[] = [];
	for (const room of rooms) {
		await room.add();
		const first = await room.append(storage.state.open(room.roomId, 0), range(50));
		const second = await room.append(room.stored.get(first)!, [1]);
		lost.push(room.stored.get(second)!.root);
		await room.replace(second, room.stored.get(first)!);
	}
	const damaged = [...rooms[1]!.stored.values()][0]!.root;
	await write(storage, (batch) => storage.state.removeNodes(batch, rooms[1]!.roomId, [damaged]));
	await world.runner.start();
	await runRound(world);
	const found = await Promise.all(rooms.map(({roomId}) => storage.jobs.find('remove-unused-state', roomId)));
	t.deepEqual(
		found.map((job) => job !== undefined),
		[true, false, true],
	);
	t.is(world.problems.length, 1);
	t.regex(String(world.problems[0]), /nodes of a room state are missing/);
	await world.runner.stop();
});
