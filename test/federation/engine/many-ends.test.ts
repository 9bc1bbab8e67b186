import test from 'ava';
import type {EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {EventTemplate} from '../../../federation/engine/index.ts';
import type {Pdu} from '../../../federation/rooms/index.ts';
import {firstEvents, message, state, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';
import {until} from '../../harness/index.ts';
import {ManualClock} from '../../harness/manual-clock.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;

/** A room of two servers in which Bob, whose server is not to be trusted, may do what Alice may. */
async function setUp(network: EngineNetwork, levels: JsonObject = {}) {
	const clock = new ManualClock();
	const [one, two] = [await network.add('one.test', undefined, {clock}), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	const content = {users: {[alice]: 100, [bob]: 100}, ...levels};
	const base = await one.engine.send({roomId, event: state(alice, 'm.room.power_levels', content)});
	await deliver(one, two, base.pdu);
	/** Builds an event of Bob's on any other events. */
	const forkFrom = async (event: EventTemplate, prevEvents: readonly EventId[]): Promise<Pdu> => {
		const proto = await two.engine.makeProto(roomId, event);
		const authEvents = proto.event['auth_events'] as EventId[];
		return two.engine.signFromProto({version: '11', roomId, event, prevEvents, authEvents, depth: base.pdu.depth + 1});
	};
	return {one, two, roomId, base: base.eventId, forkFrom, clock};
}

async function ends({engine}: TestEngine, roomId: RoomId): Promise<readonly EventId[]> {
	return (await engine.findRoom(roomId))?.extremities ?? [];
}

for (const [what, makeFork] of [
	['messages', (n: number) => message(bob, `fork ${n}`)],
	['state', (n: number) => state(bob, 'm.room.topic', {topic: `fork ${n}`})],
] as const) {
	test(`C10: hundreds of forks of ${what} are brought together by events of ours, and never make more than 50 ends`, async (t) => {
		await using network = new EngineNetwork();
		const {one, two, roomId, base, forkFrom, clock} = await setUp(network);
		let most = 0;
		for (let n = 0; n < 300; n += 1) {
			clock.advance(1_000);
			const fork = await forkFrom(makeFork(n), [base]);
			t.is((await deliver(two, one, fork)).status, 'accepted');
			most = Math.max(most, (await ends(one, roomId)).length);
		}
		t.true(most <= 50, `${most} ends`);
		const rows = await one.storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
		const merges = rows.filter(({type}) => type === 'org.matrix.dummy_event');
		t.true(merges.length > 0 && merges.length <= 300 / 9 + 1, `${merges.length} events`);
		t.deepEqual(new Set(merges.map(({sender}) => sender)), new Set([alice]));
		t.true(merges.every(({notifyCount}, index) => index === 0 || notifyCount >= (merges[index - 1]?.notifyCount ?? 0)));
		// Every server comes to the same by them.
		for (const {pdu} of await one.engine.readRows(rows)) await deliver(one, two, pdu);
		const last = await one.engine.send({roomId, event: message(alice, 'and on')});
		await deliver(one, two, last.pdu);
		const [here, there] = [await stateOf(one, roomId), await stateOf(two, roomId)];
		t.deepEqual(here.state, there.state);
		t.deepEqual(here.state, here.table);
	});
}

test('C10: of a flood of forks what is beyond 50 ends is soft-failed, and ours that bring them together are few', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, base, forkFrom, clock} = await setUp(network);
	const statuses = [];
	for (let n = 0; n < 200; n += 1) {
		statuses.push((await deliver(two, one, await forkFrom(message(bob, `fork ${n}`), [base]))).status);
	}
	const countOurs = async (): Promise<number> => {
		const rows = await one.storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
		return rows.filter(({type}) => type === 'org.matrix.dummy_event').length;
	};
	t.is(statuses.filter((status) => status === 'accepted').length, 41 + 45);
	t.is(await countOurs(), 4);
	t.is((await ends(one, roomId)).length, 50);
	clock.advance(20_000);
	await until(async () => (await ends(one, roomId)).length <= 10, 'they are brought together');
	t.is(await countOurs(), 9);
});

test('C10: ends that another server brings together meanwhile are left to it', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, base, forkFrom, clock} = await setUp(network);
	for (let n = 0; n < 25; n += 1) await deliver(two, one, await forkFrom(message(bob, `fork ${n}`), [base]));
	const many = await ends(one, roomId);
	const merge = await forkFrom(message(bob, 'brought together'), many.slice(0, 20));
	t.is((await deliver(two, one, merge)).status, 'accepted');
	clock.advance(20_000);
	const next = await one.engine.send({roomId, event: message(alice, 'next')});
	t.is(next.pdu.prevEvents.length, many.length - 20 + 1);
});

test('C10: where nobody of ours may send, forks beyond 50 are no ends, and what names one that is goes on', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, base, forkFrom} = await setUp(network, {users: {[bob]: 100}, events_default: 50});
	const statuses = [];
	for (let n = 0; n < 120; n += 1) {
		statuses.push((await deliver(two, one, await forkFrom(message(bob, `fork ${n}`), [base]))).status);
	}
	t.is(statuses.filter((status) => status === 'accepted').length, 50);
	t.is(statuses.filter((status) => status === 'soft_failed').length, 70);
	const many = await ends(one, roomId);
	t.is(many.length, 50);
	const merge = await forkFrom(message(bob, 'honest'), many.slice(0, 20));
	t.is((await deliver(two, one, merge)).status, 'accepted');
	t.is((await ends(one, roomId)).length, 31);
});

test('C10: what somebody who was banned forks from before is soft-failed: no end, in no timeline, whatever its number', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, base, forkFrom} = await setUp(network, {users: {[alice]: 100}, state_default: 0});
	const forks = [];
	for (let n = 0; n < 200; n += 1) forks.push(await forkFrom(state(bob, 'test.key', {n}, `${n}`), [base]));
	const ban = await one.engine.send({roomId, event: state(alice, 'm.room.member', {membership: 'ban'}, bob)});
	const before = await stateOf(one, roomId);
	const heard: unknown[] = [];
	one.storage.onCommitted((changes) => heard.push(...changes));
	for (const fork of forks) t.is((await deliver(two, one, fork)).status, 'soft_failed');
	t.deepEqual(await ends(one, roomId), [ban.eventId]);
	t.deepEqual(await stateOf(one, roomId), before);
	t.deepEqual(heard, []);
	const rows = await one.storage.events.listTimeline({roomId, direction: 'forwards', limit: 1_000});
	t.false(rows.some(({type}) => type === 'test.key'));
});
