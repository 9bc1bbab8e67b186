import {readFileSync} from 'node:fs';
import test from 'ava';
import * as fc from 'fast-check';
import type {EventId} from '../../../../crypto/index.ts';
import {
	AuthChainIndex,
	BudgetExceeded,
	checkAuth,
	createAuthGraph,
	createWorkBudget,
	ForeignEvent,
	MissingEvents,
	ROOM_VERSIONS,
	type Pdu,
	type RoomVersionId,
	resolveConflict,
	resolveLoading,
	resolveState,
	type StateKey,
	type StateMap,
	separateStates,
	splitStateKey,
	stateKeyOf,
} from '../../../../federation/rooms/index.ts';
import {createRandomRoom, listState, type RandomRoom} from '../../../harness/random-room.ts';
import {RoomBuilder} from '../../../harness/room-builder.ts';
import {createSeededRandom} from '../../../harness/seeded-random.ts';
import {
	hashAnswers,
	RECORDED_ROOMS,
	SYNAPSE_ANSWERS_FILE,
	type SynapseAnswers,
} from '../../../interop/state-resolution-answers.ts';

const VERSIONS = ROOM_VERSIONS.map(({id}) => id);
const SEED = 20_260_115;
const RUNS = {seed: SEED, numRuns: 12};

/** Rooms that were made; nothing changes them, and the properties of a version are tried on the same ones. */
const made = new Map<string, RandomRoom>();

function makeRoom(version: RoomVersionId, seed: number): RandomRoom {
	const random = made.get(`${version}/${seed}`) ?? createRandomRoom({seed, version, steps: 40});
	made.set(`${version}/${seed}`, random);
	return random;
}

/** A random room of a version, and the state sets of one of its conflicts. */
const conflictsOf = (version: RoomVersionId) =>
	fc.tuple(fc.nat(1_000_000), fc.nat()).map(([seed, pick]) => {
		const random = makeRoom(version, seed);
		const tips = random.conflicts[pick % random.conflicts.length] ?? [];
		return {random, seed, stateSets: tips.map((eventId) => random.room.stateAfter(eventId))};
	});

function resolve({room}: RandomRoom, stateSets: readonly StateMap[]): StateMap {
	return room.resolveStates(stateSets);
}

for (const version of VERSIONS) {
	test(`in version ${version} the order of state sets, of their entries and of the auth graph makes no difference`, (t) => {
		fc.assert(
			fc.property(conflictsOf(version), ({random, seed, stateSets}) => {
				const expected = listState(resolve(random, stateSets));
				const {shuffle} = createSeededRandom(seed);
				const shuffled = shuffle(stateSets).map((stateSet) => new Map(shuffle([...stateSet])));
				t.deepEqual(listState(resolve(random, shuffled)), expected);
				// An index whose events came in another order, under other numbers.
				const ids = shuffle(random.events.map(({eventId}) => eventId));
				const numbers = new Map(ids.map((eventId, at) => [eventId, 5000 + 3 * at]));
				const index = new AuthChainIndex();
				const numberOf = (eventId: EventId): number => numbers.get(eventId) as number;
				index.add(shuffle(random.events).map((event) => [numberOf(event.eventId), event.authEvents.map(numberOf)]));
				const resolved = resolveState(version, {
					roomId: random.room.roomId,
					stateSets: shuffled,
					findEvent: (eventId) => random.room.events.get(eventId),
					authGraph: createAuthGraph(index, {
						numberOf,
						eventIdOf: (number) => ids[(number - 5000) / 3] as EventId,
					}),
				});
				t.deepEqual(listState(resolved), expected);
			}),
			RUNS,
		);
	});

	test(`in version ${version} resolution is idempotent, and a state set given twice counts once`, (t) => {
		fc.assert(
			fc.property(conflictsOf(version), ({random, stateSets}) => {
				const resolved = resolve(random, stateSets);
				const expected = listState(resolved);
				t.deepEqual(listState(resolve(random, [resolved])), expected);
				t.deepEqual(listState(resolve(random, [resolved, resolved])), expected);
				t.deepEqual(listState(resolve(random, [...stateSets, ...stateSets])), expected);
			}),
			RUNS,
		);
	});

	test(`in version ${version} what all states agree on stays, and what wins was held or cited and is allowed by what it cites`, (t) => {
		fc.assert(
			fc.property(conflictsOf(version), ({random, stateSets}) => {
				const {room} = random;
				const resolved = resolve(random, stateSets);
				const {unconflicted} = separateStates(stateSets);
				for (const [key, eventId] of unconflicted) t.is(resolved.get(key), eventId);
				const reachable = new Set(stateSets.flatMap((stateSet) => [...stateSet.values()]));
				for (const eventId of reachable) for (const cited of room.get(eventId).authEvents) reachable.add(cited);
				for (const [key, eventId] of resolved) {
					t.true(reachable.has(eventId));
					const event = room.get(eventId);
					t.is(stateKeyOf(event.type, event.stateKey as string), key);
					t.true(isAllowedByCited(room, event));
				}
			}),
			RUNS,
		);
	});
}

function isAllowedByCited(room: RoomBuilder, event: Pdu): boolean {
	const cited = new Map(
		event.authEvents.map((eventId): [StateKey, EventId] => {
			const {type, stateKey} = room.get(eventId);
			return [stateKeyOf(type, stateKey as string), eventId];
		}),
	);
	const create = [...room.events.values()].find(({type}) => type === 'm.room.create');
	return checkAuth(event, room.lookUpIn(cited), {createEvent: create, verifySignature: () => true}).allowed;
}

test('C3, C5: random rooms resolve to what Synapse made of them', (t) => {
	const {answers} = JSON.parse(readFileSync(SYNAPSE_ANSWERS_FILE, 'utf8')) as SynapseAnswers;
	for (const {version, seed} of RECORDED_ROOMS) {
		const {room, conflicts} = createRandomRoom({seed, version});
		const states = conflicts.map((eventIds) => listState(room.resolve(eventIds)));
		t.is(hashAnswers(states), answers[`${version}/${seed}`] ?? 'not recorded', `version ${version}, seed ${seed}`);
	}
});

/** A public room of one user; `more` of them have joined. */
function openRoom(version: RoomVersionId): RoomBuilder {
	const room = new RoomBuilder(version);
	const alice = '@alice:a.example';
	let last = room.send({type: 'm.room.create', sender: alice, stateKey: '', content: {creator: alice}, prevEvents: []});
	for (const [type, stateKey, content] of [
		['m.room.member', alice, {membership: 'join'}],
		['m.room.power_levels', '', {users: version === '12' ? {} : {[alice]: 100}}],
		['m.room.join_rules', '', {join_rule: 'public'}],
	] as const) {
		last = room.send({type, sender: alice, stateKey, content: {...content}, prevEvents: [last.eventId]});
	}
	return room;
}

/** Two states that differ in the topic, and the input that resolves them. */
function topicConflict(version: RoomVersionId) {
	const room = openRoom(version);
	const start = [...room.events.keys()].at(-1) as EventId;
	const [one, other] = ['one', 'other'].map((topic) =>
		room.send({type: 'm.room.topic', sender: '@alice:a.example', stateKey: '', content: {topic}, prevEvents: [start]}),
	) as [Pdu, Pdu];
	const stateSets = [one, other].map(({eventId}) => room.stateAfter(eventId));
	const findEvent = (eventId: EventId) => room.events.get(eventId);
	return {room, one, other, input: {roomId: room.roomId, stateSets, findEvent}};
}

test('a rejected event takes part if only the state before it refused it, and does not if its auth events did', (t) => {
	for (const version of ['2', '11', '12'] as const) {
		const {other, one, input} = topicConflict(version);
		const topicOf = (rejection: 'auth-events' | 'state-before'): EventId | undefined =>
			resolveState(version, {
				...input,
				rejectionOf: (eventId) => (eventId === other.eventId ? rejection : undefined),
			}).get(stateKeyOf('m.room.topic', ''));
		t.is(topicOf('state-before'), other.eventId);
		t.is(topicOf('auth-events'), one.eventId);
	}
});

test('a rejected auth event is not used in place of missing state', (t) => {
	// Version 12 starts from nothing, so all that a topic needs comes from its own auth events.
	const {room, input} = topicConflict('12');
	const memberId = room
		.stateAfter([...room.events.keys()].at(-1) as EventId)
		.get(stateKeyOf('m.room.member', '@alice:a.example'));
	const resolved = resolveState('12', {
		...input,
		rejectionOf: (eventId) => (eventId === memberId ? 'state-before' : undefined),
	});
	t.is(resolved.get(stateKeyOf('m.room.topic', '')), undefined);
});

test('a room of version 12 whose create event was rejected has no conflicted state that passes', (t) => {
	const {room, input} = topicConflict('12');
	const createId = [...room.events.keys()][0];
	const resolved = resolveState('12', {
		...input,
		rejectionOf: (eventId) => (eventId === createId ? 'auth-events' : undefined),
	});
	t.is(resolved.get(stateKeyOf('m.room.topic', '')), undefined);
});

test('an event that all states hold is not replayed because the auth chain of only one leads to it', (t) => {
	// By the letter of the specification the public rule, cited by Bob's join alone, were in the auth difference.
	const room = openRoom('11');
	const ruleId = [...room.events.keys()].at(-1) as EventId;
	const join = room.send({
		type: 'm.room.member',
		sender: '@bob:b.example',
		stateKey: '@bob:b.example',
		content: {membership: 'join'},
		prevEvents: [ruleId],
	});
	const checked: EventId[] = [];
	resolveState('11', {
		roomId: room.roomId,
		stateSets: [room.stateAfter(ruleId), room.stateAfter(join.eventId)],
		findEvent: (eventId) => room.events.get(eventId),
		rejectionOf(eventId) {
			checked.push(eventId);
			return undefined;
		},
	});
	t.is(checked[0], join.eventId, 'the only event that is replayed');
});

test('events that are missing are named all at once, and left out only on demand', async (t) => {
	for (const version of ['1', '2', '12'] as const) {
		const {room, one, other, input} = topicConflict(version);
		const known = new Map<EventId, Pdu>();
		const findEvent = (eventId: EventId) => known.get(eventId);
		const error = t.throws(() => resolveState(version, {...input, findEvent}), {instanceOf: MissingEvents});
		t.true(error.eventIds.includes(one.eventId) && error.eventIds.includes(other.eventId));
		let rounds = 0;
		const resolved = await resolveLoading(
			() => resolveState(version, {...input, findEvent}),
			async (eventIds) => {
				rounds++;
				for (const eventId of eventIds) known.set(eventId, room.get(eventId));
			},
		);
		t.deepEqual(listState(resolved), listState(resolveState(version, input)));
		t.true(rounds <= 5, `${rounds} rounds`);
		await t.throwsAsync(
			resolveLoading(
				() => resolveState(version, {...input, findEvent: findNothing}),
				async () => {},
			),
			{instanceOf: MissingEvents},
		);
		known.delete(other.eventId);
		const without = resolveState(version, {...input, findEvent, missingEvents: 'leave-out'});
		t.is(without.get(stateKeyOf('m.room.topic', '')), one.eventId);
	}
});

test('an event of another room is refused', (t) => {
	const {other, input} = topicConflict('11');
	const findEvent = (eventId: EventId): Pdu | undefined => {
		const event = input.findEvent(eventId);
		return event?.eventId === other.eventId ? {...event, roomId: '!elsewhere:b.example' as Pdu['roomId']} : event;
	};
	t.throws(() => resolveState('11', {...input, findEvent}), {instanceOf: ForeignEvent});
});

function findNothing(): undefined {}

test('nothing, one state and equal states need no event at all', (t) => {
	const {input, one} = topicConflict('11');
	t.is(resolveState('11', {...input, findEvent: findNothing, stateSets: []}).size, 0);
	const [state] = input.stateSets as [StateMap];
	for (const stateSets of [[state], [state, new Map(state)]]) {
		t.is(
			resolveState('11', {...input, findEvent: findNothing, stateSets}).get(stateKeyOf('m.room.topic', '')),
			one.eventId,
		);
	}
});

test('a conflict can be given without the state that all agree on, and only what is new comes back', (t) => {
	const {other, input} = topicConflict('12');
	const {conflicted, unconflicted} = separateStates(input.stateSets);
	const resolved = resolveConflict('12', {...input, conflict: {conflicted, unconflicted}});
	t.deepEqual([...resolved], [[stateKeyOf('m.room.topic', ''), other.eventId]]);
});

test('map keys of types and state keys are never the same for different pairs', (t) => {
	const texts = fc.string({unit: fc.constantFrom('a', '\0', '\u0001', '|', '😀'), maxLength: 4});
	fc.assert(
		fc.property(texts, texts, texts, texts, (a, b, c, d) => {
			t.deepEqual(splitStateKey(stateKeyOf(a, b)), [a, b]);
			t.is(stateKeyOf(a, b) === stateKeyOf(c, d), a === c && b === d);
		}),
		{seed: SEED, numRuns: 500},
	);
});

/** A room in which Alice changes the power levels again and again, each time citing the last, then two topics at the end and start. */
function deepRoom(length: number, version: RoomVersionId) {
	const room = openRoom(version);
	const start = [...room.events.keys()].at(-1) as EventId;
	const template = room.get([...room.events.keys()][2] as EventId);
	const events = new Map(room.events);
	const cited = template.authEvents;
	let last = template;
	for (let at = 0; at < length; at++) {
		const eventId = `$deep-${at}` as EventId;
		last = {...template, eventId, authEvents: [...cited, last.eventId], originServerTs: template.originServerTs + at};
		events.set(eventId, last);
	}
	const before = room.stateAfter(start);
	const after = new Map(before).set(stateKeyOf('m.room.power_levels', ''), last.eventId);
	return {
		roomId: room.roomId,
		last,
		input: {roomId: room.roomId, stateSets: [before, after], findEvent: (id: EventId) => events.get(id)},
	};
}

test('C11: 100,000 power levels, each citing the one before, are resolved without recursion and within the budget', (t) => {
	for (const version of ['2', '12'] as const) {
		const {last, input} = deepRoom(100_000, version);
		const resolved = resolveState(version, input);
		t.is(resolved.get(stateKeyOf('m.room.power_levels', '')), last.eventId);
		t.throws(() => resolveState(version, {...input, budget: createWorkBudget(100_000)}), {instanceOf: BudgetExceeded});
	}
});
