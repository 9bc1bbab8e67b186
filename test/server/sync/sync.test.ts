/** Whatever happens between its requests, a device ends up with every event once, and with the room's state. */
import Database from 'better-sqlite3';
import test from 'ava';
import fc from 'fast-check';
import type {JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {Engine} from '../../../federation/engine/index.ts';
import {boundAt, readPlaceToken} from '../../../server/events/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {firstEvents, makeEngine} from '../../harness/engine.ts';
import {askSync, makeSyncWorld, type SyncProcess, type SyncWorld} from './sync-world.ts';

const RUNS = 60;
const SEED = 20_261_123;

interface ShownEvent {
	readonly event_id: string;
	readonly type: string;
	readonly state_key?: string;
	readonly content: JsonObject;
}

interface ShownRoom {
	readonly timeline: {readonly events: readonly ShownEvent[]; readonly limited: boolean; readonly prev_batch: string};
	readonly state?: {readonly events: readonly ShownEvent[]};
	readonly state_after?: {readonly events: readonly ShownEvent[]};
}

interface Shown {
	readonly next_batch: string;
	readonly rooms?: {
		readonly join?: Readonly<Record<string, ShownRoom>>;
		readonly leave?: Readonly<Record<string, ShownRoom>>;
		readonly invite?: Readonly<Record<string, unknown>>;
	};
}

interface World extends SyncWorld {
	/** Sync as it is now, and as it is after a restart of its process. */
	process: SyncProcess;
	restart(): void;
	close(): void;
}

function makeWorld(engine: Engine, storage: Storage): World {
	const common = makeSyncWorld(engine, storage);
	const world: World = {
		...common,
		process: common.start(),
		restart() {
			world.process.close();
			world.process = common.start();
		},
		close() {
			world.process.close();
			common.events.close();
		},
	};
	return world;
}

/** A device that keeps what it is told, and fetches what it is told to be missing. */
class Device {
	readonly userId: UserId;
	readonly timeline: string[] = [];
	readonly state = new Map<string, string>();
	readonly #world: World;
	readonly #roomId: RoomId;
	readonly #usesStateAfter: boolean;
	isJoined = false;
	since: string | undefined;

	constructor(world: World, roomId: RoomId, userId: UserId, usesStateAfter: boolean) {
		this.#world = world;
		this.#roomId = roomId;
		this.userId = userId;
		this.#usesStateAfter = usesStateAfter;
	}

	async sync(limit: number): Promise<void> {
		const answer = await askSync<Shown>(this.#world, this.#world.process, {
			userId: this.userId,
			filter: JSON.stringify({room: {include_leave: true, timeline: {limit}}}),
			since: this.since,
			usesStateAfter: this.#usesStateAfter,
		});
		const {join, leave} = answer.rooms ?? {};
		const shown = join?.[this.#roomId] ?? leave?.[this.#roomId];
		if (shown) await this.#take(shown);
		if (join?.[this.#roomId]) this.isJoined = true;
		if (leave?.[this.#roomId]) this.isJoined = false;
		this.since = answer.next_batch;
	}

	async #take({timeline, state, state_after: stateAfter}: ShownRoom): Promise<void> {
		if (timeline.limited) await this.#fetchGap(timeline.prev_batch);
		const told = timeline.events.map(({event_id: eventId}) => eventId);
		// Whoever comes back is shown the room as if it were the first time.
		const known = new Set(this.isJoined ? [] : this.timeline);
		this.timeline.push(...told.filter((eventId) => !known.has(eventId)));
		for (const event of state?.events ?? []) this.#apply(event);
		if (!this.#usesStateAfter) for (const event of timeline.events) this.#apply(event);
		for (const event of stateAfter?.events ?? []) this.#apply(event);
	}

	/** What /messages gives between the last token, or the last event that is known, and the timeline's start. */
	async #fetchGap(prevBatch: string): Promise<void> {
		const {storage, engine, events} = this.#world;
		const from = readPlaceToken(prevBatch);
		if (!from) throw new Error(`expected a token of /messages, got ${prevBatch}`);
		const rows = await storage.events.listTimeline({
			roomId: this.#roomId,
			direction: 'backwards',
			from: boundAt(from, 'backwards'),
			limit: 1_000,
		});
		const visible = await events.filterVisible(this.userId, await engine.readRows(rows.toReversed()));
		const known = new Set(this.timeline);
		this.timeline.push(...visible.map(({pdu}) => pdu.eventId).filter((eventId) => !known.has(eventId)));
	}

	#apply({type, state_key: stateKey, event_id: eventId}: ShownEvent): void {
		if (stateKey !== undefined) this.state.set(`${type} ${stateKey}`, eventId);
	}
}

const step = fc.oneof(
	{weight: 6, arbitrary: fc.record({kind: fc.constant('say' as const), count: fc.integer({min: 1, max: 9})})},
	{weight: 3, arbitrary: fc.record({kind: fc.constant('state' as const), key: fc.integer({min: 0, max: 3})})},
	{weight: 5, arbitrary: fc.record({kind: fc.constant('sync' as const), limit: fc.integer({min: 1, max: 7})})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('member' as const), joins: fc.boolean()})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('race' as const), limit: fc.integer({min: 1, max: 7})})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('restart' as const)})},
);

const creator = '@alice:one.test' as UserId;
let rooms = 0;

async function runSteps(
	world: World,
	steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
	usesStateAfter: boolean,
): Promise<void> {
	const {engine} = world;
	rooms += 1;
	const userId = `@bob${rooms}:one.test` as UserId;
	const {roomId} = await engine.createRoom({
		version: '11',
		roomId: `!room${rooms}:one.test` as RoomId,
		events: firstEvents('11', creator, 'public'),
	});
	const device = new Device(world, roomId, userId, usesStateAfter);
	let isIn = false;
	const state = (sender: UserId, type: string, stateKey: string, content: JsonObject) =>
		engine.send({roomId, event: {type, stateKey, sender, content}});
	const say = (body: string) =>
		engine.send({roomId, event: {type: 'm.room.message', sender: creator, content: {body}}});
	const member = async (joins: boolean) => {
		if (joins !== isIn) await state(userId, 'm.room.member', userId, {membership: joins ? 'join' : 'leave'});
		isIn = joins;
	};
	await member(true);
	for (const [index, what] of steps.entries()) {
		if (what.kind === 'say') await Promise.all(Array.from({length: what.count}, (_, n) => say(`${index}.${n}`)));
		if (what.kind === 'state') await state(creator, 'org.example.state', `${what.key}`, {index});
		if (what.kind === 'sync') await device.sync(what.limit);
		if (what.kind === 'member') await member(what.joins);
		if (what.kind === 'restart') world.restart();
		if (what.kind === 'race') {
			const sent = [say(`${index}.a`), state(creator, 'org.example.state', '0', {index}), say(`${index}.b`)];
			await device.sync(what.limit);
			await Promise.all(sent);
		}
	}
	await member(true);
	await device.sync(3);
	await expectAll(world, device, roomId);
}

async function expectAll({storage, engine, events}: World, device: Device, roomId: RoomId): Promise<void> {
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	const visible = await events.filterVisible(device.userId, await engine.readRows(rows));
	const expected = visible.map(({pdu}) => pdu.eventId as string);
	if (new Set(device.timeline).size !== device.timeline.length) throw new Error('an event was told twice');
	const missing = expected.filter((eventId) => !device.timeline.includes(eventId));
	if (missing.length > 0) throw new Error(`${missing.length} of ${expected.length} events were not told`);
	const room = await engine.findRoom(roomId);
	const state = new Map((await room!.listState()).map((pdu) => [`${pdu.type} ${pdu.stateKey ?? ''}`, pdu.eventId]));
	for (const [key, eventId] of state) {
		if (device.state.get(key) !== eventId) throw new Error(`the state of ${key} is another`);
	}
	if (device.state.size !== state.size) throw new Error('the device knows of state that is not there');
}

for (const usesStateAfter of [false, true]) {
	test(`no event is lost or told twice, and the state is right, with state ${usesStateAfter ? 'after' : 'before'} the timeline`, async (t) => {
		await using world = await makeEngine();
		const made = makeWorld(world.engine, world.storage);
		await fc.assert(
			fc.asyncProperty(fc.array(step, {minLength: 3, maxLength: 30}), async (steps) => {
				await runSteps(made, steps, usesStateAfter);
			}),
			{numRuns: RUNS, seed: SEED},
		);
		made.close();
		t.pass();
	});
}

test('A12: a row that cannot be read back costs its event and no other', async (t) => {
	await using first = await makeEngine();
	const {engine} = first;
	const userId = '@bob:one.test' as UserId;
	const roomId = '!damaged:one.test' as RoomId;
	await engine.createRoom({version: '11', roomId, events: firstEvents('11', creator, 'public')});
	await engine.send({
		roomId,
		event: {type: 'm.room.member', stateKey: userId, sender: userId, content: {membership: 'join'}},
	});
	const say = (body: string) =>
		engine.send({roomId, event: {type: 'm.room.message', sender: creator, content: {body}}});
	const texts = [await say('one'), await say('two'), await say('three')].map(({eventId}) => eventId);
	const broken = await first.storage.events.findById(texts[1]!);
	const topic = await engine.send({
		roomId,
		event: {type: 'm.room.topic', stateKey: '', sender: creator, content: {topic: 'x'}},
	});
	const file = new Database(first.url.replace('sqlite:', ''));
	const damage = file.prepare('update events set json = ? where nid = ?');
	damage.run('{"broken":', broken!.nid);
	damage.run('null', (await first.storage.events.findById(topic.eventId))!.nid);
	file.close();
	const damaged: string[] = [];
	await using second = await makeEngine('one.test', {
		url: first.url,
		over: {onDamage: (eventId) => void damaged.push(eventId)},
	});
	const world = makeWorld(second.engine, second.storage);
	const device = new Device(world, roomId, userId, false);
	await device.sync(10);
	t.true(device.timeline.includes(texts[0]!));
	t.true(device.timeline.includes(texts[2]!));
	t.false(device.timeline.includes(texts[1]!));
	t.true(damaged.includes(texts[1]!));
	world.close();
});
