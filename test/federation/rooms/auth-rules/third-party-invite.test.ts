import {generateKeyPairSync, sign} from 'node:crypto';
import test from 'ava';
import {
	canonicalJsonBytes,
	encodeBase64,
	encodeBase64Url,
	type JsonObject,
	LosslessNumber,
} from '../../../../crypto/index.ts';
import {checkAuth} from '../../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, createTimeline, outcome, type Timeline, versionsOf} from '../timeline.ts';

const {privateKey, publicKey} = generateKeyPairSync('ed25519');
const keyBytes = publicKey.export({format: 'der', type: 'spki'}).subarray(-32);
const key = encodeBase64(keyBytes);
const otherKey = encodeBase64(
	generateKeyPairSync('ed25519').publicKey.export({format: 'der', type: 'spki'}).subarray(-32),
);

function signed(fields: JsonObject = {mxid: bob, token: 'token'}): JsonObject {
	const signature = encodeBase64(sign(null, canonicalJsonBytes(fields), privateKey));
	return {...fields, signatures: {'identity.example': {'ed25519:0': signature}}};
}

function roomWith(version: (typeof allVersions)[number], offer: JsonObject): Timeline {
	const room = createTimeline({version, joinRules: {join_rule: 'invite'}});
	room.send({type: 'm.room.third_party_invite', sender: alice, stateKey: 'token', content: offer});
	return room;
}

function invite(room: Timeline, thirdPartyInvite: JsonObject | string | null, sender = alice): string {
	const content = {membership: 'invite', third_party_invite: thirdPartyInvite};
	return outcome(room.check({type: 'm.room.member', sender, stateKey: bob, content}));
}

/** The rule's number: `5.3` up to version 5, `4.3` up to 7, `4.4` up to 11, `5.4` in 12. */
function ruleOf(version: (typeof allVersions)[number]): string {
	if (version === '12') return '5.4.1';
	if (versionsOf('1-5').includes(version)) return '5.3.1';
	return versionsOf('6-7').includes(version) ? '4.3.1' : '4.4.1';
}

for (const version of allVersions) {
	const rule = ruleOf(version);

	test(`a third-party invite is taken up by whom its token was signed for, in room version ${version}`, (t) => {
		const room = roomWith(version, {public_key: key});
		t.is(invite(room, {display_name: 'b', signed: signed()}), 'allow');
		t.is(invite(room, {display_name: 'b'}), `${rule}.2`);
		t.is(invite(room, 'signed'), `${rule}.2`);
		t.is(invite(room, null), `${rule}.2`);
		t.is(invite(room, {signed: 'x'}), `${rule}.2`);
		t.is(invite(room, {signed: signed({mxid: bob})}), `${rule}.3`);
		t.is(invite(room, {signed: signed({mxid: bob, token: 7})}), `${rule}.3`);
		t.is(invite(room, {signed: signed({token: 'token'})}), `${rule}.3`);
		t.is(invite(room, {signed: signed({mxid: carol, token: 'token'})}), `${rule}.4`);
		t.is(invite(room, {signed: signed({mxid: bob, token: 'other'})}), `${rule}.5`);
		t.is(invite(room, {signed: {...signed(), more: 1}}), `${rule}.8`);
		t.is(invite(room, {signed: {mxid: bob, token: 'token'}}), `${rule}.8`);
		t.is(invite(room, {signed: {...signed(), signatures: {x: {'ed25519:0': 5, 'rsa:1': key}, y: []}}}), `${rule}.8`);
		room.send({type: 'm.room.member', sender: alice, stateKey: bob, content: {membership: 'ban'}});
		t.is(invite(room, {signed: signed()}), `${rule}.1`);
	});

	test(`a third-party invite is only its own sender's, in room version ${version}`, (t) => {
		const room = roomWith(version, {public_key: key});
		t.is(invite(room, {signed: signed()}, carol), `${rule}.6`);
	});
}

test('any key of a third-party invite will do, in either alphabet', (t) => {
	for (const offer of [
		{public_keys: [{public_key: otherKey}, {public_key: key}]},
		{public_key: otherKey, public_keys: [5, {}, {public_key: 'x'}, {public_key: encodeBase64Url(keyBytes)}]},
		{public_key: `${key}=`},
	]) {
		t.is(invite(roomWith('12', offer as JsonObject), {signed: signed()}), 'allow', JSON.stringify(offer));
	}
	for (const offer of [{}, {public_key: otherKey}, {public_key: 5, public_keys: 'x'}, {public_keys: [otherKey]}]) {
		t.is(invite(roomWith('12', offer as JsonObject), {signed: signed()}), '5.4.1.8', JSON.stringify(offer));
	}
});

test('what cannot be written canonically nobody has signed', (t) => {
	const room = roomWith('5', {public_key: key});
	const content = {
		membership: 'invite',
		third_party_invite: {signed: {...signed(), number: new LosslessNumber('1e999')}},
	};
	const event = {...room.build({type: 'm.room.member', sender: alice, stateKey: bob}), content};
	t.is(outcome(checkAuth(event, room.state, room.context)), '5.3.1.8');
});

test('a hostile number of keys and signatures ends the search', (t) => {
	const keys = Array.from({length: 300}, (_, index) =>
		encodeBase64(new Uint8Array(32).fill(index).map((b, i) => b ^ (i * index))),
	);
	const signatures = Object.fromEntries(
		keys.map((_, index) => [`ed25519:${index}`, encodeBase64(new Uint8Array(64).fill(index))]),
	);
	const room = roomWith('12', {public_keys: keys.map((public_key) => ({public_key}))});
	let attempts = 0;
	const event = room.build({
		type: 'm.room.member',
		sender: alice,
		stateKey: bob,
		content: {
			membership: 'invite',
			third_party_invite: {signed: {mxid: bob, token: 'token', signatures: {x: signatures}}},
		},
	});
	const verdict = checkAuth(event, room.state, {
		verifySignature: () => {
			attempts += 1;
			return false;
		},
	});
	t.is(outcome(verdict), '5.4.1.8');
	t.is(attempts, 256);
});
