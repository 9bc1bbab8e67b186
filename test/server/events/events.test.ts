import test from 'ava';
import type {DeviceId, EventId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import {type Clock, systemClock} from '../../../federation/engine/index.ts';
import {arrayText, createEvents, objectText} from '../../../server/events/index.ts';
import {firstEvents, makeEngine} from '../../harness/engine.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:one.test' as UserId;

interface Shown {
	readonly type: string;
	readonly event_id: string;
	readonly room_id?: string;
	readonly content: JsonObject;
	readonly redacts?: string;
	readonly unsigned: JsonObject & {
		age?: number;
		membership?: string;
		transaction_id?: string;
		redacted_because?: {event_id: string; room_id?: string};
	};
}

async function makeWorld(visibility: string) {
	const world = await makeEngine();
	const {engine, storage} = world;
	let passedMs = 0;
	const clock: Clock = {...systemClock, now: () => systemClock.now() + passedMs};
	const events = createEvents({storage, engine, clock});
	const {roomId} = await engine.createRoom({
		version: '11',
		roomId: '!r:one.test' as RoomId,
		events: firstEvents('11', alice, 'public'),
	});
	const state = (sender: UserId, type: string, stateKey: string, content: JsonObject) =>
		engine.send({roomId, event: {type, stateKey, sender, content}});
	const member = (userId: UserId, membership: string, sender = userId) =>
		state(sender, 'm.room.member', userId, {membership});
	const say = (body: string, sender = alice) =>
		engine.send({roomId, event: {type: 'm.room.message', sender, content: {body}}});
	const look = async (userId: UserId, eventId: EventId, deviceId?: DeviceId) => {
		const found = await engine.findEvents([eventId]);
		const visible = await events.filterVisible(userId, found);
		const [text] = await events.render({userId, deviceId}, visible);
		return text === undefined ? undefined : (JSON.parse(text) as Shown);
	};
	await state(alice, 'm.room.history_visibility', '', {history_visibility: visibility});
	return {
		engine,
		storage,
		events,
		roomId,
		state,
		member,
		say,
		look,
		pass: (ms: number) => {
			passedMs += ms;
		},
		[Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
	};
}

const expectations = {
	world_readable: {before: true, invited: true, during: true, after: true},
	shared: {before: true, invited: true, during: true, after: false},
	invited: {before: false, invited: true, during: true, after: false},
	joined: {before: false, invited: false, during: true, after: false},
};

for (const [visibility, expected] of Object.entries(expectations)) {
	test(`history that is ${visibility} is shown to those who may see it, and to nobody else`, async (t) => {
		await using world = await makeWorld(visibility);
		const {say, member, look} = world;
		const before = await say('before');
		await member(bob, 'invite', alice);
		const invited = await say('invited');
		const isOpen = visibility === 'world_readable';
		t.is((await look(bob, before.eventId)) !== undefined, isOpen, 'before joining at all');
		const join = await member(bob, 'join');
		const during = await say('during');
		await member(bob, 'leave');
		const after = await say('after');
		t.is((await look(bob, before.eventId)) !== undefined, expected.before);
		t.is((await look(bob, invited.eventId)) !== undefined, expected.invited);
		t.is((await look(bob, during.eventId)) !== undefined, expected.during);
		t.is((await look(bob, after.eventId)) !== undefined, expected.after);
		t.truthy(await look(bob, join.eventId), 'the own join is always visible');
		const back = await member(bob, 'join');
		t.truthy(await look(bob, back.eventId));
		t.is((await look(bob, after.eventId)) !== undefined, isOpen || visibility === 'shared', 'after coming back');
		t.is((await look('@carol:one.test' as UserId, during.eventId)) !== undefined, isOpen, 'strangers');
	});
}

test('an event tells its viewer its age, the membership at it, and its transaction only to the sending device', async (t) => {
	await using world = await makeWorld('shared');
	const {engine, roomId, look, member, pass} = world;
	const sent = await engine.send({
		roomId,
		event: {type: 'm.room.message', sender: alice, content: {body: 'hello'}},
		transaction: {
			userId: alice,
			deviceId: 'PHONE' as DeviceId,
			method: 'PUT',
			endpoint: 'sendMessage',
			roomId,
			txnId: 'txn "1"',
		},
	});
	await member(bob, 'join');
	pass(5000);
	const own = await look(alice, sent.eventId, 'PHONE' as DeviceId);
	t.is(own?.unsigned.transaction_id, 'txn "1"');
	t.is(own?.unsigned.membership, 'join');
	t.true(own!.unsigned.age! >= 5000);
	t.is(own?.room_id, roomId);
	t.is((await look(alice, sent.eventId, 'OTHER' as DeviceId))?.unsigned.transaction_id, undefined);
	const foreign = await look(bob, sent.eventId, 'PHONE' as DeviceId);
	t.is(foreign?.unsigned.transaction_id, undefined);
	t.is(foreign?.unsigned.membership, 'leave');
});

test('a redacted event is shown without its content from then on, also where it is quoted', async (t) => {
	await using world = await makeWorld('shared');
	const {engine, events, roomId, look, say, state} = world;
	const message = await say('secret');
	const first = await state(alice, 'm.room.topic', '', {topic: 'secret'});
	const second = await state(alice, 'm.room.topic', '', {topic: 'harmless'});
	// Read before the redaction, shown after it.
	const stale = await engine.findEvents([message.eventId]);
	t.is((await look(alice, message.eventId))?.content['body'], 'secret');
	t.deepEqual((await look(alice, second.eventId))?.unsigned['prev_content'], {topic: 'secret'});
	t.is((await look(alice, second.eventId))?.unsigned['replaces_state'], first.eventId);
	const redact = (eventId: EventId) =>
		engine.send({
			roomId,
			event: {type: 'm.room.redaction', sender: alice, content: {reason: 'oops'}, redacts: eventId},
		});
	const redaction = await redact(message.eventId);
	await redact(first.eventId);
	const shown = await look(alice, message.eventId);
	t.deepEqual(shown?.content, {});
	t.is(shown?.unsigned.redacted_because?.event_id, redaction.eventId);
	t.is(shown?.unsigned.redacted_because?.room_id, roomId);
	t.deepEqual((await look(alice, second.eventId))?.unsigned['prev_content'], {});
	const [late] = await events.render({userId: alice}, stale, {withoutRoomId: true});
	t.false(late?.includes('secret'));
	t.is((JSON.parse(late!) as Shown).room_id, undefined);
	const [foreign] = await events.render({userId: alice}, stale, {format: 'federation'});
	t.false(foreign?.includes('secret'));
	t.truthy((JSON.parse(foreign!) as JsonObject)['hashes']);
	t.is((await look(alice, redaction.eventId))?.redacts, message.eventId);
});

test('texts are joined to arrays and objects', (t) => {
	t.is(arrayText([]), '[]');
	t.is(objectText({}), '{}');
	t.is(objectText({'a"': '1', b: undefined, c: arrayText(['{}', '2'])}), '{"a\\"":1,"c":[{},2]}');
});
