/** Whatever happens between its requests, every room reaches a new connection, every event once, and the room's state. */
import test from 'ava';
import fc from 'fast-check';
import type {DeviceId, JsonObject, RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import {type Engine, systemClock, systemRandom} from '../../../federation/engine/index.ts';
import {createAccountData} from '../../../server/account-data/index.ts';
import {createEphemeral} from '../../../server/ephemeral/index.ts';
import {createEvents, type Events} from '../../../server/events/index.ts';
import {createFilters} from '../../../server/filters/index.ts';
import {createPushRules} from '../../../server/push/index.ts';
import {createSync, type Sync} from '../../../server/sync/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {onPostgres, serverName as contractName} from '../../contract/databases.ts';
import {engineOver, firstEvents, makeEngine} from '../../harness/engine.ts';
import {allState, type ClientWorld, type KnownRoom, SlidingClient, type Wish} from './sliding-client.ts';
import {withoutKeys} from './sync-world.ts';

const SEED = 20_260_917;

/** A process of the server, as far as sync is concerned. */
function startSync(
	engine: Engine,
	storage: Storage,
	serverName: string,
): {sync: Sync; events: Events; stop: () => void} {
	const events = createEvents({storage, engine, clock: systemClock});
	const ephemeral = createEphemeral({
		storage,
		clock: systemClock,
		random: systemRandom,
		serverName: serverName as ServerName,
		hasPresence: false,
		tellRoom: () => undefined,
	});
	const pushRules = createPushRules({storage, accountData: createAccountData({storage})});
	const sync = createSync({
		storage,
		engine,
		events,
		pushRules,
		encryption: withoutKeys,
		clock: systemClock,
		random: (count) => systemRandom.bytes(count),
		ephemeral,
	});
	return {
		sync,
		events,
		stop() {
			sync.close();
			ephemeral.close();
			pushRules.close();
			events.close();
		},
	};
}

/** A world of rooms that somebody else lives in, and processes that answer in turn. */
class World implements ClientWorld {
	readonly engine: Engine;
	readonly storage: Storage;
	readonly rooms: RoomId[] = [];
	readonly host: UserId;
	readonly #serverName: string;
	readonly #places: readonly (readonly [Engine, Storage])[];
	#processes: ReturnType<typeof startSync>[];
	#turn = 0;

	/** @param places one for each process */
	constructor(serverName: string, places: readonly (readonly [Engine, Storage])[]) {
		[this.engine, this.storage] = places[0]!;
		this.#serverName = serverName;
		this.#places = places;
		this.host = `@host:${serverName}` as UserId;
		this.#processes = places.map(([engine, storage]) => startSync(engine, storage, serverName));
	}

	get events(): Events {
		return this.#processes[0]!.events;
	}

	/** Each request comes to another process. */
	readonly sync = (): Sync => {
		this.#turn += 1;
		return this.#processes[this.#turn % this.#processes.length]!.sync;
	};

	restart(): void {
		this.stop();
		this.#processes = this.#places.map(([engine, storage]) => startSync(engine, storage, this.#serverName));
	}

	stop(): void {
		for (const {stop} of this.#processes) stop();
	}

	async addRooms(count: number): Promise<void> {
		for (let index = 0; index < count; index += 1) {
			const {roomId} = await this.engine.createRoom({
				version: '11',
				roomId: `!room${this.rooms.length}:${this.#serverName}` as RoomId,
				events: firstEvents('11', this.host, 'public'),
			});
			this.rooms.push(roomId);
		}
	}

	state(roomId: RoomId, sender: UserId, type: string, stateKey: string, content: JsonObject) {
		return this.engine.send({roomId, event: {type, stateKey, sender, content}});
	}

	say(roomId: RoomId, body: string) {
		return this.engine.send({roomId, event: {type: 'm.room.message', sender: this.host, content: {body}}});
	}

	async tag(userId: UserId, roomId: RoomId, content: JsonObject): Promise<void> {
		const batch = this.storage.batch();
		const pos = batch.announce({kind: 'account_data', subject: userId, roomId});
		this.storage.accountData.set(batch, {userId, roomId, type: 'm.tag', content, pos});
		await this.storage.commit(batch);
	}

	async read(userId: UserId, roomId: RoomId): Promise<string | undefined> {
		const latest = await this.storage.events.findLatest(roomId, this.storage.stream.head());
		if (!latest) return undefined;
		const batch = this.storage.batch();
		const pos = batch.announce({kind: 'receipt', roomId, subject: userId});
		const {eventId} = latest;
		this.storage.receipts.set(batch, {roomId, userId, type: 'm.read', threadId: null, eventId, ts: 1, data: {}, pos});
		await this.storage.commit(batch);
		return eventId;
	}
}

const roomOf = fc.nat({max: 999});
const step = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.record({kind: fc.constant('say' as const), room: roomOf, count: fc.integer({min: 1, max: 4})}),
	},
	{weight: 3, arbitrary: fc.record({kind: fc.constant('state' as const), room: roomOf, key: fc.nat({max: 2})})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('name' as const), room: roomOf})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('burst' as const), room: roomOf})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('member' as const), room: roomOf})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('tag' as const), room: roomOf})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('read' as const), room: roomOf})},
	{
		weight: 8,
		arbitrary: fc.record({
			kind: fc.constant('slide' as const),
			// Mostly a small window, as clients begin with, so that rooms fall out of it with something untold.
			last: fc.oneof({weight: 2, arbitrary: fc.nat({max: 4})}, fc.nat({max: 999})),
			limit: fc.integer({min: 0, max: 5}),
			wish: fc.nat({max: 3}),
			subscribed: fc.option(roomOf),
			isLost: fc.boolean(),
			isRacing: fc.boolean(),
		}),
	},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('restart' as const)})},
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const named = (type: string) => ({type, stateKey: undefined});
const wishes = [
	allState,
	{include: [named('m.room.name')], exclude: [], lazyMembers: true},
	{include: [named('org.example.state'), named('m.room.member')], exclude: [], lazyMembers: false},
	{include: [{type: undefined, stateKey: undefined}], exclude: [named('org.example.state')], lazyMembers: true},
];
const whole = {limit: 5, required: allState} as const;

let people = 0;

/** Lives through the steps with a new user, and then checks what their client knows. */
async function live(world: World, steps: readonly Step[], roomsJoined: number): Promise<void> {
	people += 1;
	const userId = `@bob${people}:${world.host.split(':')[1]!}` as UserId;
	const client = new SlidingClient(world, userId);
	const joined = new Set<RoomId>();
	const tags = new Map<RoomId, string>();
	const reads = new Map<RoomId, string>();
	const pick = (index: number): RoomId => world.rooms[index % world.rooms.length]!;
	const toggle = async (roomId: RoomId) => {
		const joins = !joined.has(roomId);
		await world.state(roomId, userId, 'm.room.member', userId, {membership: joins ? 'join' : 'leave'});
		if (joins) joined.add(roomId);
		else joined.delete(roomId);
	};
	for (const roomId of world.rooms.slice(0, roomsJoined)) await toggle(roomId);
	for (const [index, what] of steps.entries()) {
		if (what.kind === 'say') for (let n = 0; n < what.count; n += 1) await world.say(pick(what.room), `${index}.${n}`);
		if (what.kind === 'state')
			await world.state(pick(what.room), world.host, 'org.example.state', `${what.key}`, {index});
		if (what.kind === 'name')
			await world.state(pick(what.room), world.host, 'm.room.name', '', {name: `name ${index}`});
		if (what.kind === 'member') await toggle(pick(what.room));
		if (what.kind === 'restart') world.restart();
		if (what.kind === 'burst') for (let n = 0; n < 12; n += 1) await world.say(pick(what.room + n), `${index}.${n}`);
		if (what.kind === 'tag') {
			tags.set(pick(what.room), JSON.stringify({index}));
			await world.tag(userId, pick(what.room), {index});
		}
		if (what.kind === 'read') {
			const eventId = await world.read(world.host, pick(what.room));
			if (eventId !== undefined) reads.set(pick(what.room), eventId);
		}
		if (what.kind === 'slide') {
			const wish: Wish = {
				last: what.last % (world.rooms.length + 2),
				limit: what.limit,
				required: wishes[what.wish]!,
				subscribed: what.subscribed === null ? undefined : pick(what.subscribed),
			};
			const race = what.isRacing ? [world.say(pick(what.last), `${index}.race`)] : [];
			await client.slide(wish, what.isLost);
			await Promise.all(race);
		}
	}
	// The window grows, as clients have it grow, until there is nothing more; meanwhile something happens.
	for (let last = 9; last - 10 <= world.rooms.length; last += 10) {
		await client.slide({last, ...whole});
		await world.say(pick(last), `${last}`);
	}
	while ((await client.slide({last: world.rooms.length + 1, ...whole})) > 0);
	await expectAll(world, client, joined, {tags, reads});
}

/** Holds what a client knows against what there is, and against what the other sync says to a new device. */
async function expectAll(
	world: World,
	client: SlidingClient,
	joined: ReadonlySet<RoomId>,
	{tags, reads}: {readonly tags: ReadonlyMap<RoomId, string>; readonly reads: ReadonlyMap<RoomId, string>},
): Promise<void> {
	const {storage, engine, events} = world;
	const other = await listByOtherSync(world, client.userId);
	if (other.size !== joined.size) throw new Error('the other sync has other rooms');
	for (const roomId of joined) {
		const known = client.rooms.get(roomId);
		if (!known) throw new Error(`${roomId} never reached the client`);
		const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
		const visible = await events.filterVisible(client.userId, await engine.readRows(rows));
		expectSame(roomId, 'events', new Set(known.timeline), new Set(visible.map(({pdu}) => pdu.eventId)));
		const room = await engine.findRoom(roomId);
		const state = await room!.listState();
		expectRoom(roomId, known, new Map(state.map((pdu) => [`${pdu.type} ${pdu.stateKey ?? ''}`, pdu.eventId])));
		expectSame(roomId, 'state of the other sync', new Set(known.state.values()), other.get(roomId)!.state);
		for (const id of other.get(roomId)!.timeline) {
			if (!known.timeline.includes(id)) throw new Error(`${roomId}: the other sync shows an event more`);
		}
		const members = state.filter(({type, content}) => type === 'm.room.member' && content['membership'] === 'join');
		if (known.joinedCount !== members.length) throw new Error(`${roomId}: the count of members is another`);
		const name = state.find(({type}) => type === 'm.room.name')?.content['name'];
		if ((known.name ?? undefined) !== name) throw new Error(`${roomId}: the name is another`);
		if (known.membership !== 'join') throw new Error(`${roomId}: the client does not know that it is in`);
		if (known.tag !== tags.get(roomId)) throw new Error(`${roomId}: the tag is another`);
		// Receipts for what was never shown need not be told.
		const read = reads.get(roomId);
		const toldRead = known.receipts.get(world.host);
		if (toldRead !== undefined && toldRead !== read && read !== undefined)
			throw new Error(`${roomId}: the receipt is another`);
	}
	for (const [roomId, {membership}] of client.rooms) {
		if (membership === 'join' && !joined.has(roomId as RoomId))
			throw new Error(`${roomId}: the client thinks that it is in`);
	}
}

function expectRoom(roomId: RoomId, known: KnownRoom, state: ReadonlyMap<string, string>): void {
	for (const [key, eventId] of state) {
		if (known.state.get(key) !== eventId) throw new Error(`${roomId}: the state of ${key} is another`);
	}
	if (known.state.size !== state.size) throw new Error(`${roomId}: the client knows of state that is not there`);
}

function expectSame(roomId: RoomId, what: string, told: ReadonlySet<string>, expected: ReadonlySet<string>): void {
	const missing = [...expected].filter((id) => !told.has(id)).length;
	const more = [...told].filter((id) => !expected.has(id)).length;
	if (missing + more > 0)
		throw new Error(`${roomId}: ${missing} ${what} were not told, and ${more} that are not there`);
}

async function listByOtherSync(world: World, userId: UserId) {
	const filters = createFilters({storage: world.storage});
	const text = await world.sync().sync({
		userId,
		deviceId: 'OTHER' as DeviceId,
		filter: await filters.resolve(userId, JSON.stringify({room: {timeline: {limit: 20}}})),
		since: undefined,
		isFullState: false,
		usesStateAfter: true,
		presence: 'offline',
		timeoutMs: 0,
		signal: new AbortController().signal,
	});
	type Shown = {readonly events: readonly {readonly event_id: string}[]};
	type Answer = {rooms?: {join?: Record<string, {state_after: Shown; timeline: Shown}>}};
	const {rooms} = JSON.parse(text) as Answer;
	const idsOf = ({events}: Shown): Set<string> => new Set(events.map((event) => event.event_id));
	return new Map(
		Object.entries(rooms?.join ?? {}).map(([roomId, {state_after: state, timeline}]) => [
			roomId,
			{state: idsOf(state), timeline: idsOf(timeline)},
		]),
	);
}

test('every room reaches a new connection, every event once, and the state is that of the other sync', async (t) => {
	await using made = await makeEngine();
	const place = [made.engine, made.storage] as const;
	const world = new World('one.test', [place, place]);
	await world.addRooms(6);
	await fc.assert(
		fc.asyncProperty(fc.array(step, {minLength: 3, maxLength: 40}), fc.nat({max: 6}), (steps, joined) =>
			live(world, steps, joined),
		),
		{numRuns: 40, seed: SEED, endOnFailure: true},
	);
	world.stop();
	t.pass();
});

test('so it is with more rooms than a position tells of', async (t) => {
	await using made = await makeEngine();
	const place = [made.engine, made.storage] as const;
	const world = new World('one.test', [place, place]);
	await world.addRooms(70);
	await fc.assert(
		fc.asyncProperty(fc.array(step, {minLength: 20, maxLength: 40}), (steps) => live(world, steps, 65)),
		{numRuns: 5, seed: SEED, endOnFailure: true},
	);
	world.stop();
	t.pass();
});

test('state that a room has no more is told by its key alone, and a name that is gone as null', async (t) => {
	await using made = await makeEngine();
	const {engine, storage} = made;
	const world = new World('one.test', [[engine, storage]]);
	await world.addRooms(1);
	const roomId = world.rooms[0]!;
	await world.state(roomId, world.host, 'm.room.name', '', {name: 'Desk'});
	const client = new SlidingClient(world, world.host);
	await client.slide({last: 9, ...whole});
	t.is(client.rooms.get(roomId)?.name, 'Desk');
	t.true(client.rooms.get(roomId)?.state.has('m.room.name '));
	// As resolution does it, without an event.
	const row = (await storage.rooms.find(roomId))!;
	const before = storage.state.open(roomId, row.headRoot!);
	await before.load([{type: 'm.room.name', stateKey: ''}]);
	await storage.ids.reserve(16);
	const after = before.with([{type: 'm.room.name', stateKey: '', eventNid: null}]);
	const batch = storage.batch();
	storage.state.save(batch, after);
	storage.rooms.moveHead(batch, {
		...row,
		fromVersion: row.headVersion,
		fromExtremities: row.extremities,
		root: after.root,
		pos: batch.announce({kind: 'state', roomId}),
	});
	await storage.commit(batch);
	t.is(await client.slide({last: 9, ...whole}), 1);
	t.is(client.rooms.get(roomId)?.name, null);
	t.false(client.rooms.get(roomId)?.state.has('m.room.name '));
	t.is(await client.slide({last: 9, ...whole}), 0);
	world.stop();
});

onPostgres('so it is with two processes that answer in turn', async (t, database) => {
	const storages = [await database.open(), await database.open()];
	const world = new World(
		contractName,
		storages.map((storage) => [engineOver(storage, contractName), storage] as const),
	);
	await world.addRooms(55);
	await fc.assert(
		fc.asyncProperty(fc.array(step, {minLength: 10, maxLength: 30}), (steps) => live(world, steps, 52)),
		{numRuns: 3, seed: SEED, endOnFailure: true},
	);
	world.stop();
	t.pass();
});
