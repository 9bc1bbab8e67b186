import test from 'ava';
import {toClientEvent, toFederationEvent, toStrippedState} from '../../../federation/rooms/index.ts';
import {alice, allVersions, createTimeline, versionsOf} from './timeline.ts';

test('a client sees the room id of every event, also of the create event', (t) => {
	for (const version of allVersions) {
		const {create, roomId} = createTimeline({version});
		const event = toClientEvent(create, {unsigned: {age: 5}});
		t.like(event, {event_id: create.eventId, room_id: roomId, state_key: '', sender: alice, unsigned: {age: 5}});
		t.false('room_id' in toClientEvent(create, {withoutRoomId: true}));
		t.is('room_id' in toFederationEvent(create), version !== '12');
	}
});

test('a redaction names its target in both places, whatever the room version', (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version});
		const target = room.send({type: 'm.room.message', sender: alice}).eventId;
		const redaction = room.send({type: 'm.room.redaction', sender: alice, redacts: target, content: {reason: 'x'}});
		t.like(toClientEvent(redaction), {redacts: target, content: {redacts: target, reason: 'x'}});
		const isTopLevel = versionsOf('1-10').includes(version);
		t.is(toFederationEvent(redaction)['redacts'], isTopLevel ? target : undefined);
		t.is(redaction.content['redacts'], isTopLevel ? undefined : target);
	}
});

test('stripped state has four keys', (t) => {
	const {create} = createTimeline({version: '12'});
	t.deepEqual(Object.keys(toStrippedState(create)).toSorted(), ['content', 'sender', 'state_key', 'type']);
});

test('what this server says of an event travels beside it', (t) => {
	const {create} = createTimeline({version: '12'});
	t.deepEqual(toFederationEvent(create, {age: 5}), {...create.json, unsigned: {age: 5}});
	t.is(create.json['unsigned'], undefined);
});
