import test from 'ava';
import type {JsonObject} from '../../../crypto/index.ts';
import {redactJson, redactPdu} from '../../../federation/rooms/index.ts';
import {alice, allVersions, createTimeline, versionsOf} from './timeline.ts';

/** Content with all keys that any version keeps, by type; and which survive in which versions. */
const kept: readonly (readonly [type: string, key: string, versions: string])[] = [
	['m.room.member', 'membership', '1-12'],
	['m.room.member', 'join_authorised_via_users_server', '9-12'],
	['m.room.member', 'displayname', ''],
	['m.room.create', 'creator', '1-12'],
	['m.room.create', 'm.federate', '11-12'],
	['m.room.create', 'anything', '11-12'],
	['m.room.join_rules', 'join_rule', '1-12'],
	['m.room.join_rules', 'allow', '8-12'],
	['m.room.power_levels', 'ban', '1-12'],
	['m.room.power_levels', 'events', '1-12'],
	['m.room.power_levels', 'events_default', '1-12'],
	['m.room.power_levels', 'kick', '1-12'],
	['m.room.power_levels', 'redact', '1-12'],
	['m.room.power_levels', 'state_default', '1-12'],
	['m.room.power_levels', 'users', '1-12'],
	['m.room.power_levels', 'users_default', '1-12'],
	['m.room.power_levels', 'invite', '11-12'],
	['m.room.power_levels', 'notifications', ''],
	['m.room.aliases', 'aliases', '1-5'],
	['m.room.history_visibility', 'history_visibility', '1-12'],
	['m.room.redaction', 'redacts', '11-12'],
	['m.room.redaction', 'reason', ''],
	['m.room.message', 'body', ''],
	['constructor', 'body', ''],
	['__proto__', 'body', ''],
];

for (const version of allVersions) {
	test(`a redaction leaves what room version ${version} protects`, (t) => {
		for (const [type, key, versions] of kept) {
			const isKept = versions !== '' && versionsOf(versions).includes(version);
			const redacted = redactJson(version, {type, content: {[key]: {x: 1}}});
			t.deepEqual({...(redacted['content'] as JsonObject)}, isKept ? {[key]: {x: 1}} : {}, `${type} ${key}`);
		}
	});

	test(`a redaction leaves the top level that room version ${version} protects`, (t) => {
		const always = 'event_id type room_id sender state_key content hashes signatures depth prev_events auth_events';
		const old = 'prev_state origin membership';
		const never = 'unsigned redacts age_ts anything __proto__';
		const top = [...always.split(' '), 'origin_server_ts', ...old.split(' '), ...never.split(' ')];
		const json = Object.fromEntries(top.map((key) => [key, {}])) as JsonObject;
		const expected = versionsOf('1-10').includes(version) ? old.split(' ') : [];
		t.deepEqual(
			Object.keys(redactJson(version, json)).toSorted(),
			[...always.split(' '), 'origin_server_ts', ...expected].toSorted(),
		);
	});
}

function content(invite: JsonObject | string): JsonObject {
	return {membership: 'invite', third_party_invite: invite};
}

const redact = (version: (typeof allVersions)[number], invite: JsonObject | string) =>
	JSON.parse(JSON.stringify(redactJson(version, {type: 'm.room.member', content: content(invite)})['content']));

test('of a third-party invite the signed part survives from room version 11 on', (t) => {
	for (const version of allVersions) {
		const isKept = versionsOf('11-12').includes(version);
		t.deepEqual(
			redact(version, {signed: {mxid: 'x'}, display_name: 'y'}),
			isKept ? {membership: 'invite', third_party_invite: {signed: {mxid: 'x'}}} : {membership: 'invite'},
		);
		t.deepEqual(
			redact(version, {display_name: 'y'}),
			isKept ? {membership: 'invite', third_party_invite: {}} : {membership: 'invite'},
		);
		t.deepEqual(redact(version, 'x'), {membership: 'invite'});
	}
});

test('a redacted redaction keeps its target where the room version protects it', (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version});
		const target = room.send({type: 'm.room.message', sender: alice}).eventId;
		const redaction = room.send({type: 'm.room.redaction', sender: alice, redacts: target, content: {reason: 'x'}});
		t.is(redaction.redacts, target);
		const redacted = redactPdu(redaction);
		t.is(redacted.redacts, versionsOf('11-12').includes(version) ? target : undefined);
		t.is(redacted.content['reason'], undefined);
		t.is(redaction.content['reason'], 'x');
	}
});
