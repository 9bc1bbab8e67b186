import test from 'ava';
import type {EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {SignatureChecker} from '../../../federation/engine/index.ts';
import type {RoomVersionId} from '../../../federation/rooms/index.ts';
import type {CommittedChange} from '../../../storage/index.ts';
import {firstEvents, gated, message, state, type TestEngine} from '../../harness/engine.ts';
import {until} from '../../harness/index.ts';
import {askToJoin, deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;
const carol = '@carol:three.test' as UserId;

async function bodies({engine, storage}: TestEngine, roomId: RoomId): Promise<unknown[]> {
	const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	const events = await engine.readRows(rows);
	return events.filter(({pdu}) => pdu.type === 'm.room.message').map(({pdu}) => pdu.content['body']);
}

async function setUp(network: EngineNetwork, version: RoomVersionId) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version, events: firstEvents(version, alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	return {one, two, roomId};
}

for (const version of ['1', '2', '3', '5', '6', '8', '9', '10', '11', '12'] as const) {
	test(`two servers hold one room of version ${version}`, async (t) => {
		await using network = new EngineNetwork();
		const {one, two, roomId} = await setUp(network, version);
		t.deepEqual((await stateOf(one, roomId)).state, (await stateOf(two, roomId)).state);
		const hello = await one.engine.send({roomId, event: message(alice, 'hello')});
		t.is((await deliver(one, two, hello.pdu)).status, 'accepted');
		t.is((await deliver(one, two, hello.pdu)).status, 'known');
		const back = await two.engine.send({roomId, event: message(bob, 'hello back')});
		t.is((await deliver(two, one, back.pdu)).status, 'accepted');
		for (const home of [one, two]) {
			t.deepEqual(await bodies(home, roomId), ['hello', 'hello back']);
			const room = await stateOf(home, roomId);
			t.deepEqual(room.state, room.table);
			t.deepEqual(room.joined, [alice, bob]);
		}
		t.deepEqual((await stateOf(one, roomId)).servers, ['two.test']);
		t.deepEqual((await stateOf(two, roomId)).servers, ['one.test']);
	});
}

for (const version of ['1', '9', '12'] as const) {
	test(`a fork made while two servers could not talk heals to one state in version ${version}`, async (t) => {
		await using network = new EngineNetwork();
		const {one, two, roomId} = await setUp(network, version);
		const levels = (users: JsonObject) => ({users: version === '12' ? {[bob]: 50} : users, state_default: 50});
		const power = await one.engine.send({
			roomId,
			event: state(alice, 'm.room.power_levels', levels({[alice]: 100, [bob]: 50})),
		});
		await deliver(one, two, power.pdu);
		const here = [
			await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'from one'})}),
			await one.engine.send({roomId, event: message(alice, 'left')}),
			await one.engine.send({roomId, event: state(alice, 'm.room.join_rules', {join_rule: 'invite'})}),
		];
		const there = [
			await two.engine.send({roomId, event: state(bob, 'm.room.topic', {topic: 'from two'})}),
			await two.engine.send({roomId, event: state(bob, 'm.room.name', {name: 'Two'})}),
			await two.engine.send({roomId, event: message(bob, 'right')}),
		];
		for (const {pdu} of there) await deliver(two, one, pdu);
		for (const {pdu} of here) await deliver(one, two, pdu);
		const [atOne, atTwo] = [await stateOf(one, roomId), await stateOf(two, roomId)];
		t.deepEqual(atOne.state, atTwo.state);
		t.deepEqual(atOne.table, atOne.state);
		t.deepEqual(atTwo.table, atTwo.state);
		t.is((await one.engine.findRoom(roomId))?.extremities.length, 2);
		const merge = await one.engine.send({roomId, event: message(alice, 'together again')});
		t.is(merge.pdu.prevEvents.length, 2);
		t.is((await deliver(one, two, merge.pdu)).status, 'accepted');
		t.deepEqual((await two.engine.findRoom(roomId))?.extremities, [merge.eventId]);
		t.deepEqual((await stateOf(two, roomId)).state, atOne.state);
	});
}

test('events that were missed are fetched before the one that names them, each with its place', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '12');
	const sent = [];
	for (let n = 0; n < 30; n += 1) sent.push(await one.engine.send({roomId, event: message(alice, `${n}`)}));
	const last = sent.at(-1);
	t.is(last && (await deliver(one, two, last.pdu)).status, 'accepted');
	t.deepEqual(
		await bodies(two, roomId),
		Array.from({length: 30}, (_, n) => `${n}`),
	);
	t.deepEqual((await two.engine.findRoom(roomId))?.extremities, [last?.eventId]);
});

test('where the gap cannot be filled, the state is asked for, and older events come by backfill', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '12');
	const sent = [];
	for (let n = 0; n < 1_200; n += 1) {
		sent.push(one.engine.send({roomId, event: message(alice, `${n}`)}));
		if (n % 400 === 399) await Promise.all(sent);
	}
	const topic = await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'late'})});
	const last = await one.engine.send({roomId, event: message(alice, 'last')});
	t.is((await deliver(one, two, last.pdu)).status, 'accepted');
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
	t.is((await (await two.engine.findRoom(roomId))?.findState('m.room.topic', ''))?.eventId, topic.eventId);
});

test('an event by somebody without the right is rejected or soft-failed, and never shown', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '12');
	// Bob is banned while his server does not know it.
	const ban = await one.engine.send({roomId, event: state(alice, 'm.room.member', {membership: 'ban'}, bob)});
	const late = await two.engine.send({roomId, event: message(bob, 'still here')});
	t.is((await deliver(two, one, late.pdu)).status, 'soft_failed');
	t.deepEqual(await bodies(one, roomId), []);
	t.deepEqual((await one.engine.findRoom(roomId))?.extremities, [ban.eventId]);
	t.is((await deliver(one, two, ban.pdu)).status, 'accepted');
	t.is((await two.storage.memberships.find(roomId, bob))?.membership, 'ban');
	const row = await one.storage.events.findById(late.eventId);
	t.true(row?.softFailed);
	t.is(row?.anchor, null);
	t.deepEqual((await stateOf(one, roomId)).servers, []);
});

test('a third server joins, and hears of both; a server whose last member left is owed its leave and no more', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '11');
	const three = await network.add('three.test');
	await joinThrough(one, three, roomId, carol);
	const join = await one.engine.findRoom(roomId);
	for (const eventId of join?.extremities ?? []) {
		const found = await one.engine.findEvent(eventId);
		if (found) t.is((await deliver(one, two, found.pdu)).status, 'accepted');
	}
	for (const home of [one, two, three])
		t.deepEqual((await stateOf(home, roomId)).joined, [alice, carol, bob].toSorted());
	const leave = await two.engine.send({roomId, event: state(bob, 'm.room.member', {membership: 'leave'}, bob)});
	await deliver(two, one, leave.pdu);
	await one.engine.send({roomId, event: message(alice, 'after')});
	const spans = await one.storage.memberships.listServerSpans('two.test' as never, 0);
	const position = (await one.storage.events.findById(leave.eventId))?.anchor;
	t.is(spans[0]?.toPos, position);
	t.deepEqual((await stateOf(one, roomId)).servers, ['three.test']);
});

test('an event is not judged while the server that has what it rests on does not answer', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '12');
	await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', {users: {[bob]: 50}})});
	const late = await one.engine.send({roomId, event: message(alice, 'rests on levels that two has not')});
	network.down.add(one.serverName);
	await t.throwsAsync(deliver(one, two, late.pdu), {code: 'unavailable'});
	t.is(await two.engine.findEvent(late.eventId), undefined);
	network.down.delete(one.serverName);
	t.is((await deliver(one, two, late.pdu)).status, 'accepted');
	t.deepEqual((await stateOf(two, roomId)).state, (await stateOf(one, roomId)).state);
});

test('what lies before our join is no news: it has no place after it, and no part in the present state', async (t) => {
	await using network = new EngineNetwork();
	const one = await network.add('one.test');
	const [two, three] = [await network.add('two.test'), await network.add('three.test')];
	const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	await one.engine.send({roomId, event: message(alice, 'long ago')});
	await joinThrough(one, three, roomId, carol);
	await joinThrough(one, two, roomId, bob);
	// Carol's server does not know of Bob yet.
	const beside = await three.engine.send({roomId, event: message(carol, 'beside the join')});
	await deliver(three, one, beside.pdu);
	const rule = await one.engine.send({roomId, event: state(alice, 'm.room.join_rules', {join_rule: 'invite'})});
	t.is(rule.pdu.prevEvents.length, 2);
	t.is((await deliver(one, two, rule.pdu)).status, 'accepted');
	t.deepEqual((await two.engine.findRoom(roomId))?.extremities, [rule.eventId]);
	t.deepEqual(await bodies(two, roomId), ['beside the join']);
	const after = await stateOf(two, roomId);
	t.deepEqual(after.state, (await stateOf(one, roomId)).state);
	t.deepEqual(after.joined, [alice, bob, carol].toSorted());
});

test('two people of one server who enter at once are both in the room, whosever answer comes first', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const dora = '@dora:two.test' as UserId;
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	const first = await askToJoin(one, two, roomId, bob);
	const second = await askToJoin(one, two, roomId, dora);
	const answers = await Promise.all([two.engine.importRoom(second), two.engine.importRoom(first)]);
	t.deepEqual(
		answers.map(({eventId}) => eventId),
		[second.join.eventId, first.join.eventId],
	);
	const atTwo = await stateOf(two, roomId);
	t.deepEqual(atTwo.joined, [alice, bob, dora]);
	t.deepEqual(atTwo.state, (await stateOf(one, roomId)).state);
});

test('who has left stays out when another of their server enters through one that has not heard of it', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '12');
	const dora = '@dora:two.test' as UserId;
	const leave = await two.engine.send({roomId, event: state(bob, 'm.room.member', {membership: 'leave'}, bob)});
	await joinThrough(one, two, roomId, dora);
	const atTwo = await stateOf(two, roomId);
	t.deepEqual(atTwo.joined, [alice, dora]);
	t.deepEqual(atTwo.state, atTwo.table);
	t.true((await two.engine.findRoom(roomId))?.extremities.includes(leave.eventId));
	t.is((await deliver(two, one, leave.pdu)).status, 'accepted');
	t.deepEqual((await stateOf(one, roomId)).state, atTwo.state);
});

for (const [what, forks] of [
	['a message', [message(bob, 'beside')]],
	['state', [state(bob, 'm.room.topic', {topic: 'beside'})]],
] as const) {
	test(`${what} from elsewhere that forks from our own event on its way to the disk takes nothing away`, async (t) => {
		await using network = new EngineNetwork();
		let box: ReturnType<typeof gated> | undefined;
		const one = await network.add('one.test', (storage) => {
			box = gated(storage);
			return box.wrapped;
		});
		const two = await network.add('two.test');
		const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
		await joinThrough(one, two, roomId, bob);
		const levels = await one.engine.send({
			roomId,
			event: state(alice, 'm.room.power_levels', {state_default: 0, users_default: 0}),
		});
		await deliver(one, two, levels.pdu);
		const theirs = [];
		for (const event of forks) theirs.push(await two.engine.send({roomId, event}));
		box?.close();
		const naming = one.engine.send({roomId, event: state(alice, 'm.room.name', {name: 'ours'})});
		await until(() => box?.gate.waiting === 1, 'our event is on its way');
		const receiving = Promise.all(theirs.map(({pdu}) => deliver(two, one, pdu)));
		// Whatever can be prepared before the commit is prepared by then.
		for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
		box?.gate.open();
		const name = await naming;
		t.deepEqual(
			(await receiving).map(({status}) => status),
			forks.map(() => 'accepted'),
		);
		const room = await one.engine.findRoom(roomId);
		t.deepEqual(new Set(room?.extremities), new Set([name.eventId, theirs.at(-1)?.eventId]));
		t.is((await room?.findState('m.room.name', ''))?.eventId, name.eventId);
		await deliver(one, two, name.pdu);
		const [atOne, atTwo] = [await stateOf(one, roomId), await stateOf(two, roomId)];
		t.deepEqual(atOne.state, atTwo.state);
		t.deepEqual(atOne.table, atOne.state);
	});
}

test('an event that cannot name all ends of the graph has the state of those it names, for every server', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network, '11');
	const levels = await one.engine.send({
		roomId,
		event: state(alice, 'm.room.power_levels', {users: {[alice]: 100, [bob]: 50}}),
	});
	await deliver(one, two, levels.pdu);
	const dora = '@dora:two.test' as UserId;
	// The first is the oldest, which the event does not name; what it says is nowhere else.
	const forked = [
		state(bob, 'm.room.member', {membership: 'ban'}, dora),
		...Array.from({length: 14}, (_, n) => message(bob, `fork ${n}`)),
	];
	for (const event of forked) {
		const proto = await one.engine.makeProto(roomId, {...event, sender: bob});
		const fork = two.engine.signFromProto({
			version: '11',
			roomId,
			event,
			prevEvents: [levels.eventId],
			authEvents: proto.event['auth_events'] as EventId[],
			depth: levels.pdu.depth + 1,
		});
		for (const home of [one, two]) t.is((await deliver(two, home, fork)).status, 'accepted');
	}
	const topic = await one.engine.send({roomId, event: state(alice, 'm.room.topic', {topic: 'merge'})});
	t.is(topic.pdu.prevEvents.length, 10);
	t.is((await deliver(one, two, topic.pdu)).status, 'accepted');
	const before = await Promise.all([one, two].map(({engine}) => engine.listStateBefore(topic.eventId)));
	const [atOne, atTwo] = before.map((pdus) => pdus?.map(({eventId}) => eventId).toSorted());
	t.deepEqual(atOne, atTwo);
	const [headOne, headTwo] = [await one.engine.findRoom(roomId), await two.engine.findRoom(roomId)];
	t.deepEqual(headOne?.extremities, headTwo?.extremities);
	t.is(headOne?.extremities.length, 6);
	t.deepEqual((await stateOf(one, roomId)).state, (await stateOf(two, roomId)).state);
	t.deepEqual((await stateOf(one, roomId)).state, (await stateOf(one, roomId)).table);
	t.is((await one.storage.memberships.find(roomId, dora))?.membership, 'ban');
	t.is((await headOne?.findState('m.room.topic', ''))?.eventId, topic.eventId);
	const last = await one.engine.send({roomId, event: message(alice, 'all of them')});
	t.is(last.pdu.prevEvents.length, 6);
});

test('what was redacted stays so when it is fetched by backfill, whatever the other server gives', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	const redact = (redacts: EventId) =>
		one.engine.send({roomId, event: {type: 'm.room.redaction', sender: alice, content: {}, redacts}});
	const [before, after, plain] = await Promise.all(
		['before', 'after', 'plain'].map((body) => one.engine.send({roomId, event: message(alice, body)})),
	);
	await redact(before!.eventId);
	await joinThrough(one, two, roomId, bob);
	const late = await redact(after!.eventId);
	await deliver(one, two, late.pdu);
	const heard: CommittedChange[] = [];
	two.storage.onCommitted((changes) => void heard.push(...changes));
	const end = {anchor: two.storage.stream.head(), minor: 1};
	while (await two.engine.backfill(roomId, end, 50)) continue;
	const rows = await two.storage.events.findByIds([before!.eventId, after!.eventId, plain!.eventId]);
	const isRedacted = (eventId: EventId) => rows.get(eventId)?.redactedBy !== null;
	t.deepEqual(
		[before, after, plain].map((sent) => isRedacted(sent!.eventId)),
		[true, true, false],
	);
	t.true(heard.every(({kind}) => kind === 'history'));
	t.true(heard.some(({extra}) => extra?.['redacted'] === rows.get(before!.eventId)?.nid));
});

test('an event that was checked ahead of its turn is checked once, and refused like any other where it is wrong', async (t) => {
	await using network = new EngineNetwork();
	const asked: unknown[] = [];
	const signatures: SignatureChecker = {
		check(pdu) {
			asked.push(pdu.content['body']);
			const isRight = pdu.content['body'] !== 'forged';
			return Promise.resolve(isRight ? {allowed: true} : {allowed: false, rule: '', reason: 'a wrong signature'});
		},
	};
	const one = await network.add('one.test', undefined, {signatures});
	const two = await network.add('two.test');
	const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	const sent = [];
	for (const body of ['a', 'forged', 'b']) sent.push(await two.engine.send({roomId, event: message(bob, body)}));
	asked.length = 0;
	const requests = sent.map(({pdu}) => ({roomId, json: pdu.json, origin: two.serverName}));
	for (const request of [...requests, ...requests]) one.engine.checkAhead(request);
	await until(() => asked.length === 3, 'all are checked');
	network.lies.getMissingEvents = () => Promise.resolve([]);
	const statuses = [];
	for (const request of requests) statuses.push((await one.engine.receive(request)).status);
	t.deepEqual(statuses, ['accepted', 'rejected', 'accepted']);
	t.is(asked.filter((body) => body === 'a' || body === 'b').length, 2);
});
