/** An answer that looks only at what was touched tells the same as one that looks at everything. */
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import type {EventId, JsonObject, RoomId, UserId} from '../../../../crypto/index.ts';
import {systemClock} from '../../../../federation/engine/index.ts';
import {createAccountData} from '../../../../server/account-data/index.ts';
import {createReceipts} from '../../../../server/receipts/index.ts';
import {firstEvents, makeEngine} from '../../../harness/engine.ts';
import {askSync, makeSyncWorld, type SyncProcess, type SyncWorld} from '../sync-world.ts';

const RUNS = 40;
const SEED = 20_261_126;
const ROOMS = 3;

const filters = [
	'{}',
	'{"room":{"timeline":{"limit":2}}}',
	'{"room":{"include_leave":true,"timeline":{"not_types":["m.room.message"]}}}',
	'{"room":{"state":{"lazy_load_members":true,"include_redundant_members":true}}}',
	'{"room":{"ephemeral":{"types":["m.typing"]},"account_data":{"not_types":["org.example.note"]}}}',
];

const room = fc.integer({min: 0, max: ROOMS - 1});
const person = fc.integer({min: 0, max: 2});
const step = fc.oneof(
	{weight: 6, arbitrary: fc.record({kind: fc.constant('say' as const), room, who: person})},
	{weight: 3, arbitrary: fc.record({kind: fc.constant('state' as const), room})},
	{
		weight: 4,
		arbitrary: fc.record({
			kind: fc.constant('member' as const),
			room,
			who: fc.integer({min: 1, max: 2}),
			to: fc.constantFrom('join', 'leave', 'invite', 'ban', 'forget'),
		}),
	},
	{weight: 6, arbitrary: fc.record({kind: fc.constant('read' as const), room, who: person, isPrivate: fc.boolean()})},
	{weight: 2, arbitrary: fc.record({kind: fc.constant('note' as const), who: person, room: fc.option(room)})},
	{weight: 3, arbitrary: fc.record({kind: fc.constant('type' as const), room, who: person, isTyping: fc.boolean()})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('ignore' as const), who: person, whom: person})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('redact' as const), room})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('hide' as const), room, isHidden: fc.boolean()})},
	{
		weight: 12,
		arbitrary: fc.record({
			kind: fc.constant('sync' as const),
			who: person,
			/** How many answers ago the token was given; 9 is none at all. */
			ago: fc.constantFrom(0, 0, 0, 0, 1, 2, 5, 9),
			filter: fc.constantFrom(...filters),
			usesStateAfter: fc.boolean(),
		}),
	},
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Answer {
	readonly next_batch: string;
	readonly rooms?: {readonly join?: Readonly<Record<string, {readonly ephemeral?: {readonly events: JsonObject[]}}>>};
}

let rounds = 0;

/** Three people in some of three rooms; the first, who made the rooms, stays in all of them. */
class Round {
	readonly #t: ExecutionContext;
	readonly #world: SyncWorld;
	readonly #process: SyncProcess;
	readonly #users: readonly UserId[];
	readonly #rooms: RoomId[] = [];
	readonly #said = new Map<RoomId, EventId>();
	readonly #tokens = new Map<UserId, string[]>();
	#count = 0;

	constructor(t: ExecutionContext, world: SyncWorld, process: SyncProcess) {
		rounds += 1;
		this.#t = t;
		this.#world = world;
		this.#process = process;
		this.#users = ['alice', 'bob', 'carol'].map((name) => `@${name}${rounds}:one.test` as UserId);
	}

	async run(steps: readonly Step[]): Promise<void> {
		for (let index = 0; index < ROOMS; index += 1) {
			const {roomId} = await this.#world.engine.createRoom({
				version: '11',
				roomId: `!news${rounds}-${index}:one.test` as RoomId,
				events: firstEvents('11', this.#users[0]!, 'public'),
			});
			this.#rooms.push(roomId);
			await this.#take({kind: 'member', room: index, who: 1, to: 'join'});
			await this.#take({kind: 'say', room: index, who: 0});
		}
		for (const what of steps) await this.#take(what);
		for (const who of [0, 1, 2]) {
			await this.#take({kind: 'sync', who, ago: 0, filter: filters[0]!, usesStateAfter: false});
		}
	}

	async #take(what: Step): Promise<void> {
		this.#count += 1;
		if (what.kind === 'sync') return this.#compare(what);
		// What nobody may do in the room's state of the moment is tried as well, and changes nothing.
		await this.#do(what).catch(() => undefined);
	}

	#send(roomId: RoomId, sender: UserId, type: string, content: JsonObject, more: JsonObject = {}) {
		return this.#world.engine.send({roomId, event: {type, sender, content, ...more}});
	}

	async #do(what: Exclude<Step, {kind: 'sync'}>): Promise<void> {
		const {storage, engine, events} = this.#world;
		const creator = this.#users[0]!;
		const user = this.#users['who' in what ? what.who : 0]!;
		const roomId = this.#rooms[what.kind === 'ignore' ? 0 : (what.room ?? 0)]!;
		const accountData = createAccountData({storage});
		const content = {body: `${this.#count}`};
		switch (what.kind) {
			case 'say':
				this.#said.set(roomId, (await this.#send(roomId, user, 'm.room.message', content)).eventId);
				break;
			case 'state':
				await this.#send(roomId, creator, 'org.example.state', content, {stateKey: ''});
				break;
			case 'hide':
				await this.#send(
					roomId,
					creator,
					'm.room.history_visibility',
					{history_visibility: what.isHidden ? 'joined' : 'shared'},
					{stateKey: ''},
				);
				break;
			case 'redact':
				await this.#send(roomId, creator, 'm.room.redaction', {}, {redacts: this.#said.get(roomId)!});
				break;
			case 'member':
				if (what.to === 'forget') await this.#forget(roomId, user);
				else {
					const sender = what.to === 'join' || what.to === 'leave' ? user : creator;
					await this.#send(roomId, sender, 'm.room.member', {membership: what.to}, {stateKey: user});
				}
				break;
			case 'read':
				await createReceipts({storage, engine, events, accountData, clock: systemClock}).set(user, roomId, {
					type: what.isPrivate ? 'm.read.private' : 'm.read',
					eventId: this.#said.get(roomId)!,
				});
				break;
			case 'note':
				await accountData.update(
					{userId: user, roomId: what.room === null ? null : roomId, type: 'org.example.note'},
					() => content,
				);
				break;
			case 'type':
				await this.#process.ephemeral.typing.set(user, roomId, {isTyping: what.isTyping});
				break;
			case 'ignore':
				await accountData.update({userId: user, roomId: null, type: 'm.ignored_user_list'}, () => ({
					ignored_users: {[this.#users[what.whom]!]: {}},
				}));
				break;
		}
	}

	async #forget(roomId: RoomId, userId: UserId): Promise<void> {
		const {storage} = this.#world;
		const row = await storage.memberships.find(roomId, userId);
		if (row?.membership !== 'leave' && row?.membership !== 'ban') return;
		const batch = storage.batch();
		storage.memberships.forget(batch, roomId, userId);
		batch.announce({kind: 'membership', roomId, subject: userId});
		await storage.commit(batch);
	}

	/** Asks the process that has followed the stream, and one that has just begun and knows nothing of it. */
	async #compare({who, ago, filter, usesStateAfter}: Extract<Step, {kind: 'sync'}>): Promise<void> {
		const userId = this.#users[who]!;
		const tokens = this.#tokens.get(userId) ?? [];
		const since = ago === 9 ? undefined : tokens.at(-1 - ago);
		const wish = {userId, since, filter, usesStateAfter};
		const answer = await askSync<Answer>(this.#world, this.#process, wish);
		const fresh = this.#world.start();
		const expected = await askSync<Answer>(this.#world, fresh, wish);
		fresh.close();
		this.#t.deepEqual(comparable(answer), comparable(expected), `${userId} since ${since ?? 'the beginning'}`);
		if (filter === filters[0]) await this.#checkTyping(answer, userId, since);
		this.#tokens.set(userId, [...tokens, answer.next_batch]);
	}

	/** Who types is in no database: the process that knows it is asked itself. */
	async #checkTyping({rooms}: Answer, userId: UserId, since: string | undefined): Promise<void> {
		const {typing} = this.#process.ephemeral;
		const [, sincePos = '', , seq = ''] = since?.split('.') ?? [];
		for (const {roomId, pos} of await this.#world.storage.memberships.listOfUser(userId, ['join'])) {
			// To who came meanwhile it is no news that somebody types there no more.
			if (since !== undefined && pos > Number(sincePos)) continue;
			const users = typing.list(roomId);
			const isNews = since === undefined ? users.length > 0 : typing.seqOf(roomId) > Number(seq);
			const told = rooms?.join?.[roomId]?.ephemeral?.events.filter(({type}) => type === 'm.typing') ?? [];
			this.#t.deepEqual(told, isNews ? [{type: 'm.typing', content: {user_ids: users}}] : []);
		}
	}
}

interface Shown {
	readonly events: readonly {readonly type: string; readonly event_id?: string}[];
}

interface ShownRoom {
	readonly timeline: Shown;
	readonly state?: Shown;
	readonly state_after?: Shown;
	readonly account_data: Shown;
	readonly ephemeral: Shown;
	readonly summary?: unknown;
}

/** Without what depends on the moment or on the process, and without rooms in which there is only typing. */
function comparable({rooms, ...rest}: Answer): object {
	const text = JSON.stringify(rooms ?? {}, (key: string, value: unknown) => (key === 'age' ? undefined : value));
	const {
		join = {},
		leave = {},
		...others
	} = JSON.parse(text) as Partial<Record<'join' | 'leave', Record<string, ShownRoom>>>;
	const told = Object.entries(join)
		.filter(([, shown]) => !hasOnlyTyping(shown))
		.map(([roomId, shown]) => {
			return [roomId, {...withStatesInOrder(shown), ephemeral: withoutTyping(shown.ephemeral)}] as const;
		});
	const left = Object.entries(leave).map(([roomId, shown]) => [roomId, withStatesInOrder(shown)] as const);
	return {
		...rest,
		next_batch: undefined,
		rooms: {...others, join: Object.fromEntries(told), leave: Object.fromEntries(left)},
	};
}

const withStatesInOrder = ({state, state_after: after, ...shown}: ShownRoom): object => ({
	...shown,
	state: inOrder(state),
	state_after: inOrder(after),
});

/** A state is a set: what of it was in memory already comes first. */
const inOrder = (state: Shown | undefined): Shown['events'] | undefined =>
	state?.events.toSorted((one, other) => ((one.event_id ?? '') < (other.event_id ?? '') ? -1 : 1));

const withoutTyping = ({events}: Shown): Shown => ({events: events.filter(({type}) => type !== 'm.typing')});

function hasOnlyTyping({
	timeline,
	state,
	state_after: after,
	account_data: data,
	ephemeral,
	summary,
}: ShownRoom): boolean {
	const shown = [timeline, state, after, data, ephemeral].flatMap((part) => part?.events ?? []);
	return shown.length === 1 && shown[0]?.type === 'm.typing' && summary === undefined;
}

test('an answer that looks only at what was touched tells what one that looks at everything tells', async (t) => {
	await using engine = await makeEngine();
	const world = makeSyncWorld(engine.engine, engine.storage);
	const process = world.start();
	await fc.assert(
		fc.asyncProperty(fc.array(step, {minLength: 30, maxLength: 60, size: 'max'}), (steps) =>
			new Round(t, world, process).run(steps),
		),
		{numRuns: RUNS, seed: SEED, endOnFailure: true},
	);
	process.close();
	world.events.close();
});
