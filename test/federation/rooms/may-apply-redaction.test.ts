import test from 'ava';
import type {RoomId} from '../../../crypto/index.ts';
import {mayApplyRedaction, type Pdu} from '../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, createTimeline, levelsFor, type Timeline, versionsOf} from './timeline.ts';

function roomOf(version: (typeof allVersions)[number]): Timeline {
	const room = createTimeline({
		version,
		powerLevels: levelsFor(version, {users: {[carol]: 50}}),
		joinRules: {join_rule: 'public'},
	});
	room.join(bob);
	room.join(carol);
	return room;
}

function redaction(room: Timeline, sender: typeof alice, target: Pdu): Pdu {
	return room.build({type: 'm.room.redaction', sender, redacts: target.eventId});
}

for (const version of allVersions) {
	test(`a redaction takes effect by its sender's level or server, in room version ${version}`, (t) => {
		const room = roomOf(version);
		const message = room.send({type: 'm.room.message', sender: alice});
		const own = room.send({type: 'm.room.message', sender: bob});
		const may = (sender: typeof alice, target: Pdu) =>
			mayApplyRedaction(redaction(room, sender, target), target, room.state);
		t.true(may(alice, message));
		t.true(may(carol, message));
		t.true(may(bob, own));
		// In versions 1 and 2 the authorisation rules have refused it before.
		t.is(may(bob, message), versionsOf('1-2').includes(version));
	});

	test(`a redaction of another room, of itself or of the create event does nothing (C8, C4), in room version ${version}`, (t) => {
		const room = roomOf(version);
		const message = room.send({type: 'm.room.message', sender: alice});
		const event = redaction(room, alice, message);
		t.false(mayApplyRedaction(event, {...message, roomId: '!other:one.example' as RoomId}, room.state));
		t.false(mayApplyRedaction(event, room.create, room.state));
		t.false(mayApplyRedaction({...event, redacts: event.eventId}, event, room.state));
		t.false(mayApplyRedaction(redaction(room, alice, room.create), room.create, room.state));
		const {redacts: _redacts, ...aimless} = event;
		t.false(mayApplyRedaction(aimless, message, room.state));
		t.false(mayApplyRedaction({...event, type: 'm.room.message'}, message, room.state));
	});
}

test('a creator redacts whatever the redact level, also where the state lacks the create event', (t) => {
	const room = createTimeline({
		version: '12',
		powerLevels: {redact: 9007199254740991},
		joinRules: {join_rule: 'public'},
	});
	room.join(bob);
	const message = room.send({type: 'm.room.message', sender: bob});
	const withoutCreate = (type: string, key: string) => (type === 'm.room.create' ? undefined : room.state(type, key));
	t.true(mayApplyRedaction(redaction(room, alice, message), message, room.state));
	t.false(mayApplyRedaction(redaction(room, alice, message), message, withoutCreate));
	t.true(mayApplyRedaction(redaction(room, alice, message), message, withoutCreate, room.create));
});
