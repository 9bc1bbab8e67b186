import test, {type ExecutionContext} from 'ava';
import type {EventId, JsonObject, UserId} from '../../../crypto/index.ts';
import {buildPdu, type Pdu, type RoomVersionId, toFederationEvent} from '../../../federation/rooms/index.ts';
import {firstEvents} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;

const message = (body: string) => ({type: 'm.room.message', sender: bob, content: {msgtype: 'm.text', body}});

/** A room of two servers; the second one makes up events on top of whatever it likes, and says what it likes of them. */
async function setUp(network: EngineNetwork, version: RoomVersionId) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version, events: firstEvents(version, alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	const present = (await two.engine.findRoom(roomId))?.extremities ?? [];
	const state = await (await two.engine.findRoom(roomId))?.listState();
	const ids = (state ?? []).map(({eventId}) => eventId);
	const authChain = (await two.engine.listAuthChain(ids)).map(({eventId}) => eventId);
	network.lies.getStateIds = () => {
		network.asked.push('state_ids');
		return Promise.resolve({state: ids, authChain});
	};
	const proto = await two.engine.makeProto(roomId, message(''));
	const references = proto.event['auth_events'] as (EventId | [EventId])[];
	const authEvents = references.map((entry) => (typeof entry === 'string' ? entry : entry[0]));
	const makeUp = (body: string, prevEvents: readonly EventId[], eventId?: EventId): Pdu => {
		const {content, ...event} = message(body);
		const fields = {...event, content: content as JsonObject, roomVersion: version, roomId, prevEvents, authEvents};
		const parsed = buildPdu({...fields, depth: 100, originServerTs: 1_700_000_000_000, eventId});
		if (!parsed.ok) throw new Error(parsed.fault.reason);
		return parsed.pdu;
	};
	const count = (question: string): number => network.asked.filter((asked) => asked === question).length;
	network.asked.length = 0;
	return {one, two, roomId, present, makeUp, count};
}

const unknown = (n: number): EventId => `$${String(n).padStart(43, 'A')}` as EventId;

async function isWell(t: ExecutionContext, {one, two, roomId}: Awaited<ReturnType<typeof setUp>>): Promise<void> {
	const room = await stateOf(one, roomId);
	t.deepEqual(room.state, room.table);
	t.deepEqual(room.state, (await stateOf(two, roomId)).state);
	t.deepEqual(room.joined, [alice, bob]);
}

test('C12: of an event on top of 20 that nobody has, missing events are asked for in bounded rounds, and the state once', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network, '12');
	const {one, two, present, makeUp, count} = world;
	const event = makeUp('nothing below', [...present, ...Array.from({length: 19}, (_, n) => unknown(n))]);
	t.is((await deliver(two, one, event)).status, 'accepted');
	t.true(count('missing') <= 10, `${count('missing')} rounds`);
	t.is(count('state_ids'), 1);
	t.true(count('state') <= 1);
	t.true(count('event') <= 20);
	await isWell(t, world);
});

test('C12: a thousand events each on top of something else that nobody has cost four questions for states', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network, '12');
	const {one, two, makeUp, count} = world;
	let made = 0;
	network.lies.getMissingEvents = () => {
		network.asked.push('missing');
		const page = Array.from({length: 100}, () => {
			made += 1;
			return toFederationEvent(makeUp(`made up ${made}`, [unknown(made)]));
		});
		return Promise.resolve(page);
	};
	t.is((await deliver(two, one, makeUp('the end', [unknown(0)]))).status, 'accepted');
	t.is(count('missing'), 10);
	t.true(made >= 1_000);
	t.true(count('state_ids') <= 4, `${count('state_ids')} questions`);
	t.true(count('event') <= 40);
	t.is(count('event_auth'), 0);
	await isWell(t, world);
});

test('C12: a line of missing events without end is followed for ten rounds', async (t) => {
	await using network = new EngineNetwork();
	const world = await setUp(network, '12');
	const {one, two, makeUp, count} = world;
	// Made beforehand, since each is named by the next: the server gives ever older ones.
	const line: Pdu[] = [];
	for (let n = 0; n < 2_000; n += 1) line.push(makeUp(`${n}`, [line.at(-1)?.eventId ?? unknown(0)]));
	let end = line.length - 1;
	network.lies.getMissingEvents = () => {
		network.asked.push('missing');
		const page = line.slice(Math.max(0, end - 100), end);
		end -= 100;
		return Promise.resolve(page.map((pdu) => toFederationEvent(pdu)));
	};
	t.is((await deliver(two, one, line.at(-1) as Pdu)).status, 'accepted');
	t.is(count('missing'), 10);
	t.true(count('state_ids') <= 4, `${count('state_ids')} questions`);
	await isWell(t, world);
});

test('C12: events that name each other in a circle are followed once', async (t) => {
	await using network = new EngineNetwork();
	// Only ids that are no hashes can be made to.
	const world = await setUp(network, '1');
	const {one, two, makeUp, count} = world;
	const [a, b] = ['$a:two.test' as EventId, '$b:two.test' as EventId];
	const circle = [makeUp('a', [b], a), makeUp('b', [a], b)];
	network.lies.getMissingEvents = () => {
		network.asked.push('missing');
		return Promise.resolve(circle.map((pdu) => toFederationEvent(pdu)));
	};
	t.is((await deliver(two, one, makeUp('on top', [a, b], '$c:two.test' as EventId))).status, 'accepted');
	t.true(count('missing') <= 2, `${count('missing')} rounds`);
	t.true(count('state_ids') <= 4, `${count('state_ids')} questions`);
	await isWell(t, world);
});
