import {generateKeyPairSync, sign} from 'node:crypto';
import test from 'ava';
import {type KeyId, type ServerName, verifySignedJson} from '../../../crypto/index.ts';
import {
	buildPdu,
	mergeSignatures,
	parsePdu,
	redactPdu,
	signPdu,
	signaturesRequired,
} from '../../../federation/rooms/index.ts';
import {alice, allVersions, bob, carol, createTimeline, versionsOf} from './timeline.ts';

const {privateKey, publicKey} = generateKeyPairSync('ed25519');
const keyBytes = publicKey.export({format: 'der', type: 'spki'}).subarray(-32);
const signer = {keyId: 'ed25519:1' as KeyId, sign: (message: Uint8Array) => sign(null, message, privateKey)};
const one = 'one.example' as ServerName;

test('a signature covers what outlasts a redaction, and leaves the id as it is', (t) => {
	for (const version of allVersions) {
		const event = createTimeline({version}).build({type: 'm.room.message', sender: alice, content: {body: 'x'}});
		const signed = signPdu(event, one, signer);
		t.true(verifySignedJson(redactPdu(signed).json, one, signer.keyId, keyBytes));
		t.is(signed.eventId, event.eventId);
		const received = parsePdu(signed.json, version);
		t.true(received.ok && received.pdu.eventId === event.eventId);
		t.deepEqual(event.signatures, {});
	}
});

test('signatures of another server are added and replace none', (t) => {
	const event = signPdu(createTimeline({version: '12'}).build({type: 'm.room.message', sender: alice}), one, signer);
	const own = event.signatures[one]?.['ed25519:1'] as string;
	const merged = mergeSignatures(event, {
		[one]: {'ed25519:1': 'forged', 'ed25519:2': 'b'},
		'two.example': {'ed25519:x': 'c'},
	} as never);
	t.deepEqual(merged.signatures as object, {
		[one]: {'ed25519:1': own, 'ed25519:2': 'b'},
		'two.example': {'ed25519:x': 'c'},
	});
	t.deepEqual(merged.json['signatures'], merged.signatures);
});

test("the sender's server signs, in room versions 1 and 2 also the one in the event's id", (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version});
		const event = room.build({type: 'm.room.message', sender: alice});
		t.deepEqual(signaturesRequired(event) as string[], ['one.example']);
		const foreign = {...event, eventId: '$x:two.example' as never};
		const expected = versionsOf('1-2').includes(version) ? ['one.example', 'two.example'] : ['one.example'];
		t.deepEqual(signaturesRequired(foreign) as string[], expected);
	}
});

test('the server that authorised a restricted join signs from room version 8 on (C7)', (t) => {
	for (const version of allVersions) {
		const room = createTimeline({version});
		const join = room.build({
			type: 'm.room.member',
			sender: bob,
			stateKey: bob,
			content: {membership: 'join', join_authorised_via_users_server: carol},
		});
		const expected = versionsOf('8-12').includes(version) ? ['two.example', 'three.example'] : ['two.example'];
		t.deepEqual(signaturesRequired(join) as string[], expected);
	}
});

test("a third-party invite may come from a server that is not the sender's", (t) => {
	for (const version of allVersions) {
		const invite = createTimeline({version}).build({
			type: 'm.room.member',
			sender: alice,
			stateKey: bob,
			content: {membership: 'invite', third_party_invite: {}},
		});
		t.deepEqual(signaturesRequired(invite) as string[], versionsOf('1-2').includes(version) ? ['one.example'] : []);
	}
});

const sizeOf = (json: object) => Buffer.byteLength(JSON.stringify(json));

test('an event of ours is judged by its size with the signatures it will get', (t) => {
	const {roomId} = createTimeline({version: '12'});
	const fields = {
		roomVersion: '12' as const,
		roomId,
		type: 'm.room.message',
		sender: alice,
		depth: 3,
		originServerTs: 1,
		prevEvents: [],
		authEvents: [],
		signers: [{serverName: one, keyId: 'ed25519:1'}],
	};
	const build = (length: number) => buildPdu({...fields, content: {body: 'x'.repeat(length)}});
	let length = 65_000;
	while (build(length).ok) length += 1;
	t.like(build(length), {ok: false, fault: {code: 'size'}});
	const largest = build(length - 1);
	t.true(largest.ok);
	if (!largest.ok) return;
	t.is(sizeOf(signPdu(largest.pdu, one, signer).json), 65_536);
});
