import test from 'ava';
import type {JsonObject} from '../../../../crypto/index.ts';
import {authEventKeys, checkAuthEvents, type Pdu, selectAuthEvents} from '../../../../federation/rooms/index.ts';
import {
	alice,
	allVersions,
	bob,
	carol,
	createTimeline,
	levelsFor,
	outcome,
	type Timeline,
	versionsOf,
} from '../timeline.ts';

const noneRejected = {isRejected: () => false};

function roomOf(version: (typeof allVersions)[number]): Timeline {
	return createTimeline({version, powerLevels: levelsFor(version), joinRules: {join_rule: 'public'}});
}

function nameOf(event: Pdu): string {
	return `${event.type}|${event.stateKey}`;
}

test('a message is authorised by the create event, the power levels and the membership of its sender', (t) => {
	for (const version of allVersions) {
		const room = roomOf(version);
		const event = room.build({type: 'm.room.message', sender: alice});
		const selected = selectAuthEvents(event, room.state).map(nameOf);
		const create = version === '12' ? [] : ['m.room.create|'];
		t.deepEqual(selected, [...create, 'm.room.power_levels|', `m.room.member|${alice}`]);
		t.is(outcome(checkAuthEvents(event, selectAuthEvents(event, room.state), noneRejected)), 'allow');
	}
});

const keys = (version: (typeof allVersions)[number], content: JsonObject, stateKey: string = bob) =>
	authEventKeys({roomVersion: version, type: 'm.room.member', sender: alice, stateKey, content})
		.map(([type, key]) => `${type}|${key}`)
		.slice(version === '12' ? 0 : 1);

test('a membership is authorised by more, depending on what it is', (t) => {
	const ordinary = ['m.room.power_levels|', `m.room.member|${alice}`];
	for (const version of allVersions) {
		t.deepEqual(keys(version, {membership: 'leave'}), [...ordinary, `m.room.member|${bob}`]);
		t.deepEqual(keys(version, {membership: 'leave'}, alice), ordinary);
		t.deepEqual(keys(version, {membership: 'join'}, alice), [...ordinary, 'm.room.join_rules|']);
		t.deepEqual(keys(version, {membership: 'knock'}, alice), [...ordinary, 'm.room.join_rules|']);
		const invite = {membership: 'invite', third_party_invite: {signed: {token: 't'}}};
		t.deepEqual(keys(version, invite), [
			...ordinary,
			`m.room.member|${bob}`,
			'm.room.join_rules|',
			'm.room.third_party_invite|t',
		]);
		t.deepEqual(keys(version, {...invite, third_party_invite: 'x'}).length, 4);
		const join = {membership: 'join', join_authorised_via_users_server: carol};
		const authorised = versionsOf('8-12').includes(version) ? [`m.room.member|${carol}`] : [];
		t.deepEqual(keys(version, join, alice), [...ordinary, 'm.room.join_rules|', ...authorised]);
	}
});

test('nothing authorises the create event', (t) => {
	for (const version of allVersions) {
		const {create} = roomOf(version);
		t.deepEqual(authEventKeys(create), []);
		t.is(outcome(checkAuthEvents(create, [], noneRejected)), 'allow');
	}
});

for (const version of allVersions) {
	const rule = version === '12' ? '3' : '2';

	test(`auth_events hold each needed entry once and nothing else, in room version ${version}`, (t) => {
		const room = roomOf(version);
		const event = room.build({type: 'm.room.message', sender: alice});
		const right = selectAuthEvents(event, room.state);
		const twice = [...right, right.at(-1) as Pdu];
		t.is(outcome(checkAuthEvents(event, twice, noneRejected)), `${rule}.1`);
		const stranger = room.join(bob);
		t.is(outcome(checkAuthEvents(event, [...right, stranger], noneRejected)), `${rule}.2`);
		const message = room.send({type: 'm.room.message', sender: bob});
		t.is(outcome(checkAuthEvents(event, [...right, message], noneRejected)), `${rule}.2`);
	});

	test(`an event that builds on a rejected one is rejected (C2), in room version ${version}`, (t) => {
		const room = roomOf(version);
		const event = room.build({type: 'm.room.message', sender: alice});
		const right = selectAuthEvents(event, room.state);
		const isRejected = (id: string) => id === right.at(-1)?.eventId;
		t.is(outcome(checkAuthEvents(event, right, {isRejected})), `${rule}.3`);
	});

	test(`an event of another room authorises nothing (C1), in room version ${version}`, (t) => {
		const room = roomOf(version);
		const event = room.build({type: 'm.room.message', sender: alice});
		const foreign = selectAuthEvents(event, room.state).map(
			(entry): Pdu => (entry.type === 'm.room.member' ? {...entry, roomId: '!other:one.example' as never} : entry),
		);
		t.is(outcome(checkAuthEvents(event, foreign, noneRejected)), `${rule}.5`);
	});

	test(`the create event is ${version === '12' ? 'never' : 'always'} in auth_events (C6), in room version ${version}`, (t) => {
		const room = roomOf(version);
		const event = room.build({type: 'm.room.message', sender: alice});
		const others = selectAuthEvents(event, room.state).filter((entry) => entry.type !== 'm.room.create');
		const [without, having] = version === '12' ? ['allow', '3.2'] : ['2.4', 'allow'];
		t.is(outcome(checkAuthEvents(event, others, noneRejected)), without);
		t.is(outcome(checkAuthEvents(event, [...others, room.create], noneRejected)), having);
	});
}
