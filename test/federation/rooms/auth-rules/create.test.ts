import test from 'ava';
import type {JsonObject, RoomId} from '../../../../crypto/index.ts';
import {buildPdu, checkAuth, type Pdu, parsePdu, type RoomVersionId} from '../../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, context, createTimeline, outcome, versionsOf} from '../timeline.ts';

const emptyState = () => undefined;

function judge(event: Pdu): string {
	return outcome(checkAuth(event, emptyState, context));
}

/** A create event with some fields of its JSON replaced. */
function createEvent(version: RoomVersionId, fields: JsonObject): Pdu {
	const {json} = createTimeline({version}).create;
	const parsed = parsePdu({...json, ...fields}, version);
	if (!parsed.ok) throw new Error(parsed.fault.reason);
	return parsed.pdu;
}

for (const version of allVersions) {
	const content = {creator: alice, room_version: version};

	test(`the create event comes first, in room version ${version}`, (t) => {
		const previous = version === '1' || version === '2' ? [['$x:one.example', {sha256: ''}]] : ['$x:one.example'];
		t.is(judge(createEvent(version, {content})), 'allow');
		t.is(judge(createEvent(version, {content, prev_events: previous})), '1.1');
	});

	test(`a room version that is not known is refused, in room version ${version}`, (t) => {
		t.is(judge(createEvent(version, {content: {...content, room_version: '13'}})), '1.3');
		t.is(judge(createEvent(version, {content: {...content, room_version: 6}})), '1.3');
		t.is(judge(createEvent(version, {content: {creator: alice}})), 'allow');
	});
}

for (const version of versionsOf('1-11')) {
	test(`a room is made on its maker's server, in room version ${version}`, (t) => {
		t.is(judge(createEvent(version, {content: {creator: bob}, sender: bob})), '1.2');
	});
}

test('the create event names the creator up to room version 10', (t) => {
	for (const version of versionsOf('1-10')) t.is(judge(createEvent(version, {content: {}})), '1.4');
	for (const version of versionsOf('11-12')) t.is(judge(createEvent(version, {content: {}})), 'allow');
});

test('additional_creators are user ids in room version 12 and mean nothing before (C6)', (t) => {
	for (const version of allVersions) {
		for (const creators of [bob, [5], ['bob'], [`@${'x'.repeat(255)}:two.example`], [bob, null], {}]) {
			const event = createEvent(version, {content: {creator: alice, additional_creators: creators as never}});
			t.is(judge(event), version === '12' ? '1.4' : 'allow', `${version} ${JSON.stringify(creators)}`);
		}
		const event = createEvent(version, {content: {creator: alice, additional_creators: [bob, '@:three.example']}});
		t.is(judge(event), 'allow');
	}
});

test('a create event of room version 12 has no room_id (C6)', (t) => {
	t.is(judge(createEvent('12', {room_id: '!room:one.example'})), '1.2');
	t.is(judge(createEvent('12', {room_id: 5})), '1.2');
	t.is(judge(createEvent('12', {room_id: null})), '1.2');
});

test('the first join is for the creator only, whoever that is in the room version', (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version, joinRules: {join_rule: 'invite'}});
		const prevEvents = [room.create.eventId];
		const join = (user: typeof alice) =>
			room.check({type: 'm.room.member', sender: user, stateKey: user, content: {membership: 'join'}, prevEvents});
		t.is(outcome(join(alice)), 'allow');
		t.not(outcome(join(bob)), 'allow');
	}
	// Up to version 10 the creator is who `creator` names, even where that is not the sender.
	for (const version of allVersions) {
		const create = createEvent(version, {content: {creator: bob}});
		const built = buildPdu({
			roomVersion: version,
			...(version === '12' ? {roomId: `!${create.eventId.slice(1)}` as RoomId} : {roomId: create.roomId}),
			type: 'm.room.member',
			sender: bob,
			stateKey: bob,
			content: {membership: 'join'},
			depth: 2,
			originServerTs: 1,
			prevEvents: [create.eventId],
			authEvents: [],
			eventId: '$1:two.example' as never,
		});
		if (!built.ok) throw new Error(built.fault.reason);
		const verdict = checkAuth(built.pdu, (type) => (type === 'm.room.create' ? create : undefined), context);
		t.is(verdict.allowed, versionsOf('1-10').includes(version), version);
	}
});

test('an additional creator joins by the ordinary rules', (t) => {
	const room = createTimeline({
		version: '12',
		createContent: {additional_creators: [bob]},
		joinRules: {join_rule: 'invite'},
	});
	const join = {type: 'm.room.member', sender: bob, stateKey: bob, content: {membership: 'join'}};
	t.is(outcome(room.check({...join, prevEvents: [room.create.eventId]})), '5.3.7');
	room.send({...join, sender: alice, content: {membership: 'invite'}});
	t.is(outcome(room.check(join)), 'allow');
});

test('nobody has power over a creator of room version 12, not even another creator', (t) => {
	const room = createTimeline({
		version: '12',
		createContent: {additional_creators: [bob]},
		joinRules: {join_rule: 'public'},
	});
	room.join(bob);
	room.join(carol);
	for (const [sender, target, rule] of [
		[alice, bob, '5.6.3'],
		[bob, alice, '5.6.3'],
		[bob, carol, 'allow'],
	] as const) {
		const ban = {type: 'm.room.member', sender, stateKey: target, content: {membership: 'ban'}};
		t.is(outcome(room.check(ban)), rule);
	}
	const levels = {type: 'm.room.power_levels', sender: alice, stateKey: ''};
	t.is(outcome(room.check({...levels, content: {users: {[bob]: 100}}})), '10.4');
	t.is(outcome(room.check({...levels, content: {users: {[carol]: 100}}})), 'allow');
});

test('an event of a room without its accepted create event is refused', (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version});
		const event = room.build({type: 'm.room.message', sender: alice});
		const withoutCreate = (type: string, stateKey: string) =>
			type === 'm.room.create' ? undefined : room.state(type, stateKey);
		t.is(outcome(checkAuth(event, withoutCreate, context)), version === '12' ? '2' : '2.4');
		t.is(outcome(checkAuth(event, withoutCreate, {...context, createEvent: room.create})), 'allow');
	}
	const room = createTimeline({version: '12'});
	const other = createTimeline({version: '12', creator: bob});
	const event = room.build({type: 'm.room.message', sender: alice});
	t.is(outcome(checkAuth(event, room.state, {...context, createEvent: other.create})), '2');
});
