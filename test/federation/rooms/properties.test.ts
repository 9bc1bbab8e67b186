import test from 'ava';
import * as fc from 'fast-check';
import {canonicalJson, domainOf, type JsonObject, LosslessNumber, type UserId, verify} from '../../../crypto/index.ts';
import {
	calculateEventId,
	checkAuth,
	checkAuthEvents,
	membershipOf,
	type Pdu,
	parsePdu,
	powerLevelsOf,
	redactJson,
	redactPdu,
	type RoomVersionId,
	roomVersion,
	signaturesRequired,
	stateOf,
	toClientEvent,
} from '../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, createTimeline} from './timeline.ts';

const runs = {seed: 20_261_123, numRuns: 3_000};
const users = [alice, bob, carol];
const types = [
	'm.room.create',
	'm.room.member',
	'm.room.power_levels',
	'm.room.join_rules',
	'm.room.third_party_invite',
	'm.room.aliases',
	'm.room.redaction',
	'm.room.history_visibility',
	'm.room.message',
];

const words = fc.constantFrom<unknown>(
	'join',
	'invite',
	'leave',
	'ban',
	'knock',
	'public',
	'restricted',
	'knock_restricted',
	'token',
	...users,
	'50',
	' 7 ',
	'',
	'__proto__',
	0,
	50,
	100,
	-1,
	2 ** 53 - 1,
	null,
	true,
	false,
	[],
);
const keys = fc.constantFrom(
	'membership',
	'third_party_invite',
	'signed',
	'mxid',
	'token',
	'signatures',
	'public_key',
	'public_keys',
	'join_authorised_via_users_server',
	'join_rule',
	'users',
	'users_default',
	'events',
	'events_default',
	'state_default',
	'notifications',
	'ban',
	'invite',
	'kick',
	'redact',
	'room_version',
	'creator',
	'additional_creators',
	'm.federate',
	'redacts',
	'aliases',
	'__proto__',
	'constructor',
	...types,
	...users,
);

/** Objects of words that mean something to the rules, where they do and where they do not. */
const {content} = fc.letrec<{value: unknown; content: JsonObject}>((tie) => ({
	value: fc.oneof({maxDepth: 3, withCrossShrink: true}, words, fc.array(tie('value'), {maxLength: 3}), tie('content')),
	content: fc
		.array(fc.tuple(keys, tie('value')), {maxLength: 6})
		.map((entries) => Object.fromEntries(entries) as JsonObject),
}));

const lossless = fc
	.constantFrom('1.5', '1e3', '-0', '9223372036854775807', '1'.repeat(400))
	.map((text) => new LosslessNumber(text));
const level = fc.oneof(fc.constantFrom(0, 50, 100, '50', null, 2 ** 53 - 1), lossless);
const levelMap = fc.dictionary(fc.constantFrom(...users, 'm.room.message', 'room'), level, {maxKeys: 3});

/** Content as the rules look for it, in part. */
const plausible = fc.record(
	{
		membership: fc.constantFrom('join', 'invite', 'leave', 'ban', 'knock', 'dance'),
		join_authorised_via_users_server: fc.constantFrom(...users),
		third_party_invite: fc.record({
			signed: fc.record({mxid: fc.constantFrom(...users), token: fc.constant('token'), signatures: content}),
		}),
		public_key: fc.constant('XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI'),
		join_rule: fc.constantFrom('public', 'invite', 'knock', 'restricted', 'knock_restricted', 'private'),
		users: levelMap,
		events: levelMap,
		notifications: levelMap,
		ban: level,
		invite: level,
		state_default: level,
		'm.federate': fc.boolean(),
		additional_creators: fc.subarray([...users, 'x']),
	},
	{requiredKeys: ['membership', 'join_rule']},
) as unknown as fc.Arbitrary<JsonObject>;

interface Raw {
	readonly version: RoomVersionId;
	readonly type: string;
	readonly sender: UserId;
	readonly stateKey: string | undefined;
	readonly content: JsonObject;
	readonly signed: boolean;
}

const raw: fc.Arbitrary<Raw> = fc.record({
	version: fc.constantFrom(...allVersions),
	type: fc.constantFrom(...types),
	sender: fc.constantFrom(...users),
	stateKey: fc.constantFrom(undefined, '', ...users, 'token', '@'),
	content: fc.oneof({arbitrary: content, weight: 1}, {arbitrary: plausible, weight: 4}),
	signed: fc.boolean(),
});

const rooms = new Map(
	allVersions.map((version) => [version, createTimeline({version, joinRules: {join_rule: 'public'}})]),
);

function eventOf({version, type, sender, stateKey, content: given, signed}: Raw): Pdu {
	const room = rooms.get(version);
	if (room === undefined) throw new Error(version);
	const base = room.build({type: 'm.room.message', sender});
	const signatures = signed ? Object.fromEntries(users.map((user) => [domainOf(user), {'ed25519:1': 'A'}])) : {};
	return {...base, type, content: given, signatures, ...(stateKey === undefined ? {} : {stateKey})};
}

test('the authorisation rules give a verdict on any event in any state', (t) => {
	const verdicts = new Set<string>();
	fc.assert(
		fc.property(raw, fc.array(raw, {maxLength: 6}), (subject, others) => {
			const event = eventOf(subject);
			const room = rooms.get(subject.version);
			const state = others.map((other) => eventOf({...other, version: subject.version}));
			const lookup = stateOf([...(room?.events ?? []), ...state]);
			const verdict = checkAuth(event, lookup, {verifySignature: verify});
			verdicts.add(verdict.allowed ? 'allow' : verdict.rule);
			checkAuthEvents(event, state, {isRejected: () => false});
			checkAuth(event, () => undefined, {verifySignature: verify});
			signaturesRequired(event);
			toClientEvent(event);
			membershipOf(event);
			if (!verdict.allowed) t.regex(verdict.rule, /^\d+(\.\d+)*$/);
		}),
		runs,
	);
	t.true(verdicts.size > 40, `only ${verdicts.size} different verdicts`);
});

test('levels are finite numbers, except those of creators', (t) => {
	fc.assert(
		fc.property(raw, (subject) => {
			const event = eventOf(subject);
			const levels = powerLevelsOf(rooms.get(subject.version)?.create, event);
			const all = [levels.ban, levels.kick, levels.redact, levels.invite, levels.usersDefault, levels.eventsDefault];
			return [...all, levels.stateDefault, ...levels.users.values()].every(Number.isFinite);
		}),
		runs,
	);
	t.pass();
});

test('a redaction changes nothing when repeated, and never the id', (t) => {
	fc.assert(
		fc.property(raw, (subject) => {
			const event = eventOf(subject);
			const json = {
				...event.json,
				type: event.type,
				content: event.content,
				junk: 1,
				unsigned: {x: 1},
				origin: 'x',
			} as JsonObject;
			const once = redactJson(subject.version, json);
			t.is(canonicalJson(redactJson(subject.version, once)), canonicalJson(once));
			t.is(calculateEventId(subject.version, once), calculateEventId(subject.version, json));
			const parsed = parsePdu(json, subject.version);
			if (!parsed.ok) {
				t.is(parsed.fault.code, 'json');
				t.true(roomVersion(subject.version).isStrictJson);
				return;
			}
			const redacted = redactPdu(parsed.pdu);
			t.is(redacted.eventId, parsed.pdu.eventId);
			const again = parsePdu(redacted.json, subject.version);
			t.true(again.ok && again.pdu.eventId === parsed.pdu.eventId && again.pdu.roomId === parsed.pdu.roomId);
		}),
		runs,
	);
});

test('anything at all is an event or a fault, never an exception', (t) => {
	fc.assert(
		fc.property(fc.constantFrom(...allVersions), fc.jsonValue(), (version, value) => {
			parsePdu(value as never, version);
		}),
		runs,
	);
	fc.assert(
		fc.property(raw, keys, fc.jsonValue(), (subject, field, value) => {
			const event = eventOf(subject);
			const fields = [...Object.keys(event.json), field];
			for (const key of fields) parsePdu({...event.json, [key]: value} as JsonObject, subject.version);
		}),
		{...runs, numRuns: 300},
	);
	t.pass();
});
