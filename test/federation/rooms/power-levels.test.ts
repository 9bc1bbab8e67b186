import test from 'ava';
import {type JsonObject, LosslessNumber, readStrictJson} from '../../../crypto/index.ts';
import {
	buildPdu,
	defaultPowerLevels,
	eventLevel,
	notificationLevel,
	type Pdu,
	powerLevelsOf,
	type RoomVersionId,
	readLevel,
	roomVersion,
	userLevel,
} from '../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, createTimeline, outcome, versionsOf} from './timeline.ts';

function levelsEvent(version: RoomVersionId, content: JsonObject): Pdu {
	const room = createTimeline({version});
	return room.build({type: 'm.room.power_levels', sender: alice, stateKey: '', content});
}

/** What is written, and what it means in versions 1 to 5, 6 to 9, 10 to 12; undefined where it is no level. */
const forms: readonly (readonly [json: string, ...meanings: (number | undefined)[]])[] = [
	['50', 50, 50, 50],
	['-1', -1, -1, -1],
	['"50"', 50, 50, undefined],
	['" +0050 "', 50, 50, undefined],
	['"-5"', -5, -5, undefined],
	['""', undefined, undefined, undefined],
	['"+"', undefined, undefined, undefined],
	['"5.0"', undefined, undefined, undefined],
	['"1e2"', undefined, undefined, undefined],
	['"0x10"', undefined, undefined, undefined],
	['"1_000"', undefined, undefined, undefined],
	['"\\u0665"', undefined, undefined, undefined],
	['50.57', 50, undefined, undefined],
	['-0.5', 0, undefined, undefined],
	['5.114698E4', 51146, undefined, undefined],
	['1e18', 1e18, undefined, undefined],
	['1000000000000000000', 1e18, undefined, undefined],
	['1e400', undefined, undefined, undefined],
	[`"${'9'.repeat(400)}"`, undefined, undefined, undefined],
	['9'.repeat(400), undefined, undefined, undefined],
	['null', undefined, undefined, undefined],
	['true', undefined, undefined, undefined],
	['[50]', undefined, undefined, undefined],
	['{}', undefined, undefined, undefined],
];

test('a power level is written as the room version allows (C3)', (t) => {
	for (const [json, upTo5, upTo9, later] of forms) {
		const written = readStrictJson(json);
		for (const version of allVersions) {
			const isOld = versionsOf('1-5').includes(version);
			const expected = isOld ? upTo5 : versionsOf('6-9').includes(version) ? upTo9 : later;
			t.is(readLevel(roomVersion(version), written), expected, `${json.slice(0, 30)} in ${version}`);
		}
	}
});

test('levels not written, or written as something else, have their defaults (C3)', (t) => {
	for (const version of versionsOf('1-9')) {
		for (const content of [
			{},
			{ban: null, kick: 'x', invite: [], users: 5, events: 'x', notifications: []},
		] as JsonObject[]) {
			const room = createTimeline({version});
			const levels = powerLevelsOf(room.create, {...levelsEvent(version, {}), content});
			t.like(levels, {ban: 50, kick: 50, redact: 50, invite: 0, usersDefault: 0, eventsDefault: 0, stateDefault: 50});
			t.is(userLevel(levels, alice), 0);
			t.is(eventLevel(levels, 'm.room.message', false), 0);
			t.is(eventLevel(levels, 'm.room.name', true), 50);
			t.is(notificationLevel(levels, 'room'), 50);
		}
	}
});

test('events_default and state_default hold where events names no type (C3)', (t) => {
	for (const version of allVersions) {
		const content = {events_default: 7, state_default: 8, events: {'m.x': 9}, notifications: {room: 3}};
		const levels = powerLevelsOf(createTimeline({version}).create, levelsEvent(version, content));
		t.is(eventLevel(levels, 'm.room.message', false), 7);
		t.is(eventLevel(levels, 'm.room.name', true), 8);
		t.is(eventLevel(levels, 'm.x', true), 9);
		t.is(eventLevel(levels, 'constructor', false), 7);
		t.is(notificationLevel(levels, 'room'), 3);
	}
});

test('without an event the creator has 100, from room version 12 on more than anybody can have', (t) => {
	for (const version of allVersions) {
		const {create} = createTimeline({version, createContent: {additional_creators: [carol]}});
		const levels = powerLevelsOf(create, undefined);
		const isUnlimited = version === '12';
		t.is(userLevel(levels, alice), isUnlimited ? Number.POSITIVE_INFINITY : 100);
		t.is(userLevel(levels, carol), isUnlimited ? Number.POSITIVE_INFINITY : 0);
		t.is(userLevel(levels, bob), 0);
		const written = powerLevelsOf(create, levelsEvent(version, {users: {[bob]: 5}, users_default: 2}));
		t.is(userLevel(written, alice), isUnlimited ? Number.POSITIVE_INFINITY : 2);
		t.is(userLevel(written, bob), 5);
	}
	t.is(userLevel(powerLevelsOf(undefined, undefined), alice), 0);
});

test('levels out of range reject a power-levels event up to room version 5 (C3)', (t) => {
	for (const version of versionsOf('1-5')) {
		const room = createTimeline({version});
		for (const content of [
			{ban: new LosslessNumber('9'.repeat(400))},
			{events: {'m.x': new LosslessNumber('9'.repeat(400))}},
			{users: {[bob]: new LosslessNumber('9'.repeat(400))}},
		] as JsonObject[]) {
			const draft = {type: 'm.room.power_levels', sender: alice, stateKey: '', content};
			t.is(outcome(room.check(draft)), '10.1');
		}
		const fine = {users: {[bob]: new LosslessNumber('50.5')}, ban: new LosslessNumber('1e2')};
		t.is(outcome(room.check({type: 'm.room.power_levels', sender: alice, stateKey: '', content: fine})), 'allow');
	}
});

test('a float counts at its truncated value in what it allows (C3)', (t) => {
	const room = createTimeline({
		version: '1',
		powerLevels: {users: {[alice]: 100, [bob]: new LosslessNumber('50.99')}, kick: new LosslessNumber('5.1E1')},
		joinRules: {join_rule: 'public'},
	});
	room.join(bob);
	room.join(carol);
	t.is(outcome(room.check({type: 'm.room.topic', sender: bob, stateKey: '', content: {}})), 'allow');
	const kick = {type: 'm.room.member', sender: bob, stateKey: carol, content: {membership: 'leave'}};
	t.is(outcome(room.check(kick)), '5.4.5');
});

test('the levels a new room starts with are allowed in every room version', (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version, powerLevels: defaultPowerLevels(version, alice)});
		t.is(outcome(room.check({type: 'm.room.tombstone', sender: alice, stateKey: ''})), 'allow');
		const levels = powerLevelsOf(room.create, room.state('m.room.power_levels', ''));
		t.is(eventLevel(levels, 'm.room.tombstone', true), version === '12' ? 150 : 100);
	}
});

test('an event of ours with levels that its room version forbids is not even built', (t) => {
	const content = {users: {[bob]: new LosslessNumber('50.5')}};
	const {create} = createTimeline({version: '6'});
	const built = buildPdu({
		roomVersion: '6',
		roomId: create.roomId,
		type: 'm.room.power_levels',
		sender: alice,
		stateKey: '',
		content,
		depth: 3,
		originServerTs: 0,
		prevEvents: [],
		authEvents: [],
	});
	t.like(built, {ok: false, fault: {code: 'json'}});
});
