import test from 'ava';
import type {JsonObject, JsonValue} from '../../../crypto/index.ts';
import {
	isKnockable,
	isRestricted,
	joinRuleOf,
	listAllowedRooms,
	mayAuthoriseJoin,
	roomVersion,
} from '../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, createTimeline, levelsFor, versionsOf} from './timeline.ts';

function joinRules(content: JsonObject) {
	return createTimeline({version: '12'}).build({type: 'm.room.join_rules', sender: alice, stateKey: '', content});
}

test('the rooms that let users in are read, and what is malformed left out', (t) => {
	const hash = `!${'a'.repeat(43)}`;
	const allow: JsonValue = [
		{type: 'm.room_membership', room_id: '!a:one.example'},
		{type: 'm.room_membership', room_id: hash},
		{type: 'm.room_membership', room_id: '!a:one.example'},
		{type: 'm.room_membership', room_id: 'a'},
		{type: 'm.room_membership'},
		{type: 'org.example.moon', room_id: '!b:one.example'},
		{room_id: '!b:one.example'},
		'x',
		null,
		[],
	];
	t.deepEqual(listAllowedRooms(joinRules({join_rule: 'restricted', allow})) as string[], ['!a:one.example', hash]);
	for (const content of [{}, {allow: 'x'}, {allow: {}}, {allow: null}] as JsonObject[])
		t.deepEqual(listAllowedRooms(joinRules(content)), []);
	t.deepEqual(listAllowedRooms(undefined), []);
});

test('a rule that is absent or no text is invite', (t) => {
	t.is(joinRuleOf(undefined), 'invite');
	t.is(joinRuleOf(joinRules({})), 'invite');
	t.is(joinRuleOf(joinRules({join_rule: 5})), 'invite');
	t.is(joinRuleOf(joinRules({join_rule: 'public'})), 'public');
});

test('knocking and conditions work in the room versions that have them', (t) => {
	for (const id of allVersions) {
		const version = roomVersion(id);
		t.is(isKnockable(version, 'knock'), versionsOf('7-12').includes(id));
		t.is(isKnockable(version, 'knock_restricted'), versionsOf('10-12').includes(id));
		t.is(isRestricted(version, 'restricted'), versionsOf('8-12').includes(id));
		t.is(isRestricted(version, 'knock_restricted'), versionsOf('10-12').includes(id));
		t.false(isKnockable(version, 'public') || isRestricted(version, 'public') || isRestricted(version, 'knock'));
	}
});

test('a member with the power to invite may authorise a restricted join, and nobody else (C7)', (t) => {
	for (const version of versionsOf('8-12')) {
		const powerLevels = levelsFor(version, {invite: 50, users: {[carol]: 50}});
		const room = createTimeline({version, powerLevels, joinRules: {join_rule: 'public'}});
		t.false(mayAuthoriseJoin(carol, room.state));
		room.join(bob);
		room.join(carol);
		t.true(mayAuthoriseJoin(alice, room.state));
		t.false(mayAuthoriseJoin(bob, room.state));
		t.true(mayAuthoriseJoin(carol, room.state));
		t.false(mayAuthoriseJoin('nobody', room.state));
	}
});
