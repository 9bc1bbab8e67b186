import test from 'ava';
import type {EventId, JsonObject, RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import {EngineError, type ImportRoomRequest} from '../../../federation/engine/index.ts';
import {buildPdu, type Pdu} from '../../../federation/rooms/index.ts';
import {firstEvents, makeEngine, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const bob = '@bob:one.test' as UserId;
const creator = '@creator:far.test' as UserId;
const roomId = '!large:far.test' as RoomId;
/** Members of the large room: as many as a gate has time for; JOINED_MEMBERS=50000 for as many as there are somewhere. */
const MEMBERS = Number(process.env['JOINED_MEMBERS'] ?? 3_000);

interface Draft {
	readonly type: string;
	readonly sender: UserId;
	readonly stateKey?: string;
	readonly content: JsonObject;
	readonly authEvents: readonly EventId[];
	readonly roomId?: RoomId;
}

/** What a resident server answers to a join of Bob's; `change` makes another answer of the state that is right. */
function answer(members: number, joinRule = 'public', change = (state: Pdu[]): Pdu[] => state): ImportRoomRequest {
	const events: Pdu[] = [];
	const build = (draft: Draft): Pdu => {
		const last = events.at(-1)?.eventId;
		const parsed = buildPdu({
			roomVersion: '11',
			roomId,
			depth: events.length + 1,
			originServerTs: 1_700_000_000_000 + events.length,
			prevEvents: last === undefined ? [] : [last],
			...draft,
		});
		if (!parsed.ok) throw new Error(parsed.fault.reason);
		events.push(parsed.pdu);
		return parsed.pdu;
	};
	const state = (type: string, content: JsonObject, authEvents: readonly Pdu[], stateKey = '') =>
		build({type, sender: creator, stateKey, content, authEvents: authEvents.map(({eventId}) => eventId)});
	const join = (userId: UserId, authEvents: readonly Pdu[]) =>
		build({
			type: 'm.room.member',
			sender: userId,
			stateKey: userId,
			content: {membership: 'join'},
			authEvents: authEvents.map(({eventId}) => eventId),
		});
	const create = state('m.room.create', {room_version: '11'}, []);
	const first = join(creator, [create]);
	const levels = state('m.room.power_levels', {users: {[creator]: 100}}, [create, first]);
	const rules = state('m.room.join_rules', {join_rule: joinRule}, [create, first, levels]);
	if (joinRule === 'public') {
		for (let n = 0; n < members; n += 1) join(`@member${n}:far.test` as UserId, [create, levels, rules]);
	}
	const before = [...events];
	return {
		version: '11',
		roomId,
		join: join(bob, [create, levels, rules]),
		state: change(before),
		authChain: [create, first, levels, rules],
		origin: 'far.test' as ServerName,
	};
}

async function isUntouched({storage}: TestEngine, {state, authChain}: ImportRoomRequest): Promise<boolean> {
	const marks = await storage.events.findMarks([...state, ...authChain].map(({eventId}) => eventId));
	return marks.size === 0 && (await storage.rooms.find(roomId)) === undefined;
}

test('C13: the answer to a join with a state of thousands is taken whole, and others have their turn meanwhile', async (t) => {
	await using home = await makeEngine();
	const request = answer(MEMBERS);
	let turns = 0;
	const counting = setInterval(() => {
		turns += 1;
	}, 1);
	const sent = await home.engine.importRoom(request);
	clearInterval(counting);
	t.is(sent.eventId, request.join.eventId);
	t.true(turns >= MEMBERS / 1_000, `${turns} turns`);
	const view = await home.engine.findRoom(roomId);
	t.is((await view?.listState())?.length, MEMBERS + 5);
	t.is((await home.storage.memberships.find(roomId, bob))?.membership, 'join');
	const next = await home.engine.send({roomId, event: {type: 'm.room.message', sender: bob, content: {body: 'hello'}}});
	t.deepEqual(next.pdu.prevEvents, [sent.eventId]);
});

const refused: readonly (readonly [string, string, string, (state: Pdu[]) => Pdu[]])[] = [
	['whose state does not allow the join', 'forbidden', 'invite', (state) => state],
	['without a create event', 'bad_response', 'public', (state) => state.slice(1)],
	[
		'with an event of another room',
		'bad_response',
		'public',
		(state) => state.map((pdu, index) => (index === 3 ? {...pdu, roomId: '!other:far.test' as RoomId} : pdu)),
	],
	[
		'with an event of another version',
		'bad_response',
		'public',
		(state) => state.map((pdu, index) => (index === 3 ? {...pdu, roomVersion: '10'} : pdu)),
	],
	[
		'with more events than any room has',
		'bad_response',
		'public',
		(state) => Array.from({length: 200_001}, (_, index) => state[index % state.length] as Pdu),
	],
];
for (const [what, code, joinRule, change] of refused) {
	test(`C13: an answer ${what} is refused, and leaves no room and no event behind`, async (t) => {
		await using home = await makeEngine();
		const request = answer(20, joinRule, change);
		await t.throwsAsync(home.engine.importRoom(request), {code});
		t.true(await isUntouched(home, request));
		t.is(await home.engine.findRoom(roomId), undefined);
		// A right answer is taken all the same.
		await home.engine.importRoom(answer(20));
		t.is((await stateOf(home, roomId)).joined.length, 22);
	});
}

test('C11: an auth chain that is one long line is put in order in linear time', async (t) => {
	await using home = await makeEngine();
	const request = answer(0);
	const chain = [...request.authChain];
	const [create, , , rules] = chain;
	let levels = chain[2] as Pdu;
	const first = chain[1] as Pdu;
	for (let n = 0; n < 5_000; n += 1) {
		const parsed = buildPdu({
			roomVersion: '11',
			roomId,
			type: 'm.room.power_levels',
			sender: creator,
			stateKey: '',
			content: {users: {[creator]: 100}, events_default: n % 2},
			depth: 10 + n,
			originServerTs: 1_700_000_000_000 + n,
			prevEvents: [levels.eventId],
			authEvents: [(create as Pdu).eventId, first.eventId, levels.eventId],
		});
		if (!parsed.ok) throw new Error(parsed.fault.reason);
		levels = parsed.pdu;
		chain.push(levels);
	}
	const state = [create, first, levels, rules].filter((pdu) => pdu !== undefined);
	// Backwards, as a server would give it that means ill.
	await home.engine.importRoom({...request, state, authChain: chain.toReversed()});
	const view = await home.engine.findRoom(roomId);
	t.is((await view?.findState('m.room.power_levels', ''))?.eventId, levels.eventId);
	// Whoever asks for it does not keep others from their turn.
	let turns = 0;
	let isDone = false;
	const count = (): void => {
		turns += 1;
		if (!isDone) setImmediate(count);
	};
	setImmediate(count);
	const listed = await home.engine.listAuthChain([levels.eventId]);
	isDone = true;
	t.is(listed.length, 5_002);
	t.true(turns >= 50, `${turns} turns`);
});

test('a ban that this server knows of keeps its user out, also where the answer leaves out the members', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const [alice, guest] = ['@alice:one.test' as UserId, '@guest:two.test' as UserId];
	const room = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	await joinThrough(one, two, room.roomId, guest);
	const member = (sender: UserId, membership: string) => ({
		type: 'm.room.member',
		sender,
		stateKey: guest,
		content: {membership},
	});
	const {pdu: ban} = await one.engine.send({roomId: room.roomId, event: member(alice, 'ban')});
	await deliver(one, two, ban);
	const whole = (await (await one.engine.findRoom(room.roomId))?.listState()) ?? [];
	const state = whole.filter(({type}) => type !== 'm.room.member');
	const rights = state.filter(({type}) => /create|power|join_rules/u.test(type)).map(({eventId}) => eventId);
	const join = two.engine.signFromProto({
		version: '11',
		roomId: room.roomId,
		event: member(guest, 'join'),
		prevEvents: [ban.eventId],
		authEvents: [...rights, ban.eventId],
		depth: ban.depth + 1,
	});
	const request = {version: '11', roomId: room.roomId, join, state, origin: one.serverName} as const;
	const authChain = await one.engine.listAuthChain(state.map(({eventId}) => eventId));
	const entry = two.engine.importRoom({...request, authChain, withoutMembers: {servers: [one.serverName]}});
	await t.throwsAsync(entry, {instanceOf: EngineError, code: 'forbidden'});
});
