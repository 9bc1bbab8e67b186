import test from 'ava';
import * as fc from 'fast-check';
import {
	findSignedMessage,
	generateSigningKey,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type ServerName,
	signJson,
	type UserId,
} from '../../crypto/index.ts';
import {readEdu} from '../../federation/inbound/edus.ts';
import {readJoinAnswer} from '../../federation/outbound/join-answer.ts';
import {readKeyDocument} from '../../federation/outbound/key-document.ts';
import {OutboundError} from '../../federation/outbound/index.ts';
import {readStrippedState} from '../../federation/outbound/stripped-state.ts';
import {
	checkAuth,
	checkAuthEvents,
	hasRightContentHash,
	isServerAllowed,
	listAllowedRooms,
	mayAuthoriseJoin,
	mayUserSee,
	parsePdu,
	powerLevelsOf,
	redactPdu,
	ROOM_VERSIONS,
	type RoomVersionId,
	signaturesRequired,
	stateOf,
	toClientEvent,
	userLevel,
} from '../../federation/rooms/index.ts';
import {readClaimedKey, readCrossSigning, readRemoteDevice} from '../../server/encryption/remote-answers.ts';
import {compileRuleset, evaluate} from '../../server/push/evaluate.ts';
import {readStoredRules, rulesetOf} from '../../server/push/stored-rules.ts';
import {indexedWordsOf} from '../../server/search/words.ts';
import {createRandomRoom} from '../harness/random-room.ts';
import {expectTame, hostileJson} from './hostile-input.ts';

const roomOf = new Map(
	ROOM_VERSIONS.map(({id}) => [id, createRandomRoom({seed: 7, version: id, steps: 40}).events] as const),
);
const alice = '@alice:a.example' as UserId;

/** Events of every version, spoilt; with the sound events of their rooms. */
const event = fc.constantFrom(...roomOf.keys()).chain((version) => {
	const room = roomOf.get(version) ?? [];
	return hostileJson(room.map(({json}) => json)).map((json) => ({version, room, json}));
});

const accept = {check: () => Promise.resolve({allowed: true} as const)};

test('an event in any form is read or refused with a reason', async (t) => {
	await expectTame(t, {
		input: event,
		act({version, json}) {
			const parsed = parsePdu(json, version);
			if (!parsed.ok) {
				t.not(parsed.fault.reason, '');
				return;
			}
			const {pdu} = parsed;
			// Whoever reads it again reads the same event, and redacting it leaves its id.
			t.is(idOf(pdu.json, version), pdu.eventId);
			t.is(idOf(redactPdu(pdu).json, version), pdu.eventId);
			hasRightContentHash(pdu.json);
			signaturesRequired(pdu);
			toClientEvent(pdu);
			indexedWordsOf(pdu);
		},
	});
});

function idOf(json: JsonObject, version: RoomVersionId): string | undefined {
	const parsed = parsePdu(json, version);
	return parsed.ok ? parsed.pdu.eventId : undefined;
}

test('the rules decide about whatever can be read, whichever state it stands in', async (t) => {
	await expectTame(t, {
		input: fc.tuple(event, fc.nat()),
		act([{version, room, json}, at]) {
			const parsed = parsePdu(json, version);
			if (!parsed.ok) return;
			const {pdu} = parsed;
			const known = room.slice(0, at % room.length);
			const context = {createEvent: room[0], verifySignature: () => true};
			// As a newcomer to the state, and as a part of it on which others are judged.
			t.is(typeof checkAuth(pdu, stateOf(known), context).allowed, 'boolean');
			checkAuthEvents(pdu, known, {isRejected: () => false});
			const state = stateOf([...room, pdu]);
			for (const later of room.slice(-8)) t.is(typeof checkAuth(later, state, context).allowed, 'boolean');
			userLevel(powerLevelsOf(room[0], pdu), alice);
			isServerAllowed(pdu, 'b.example');
			listAllowedRooms(pdu);
			mayAuthoriseJoin(alice, state, room[0]);
			mayUserSee(pdu, alice, state, true);
		},
	});
});

test('stripped state and the answer to a join are read as far as they go', async (t) => {
	const room = roomOf.get('10') ?? [];
	const join = room.find(({type}) => type === 'm.room.member');
	if (join === undefined) throw new Error('Expected somebody in the room');
	const events = room.map(({json}) => json);
	const stripped = events.map(({type, sender, content, state_key: key}) => ({type, sender, content, state_key: key}));
	const answer = {state: events, auth_chain: events, event: join.json, members_omitted: false, origin: 'a.example'};
	await expectTame(t, {
		input: hostileJson([answer, stripped, [...stripped, ...events]] as JsonValue[]),
		async act(value) {
			await readStrippedState(value, {roomId: join.roomId, version: '10'}, accept);
			await readJoinAnswer(value, join, accept);
		},
		refusals: [OutboundError],
	});
});

test('keys of servers and of devices count only in their form', async (t) => {
	const server = 'a.example' as ServerName;
	const key = generateSigningKey();
	const now = 1_700_000_000_000;
	const verifyKeys = {[key.keyId]: {key: Buffer.from(key.publicKey).toString('base64').replace(/=+$/u, '')}};
	const document = {
		server_name: server,
		valid_until_ts: now + 1_000,
		verify_keys: verifyKeys,
		old_verify_keys: {'ed25519:old': {key: 'x', expired_ts: 1}},
	};
	const device = {
		user_id: alice,
		device_id: 'D',
		algorithms: ['m.olm.v1.curve25519-aes-sha2'],
		keys: {'ed25519:D': 'x'.repeat(43), 'curve25519:D': 'x'.repeat(43)},
		signatures: {[alice]: {'ed25519:D': 'x'.repeat(86)}},
	};
	const crossSigning = {user_id: alice, usage: ['master'], keys: {'ed25519:abc': 'abc'}};
	const oneTime = {key: 'x'.repeat(43), signatures: device.signatures};
	await expectTame(t, {
		input: hostileJson([signJson(document, server, key), device, crossSigning, oneTime]),
		act(value) {
			for (const {validUntilTs} of readKeyDocument(value, server, now) ?? []) t.true(validUntilTs <= now + 604_800_000);
			readRemoteDevice(alice, 'D' as never, value);
			readCrossSigning(alice, value, value);
			readClaimedKey(alice, value);
			if (isJsonObject(value)) findSignedMessage(value, server, key.keyId, key.publicKey);
		},
	});
});

test('an ephemeral unit is one, or none', async (t) => {
	await expectTame(t, {
		input: hostileJson([{edu_type: 'm.typing', content: {room_id: '!a:a.example', user_id: alice, typing: true}}]),
		act(value) {
			const edu = readEdu(value);
			t.true(edu === undefined || typeof edu.type === 'string');
		},
	});
});

test('push rules of any form judge events of any form', async (t) => {
	const conditions: JsonObject[] = [
		{kind: 'event_match', key: String.raw`content.a\.b.c`, pattern: '*a?b*'},
		{kind: 'event_property_is', key: 'content.body', value: 'x'},
		{kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: alice},
		{kind: 'room_member_count', is: '>=2'},
		{kind: 'sender_notification_permission', key: 'room'},
		{kind: 'contains_display_name'},
	];
	const stored: JsonValue = {
		own: {
			override: [{rule_id: 'a', enabled: true, actions: ['notify', {set_tweak: 'highlight'}], conditions}],
			content: [{rule_id: 'b', enabled: true, actions: ['notify'], pattern: 'c?ke*'}],
			room: [{rule_id: '!a:a.example', enabled: true, actions: []}],
		},
		changed: {'.m.rule.master': {enabled: false, actions: []}},
	};
	await expectTame(t, {
		input: fc.tuple(hostileJson([stored]), event),
		async act([rules, {version, json}]) {
			const parsed = parsePdu(json, version);
			if (!parsed.ok || !isJsonObject(rules)) return;
			const outcome = await evaluate(
				compileRuleset(rulesetOf(alice, readStoredRules(rules)), {userId: alice, key: JSON.stringify(rules)}),
				{
					pdu: parsed.pdu,
					memberCount: () => Promise.resolve(3),
					maySenderNotify: () => Promise.resolve(true),
				},
			);
			t.is(typeof outcome.notifies, 'boolean');
		},
	});
});
