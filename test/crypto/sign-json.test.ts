import test from 'ava';
import {
	canonicalJson,
	decodeBase64,
	findSignedMessage,
	isKeyId,
	isServerName,
	type KeyId,
	listSignatureKeyIds,
	parseSigningKeys,
	readJson,
	readSignatures,
	type ServerName,
	SigningKey,
	signJson,
	verifyMany,
	verifySignedJson,
} from '../../crypto/index.ts';
import {testsWithShared} from '../harness/index.ts';

interface Vectors {
	signingKey: {seedBase64: string; serverName: string; keyId: string; derivedPublicKeyBase64: string};
	jsonSigning: {vectors: {input: object; signed: object}[]};
	signingDetailsIllustration: {object: {signing_keys: Record<string, string>}};
}

const specTest = testsWithShared(test, 'spec/test-vectors.json', (text): Vectors => JSON.parse(text));

function serverName(text: string): ServerName {
	if (!isServerName(text)) throw new TypeError(`expected a server name, got ${text}`);
	return text;
}

function keyId(text: string): KeyId {
	if (!isKeyId(text)) throw new TypeError(`expected a key id, got ${text}`);
	return text;
}

const domain = serverName('domain');
const key = new SigningKey(keyId('ed25519:1'), new Uint8Array(32).fill(1));

specTest("the specification's examples are signed as it says, and verify", (t, {signingKey, jsonSigning}) => {
	const [specKey] = parseSigningKeys(`ed25519 1 ${signingKey.seedBase64}`);
	if (specKey === undefined) return t.fail();
	for (const {input, signed} of jsonSigning.vectors) {
		t.is(canonicalJson(signJson(input, serverName(signingKey.serverName), specKey)), canonicalJson(signed));
		t.true(verifySignedJson(signed, signingKey.serverName, signingKey.keyId, specKey.publicKey));
	}
	return undefined;
});

specTest(
	'the illustration in the specification does not verify with its own key',
	(t, {signingDetailsIllustration: {object}}) => {
		const publicKey = decodeBase64(object.signing_keys['ed25519:1'] ?? '') ?? new Uint8Array();
		t.is(publicKey.length, 32);
		t.false(verifySignedJson(object, 'example.org', 'ed25519:1', publicKey));
	},
);

test('a signature covers everything but signatures and unsigned', (t) => {
	const signed = signJson({a: 1, unsigned: {age: 1}, signatures: {other: {'ed25519:x': 'abc'}}}, domain, key);
	const verifies = (object: object) => verifySignedJson(object, 'domain', 'ed25519:1', key.publicKey);
	t.true(verifies(signed));
	t.true(verifies({...signed, unsigned: {age: 2}}));
	t.is(signed.signatures['other']?.['ed25519:x'], 'abc');
	t.false(verifies({...signed, a: 2}));
	t.false(verifies({...signed, b: 0}));
	t.false(verifies({...signed, signatures: {}}));
	t.false(verifySignedJson(signed, 'other', 'ed25519:1', key.publicKey));
	t.false(verifySignedJson(signed, 'domain', 'ed25519:2', key.publicKey));
	t.false(verifySignedJson(signed, 'domain', 'ed25519:1', new SigningKey(key.keyId, new Uint8Array(32)).publicKey));
});

test('signing changes a copy and keeps the key ids of the same server', (t) => {
	const object = Object.freeze({a: 1});
	const first = signJson(object, domain, key);
	const second = signJson(first, domain, new SigningKey(keyId('ed25519:2'), new Uint8Array(32).fill(2)));
	t.deepEqual(Object.keys(object), ['a']);
	t.deepEqual(listSignatureKeyIds(second, 'domain'), ['ed25519:1', 'ed25519:2']);
	t.true(verifySignedJson(second, 'domain', 'ed25519:1', key.publicKey));
	t.deepEqual(listSignatureKeyIds(first, 'other'), []);
});

test('signatures of a strange shape are false and no exception', (t) => {
	const {signatures} = signJson({a: 1}, domain, key);
	const signature = signatures['domain']?.['ed25519:1'] ?? '';
	t.is(signature.length, 86);
	const shapes: unknown[] = [
		null,
		5,
		'x',
		[],
		[signature],
		{domain: null},
		{domain: []},
		{domain: 'x'},
		{domain: {'ed25519:1': 5}},
		...['', 'x', `${signature}A`, ` ${signature}`, signature.slice(1), `${signature}===`].map((text) => ({
			domain: {'ed25519:1': text},
		})),
	];
	for (const shape of shapes) {
		const object = {a: 1, signatures: shape};
		t.false(verifySignedJson(object, 'domain', 'ed25519:1', key.publicKey), JSON.stringify(shape));
		t.notThrows(() => listSignatureKeyIds(object, 'domain'));
		t.true(verifySignedJson(signJson(object, domain, key), 'domain', 'ed25519:1', key.publicKey));
	}
	t.true(
		verifySignedJson(
			{a: 1, signatures: {domain: {'ed25519:1': `${signature}==`}}},
			'domain',
			'ed25519:1',
			key.publicKey,
		),
	);
	t.false(verifySignedJson({a: 0.5, signatures}, 'domain', 'ed25519:1', key.publicKey), 'no canonical form');
	t.throws(() => signJson({a: 0.5}, domain, key), {name: 'CanonicalJsonError'});
});

test('A4: names like __proto__ and constructor are looked up as what they are', (t) => {
	const {value} = readJson('{"a":1,"signatures":{"__proto__":{"domain":"x"},"constructor":{"name":"y"}}}');
	if (typeof value !== 'object' || value === null) return t.fail();
	t.is(readSignatures(value)['domain'], undefined);
	t.deepEqual(Object.keys(readSignatures(value)), ['__proto__', 'constructor']);
	const signed = signJson(value, domain, key);
	t.true(verifySignedJson(signed, 'domain', 'ed25519:1', key.publicKey));
	t.deepEqual(Object.keys(signed.signatures), ['__proto__', 'constructor', 'domain']);
	t.false(verifySignedJson({}, 'constructor', 'name', key.publicKey));
	t.false(verifySignedJson({signatures: {}}, 'constructor', 'name', key.publicKey));
	return undefined;
});

test('numbers of old events are covered as they were written', (t) => {
	const {value} = readJson('{"depth":1e2,"n":9223372036854775807}');
	if (typeof value !== 'object' || value === null) return t.fail();
	const signed = signJson(value, domain, key);
	const again = readJson(canonicalJson(signed)).value;
	t.is(canonicalJson(again), canonicalJson(signed));
	t.true(verifySignedJson(signed, 'domain', 'ed25519:1', key.publicKey));
	return undefined;
});

test('what one object needs verified can be verified together with others', async (t) => {
	const items = Array.from({length: 20}, (_, index) => signJson({index}, domain, key)).map((object, index) =>
		findSignedMessage(index % 2 === 0 ? object : {...object, index: -1}, 'domain', 'ed25519:1', key.publicKey),
	);
	const results = await verifyMany(items.filter((item) => item !== undefined));
	t.deepEqual(
		results,
		items.map((_, index) => index % 2 === 0),
	);
});
