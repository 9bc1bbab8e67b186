import test from 'ava';
import type {EventId, JsonObject, UserId} from '../../../crypto/index.ts';
import {buildPdu, type Pdu} from '../../../federation/rooms/index.ts';
import {firstEvents} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough, stateOf} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;

/** A room of a version whose event ids are no hashes, so that events can name what comes after them. */
async function setUp(network: EngineNetwork) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '1', events: firstEvents('1', alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	const [last] = (await two.engine.findRoom(roomId))?.extremities ?? [];
	const proto = await two.engine.makeProto(roomId, {type: 'm.room.message', sender: bob, content: {}});
	const authEvents = (proto.event['auth_events'] as [EventId][]).map(([eventId]) => eventId);
	const redaction = (name: string, redacts: string): Pdu => {
		const parsed = buildPdu({
			roomVersion: '1',
			roomId,
			type: 'm.room.redaction',
			sender: bob,
			content: {reason: name},
			depth: 100,
			originServerTs: 1_700_000_000_000,
			prevEvents: [last as EventId],
			authEvents,
			eventId: `$${name}:two.test` as EventId,
			redacts: redacts as EventId,
		});
		if (!parsed.ok) throw new Error(parsed.fault.reason);
		return parsed.pdu;
	};
	return {one, two, roomId, redaction};
}

for (const order of ['as they name each other', 'the other way round'] as const) {
	test(`C8: three redactions that redact each other in a circle are taken, ${order}, and the room goes on`, async (t) => {
		await using network = new EngineNetwork();
		const {one, two, roomId, redaction} = await setUp(network);
		const circle = [redaction('a', '$b:two.test'), redaction('b', '$c:two.test'), redaction('c', '$a:two.test')];
		for (const pdu of order === 'the other way round' ? circle.toReversed() : circle) {
			t.is((await deliver(two, one, pdu)).status, 'accepted');
		}
		const stored = await one.engine.findEvents(circle.map(({eventId}) => eventId));
		t.is(stored.length, 3);
		const rows = await one.storage.events.listTimeline({roomId, direction: 'forwards', limit: 100});
		t.is(rows.filter(({type}) => type === 'm.room.redaction').length, 3);
		const next = await one.engine.send({roomId, event: {type: 'm.room.message', sender: alice, content: {body: 'on'}}});
		t.is(next.pdu.prevEvents.length, 3);
		const room = await stateOf(one, roomId);
		t.deepEqual(room.state, room.table);
	});
}

test('C8: a redaction of itself redacts nothing', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, redaction} = await setUp(network);
	const self = redaction('self', '$self:two.test');
	t.is((await deliver(two, one, self)).status, 'accepted');
	t.is((await one.storage.events.findById(self.eventId))?.redactedBy, null);
});

test('C8: a redaction of an event of another room redacts nothing there, whichever of the two comes first', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId, redaction} = await setUp(network);
	const {roomId: other} = await one.engine.createRoom({version: '1', events: firstEvents('1', alice, 'public')});
	await joinThrough(one, two, other, bob);
	const content: JsonObject = {msgtype: 'm.text', body: 'of the other room'};
	const event = {type: 'm.room.message', sender: bob, content};
	const early = await two.engine.send({roomId: other, event});
	await deliver(two, one, early.pdu);
	t.is((await deliver(two, one, redaction('first', early.eventId))).status, 'accepted');
	const late = await two.engine.send({roomId: other, event});
	t.is((await deliver(two, one, redaction('second', late.eventId))).status, 'accepted');
	await deliver(two, one, late.pdu);
	for (const {eventId} of [early, late]) {
		const row = await one.storage.events.findById(eventId);
		t.is(row?.roomId, other);
		t.is(row?.redactedBy, null);
	}
	t.is((await stateOf(one, roomId)).joined.length, 2);
});
