import test from 'ava';
import {
	encodeBase64,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	type ServerName,
	type SigningKey,
} from '../../../crypto/index.ts';
import {createWorld, DAY_MS, encode, HOUR_MS, START, them, us, writeDocument} from './key-world.ts';

test('a key is fetched once, kept, and found again after a restart', async (t) => {
	const key = generateSigningKey();
	const {world, find} = createWorld();
	world.documents[them] = writeDocument({keys: [key]});
	t.true(await find(key));
	t.true(await find(key));
	t.deepEqual(world.fetched, [them]);
	const restarted = createWorld({store: world.store});
	t.true(await restarted.find(key));
	t.deepEqual(restarted.world.fetched, []);
});

test('many queries at once ask each server once', async (t) => {
	const keys = Array.from({length: 200}, () => generateSigningKey({version: 'a'}));
	const {world, keyring} = createWorld();
	const servers = keys.map((_, index) => `s${index}.example` as ServerName);
	for (const [index, server] of servers.entries())
		world.documents[server] = writeDocument({server, keys: [keys[index] as SigningKey]});
	const queries = [...servers, ...servers].map((server) => ({server, keyId: 'ed25519:a', validAt: START}));
	const found = await keyring.findVerifyKeys(queries);
	t.deepEqual(
		found.map(encode),
		[...keys, ...keys].map(({publicKey}) => encode(publicKey)),
	);
	t.is(world.fetched.length, 200);
});

test('a document must be about the server, signed by it, and wholly right', async (t) => {
	const [key, other] = [generateSigningKey({version: '1'}), generateSigningKey({version: '2'})];
	const good = writeDocument({keys: [key]});
	const refusedDocuments: Record<string, JsonValue> = {
		'of another server': writeDocument({keys: [key], server: 'other.example' as ServerName}),
		'without a signature': writeDocument({keys: [key], signers: []}),
		'signed by a key that is not listed': writeDocument({keys: [key], signers: [other]}),
		'signed by an old key only': writeDocument({keys: [key], old: [[other, START]], signers: [other]}),
		'with one wrong signature': {
			...writeDocument({keys: [key, other]}),
			signatures: {
				[them]: {...(good['signatures'] as Record<string, JsonObject>)[them], [other.keyId]: 'A'.repeat(86)},
			},
		},
		changed: {...good, valid_until_ts: START + 2 * DAY_MS},
		'without validity': writeDocument({keys: [key], validUntilTs: 'tomorrow'}),
		'with a list of keys': writeDocument({keys: [key], extra: {verify_keys: []}}),
		'not an object': [good],
		null: null,
	};
	for (const [what, document] of Object.entries(refusedDocuments)) {
		const {world, find} = createWorld();
		world.documents[them] = document;
		t.false(await find(key), what);
		t.is(world.notices[0]?.kind, 'fetch_failed', what);
	}
	const {world, find} = createWorld();
	world.documents[them] = good;
	t.true(await find(key));
});

test('B5, B6: keys of small order and leaked keys are passed over', async (t) => {
	const key = generateSigningKey({version: 'good'});
	const bad = {
		'ed25519:zero': 'A'.repeat(43),
		'ed25519:identity': encodeBase64(Uint8Array.from({length: 32}, (_, index) => (index === 0 ? 1 : 0))),
		'ed25519:leaked': 'l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og',
		'ed25519:short': 'AAAA',
		'ed25519:text': '!',
		'rsa:1': 'A'.repeat(43),
		'ed25519:a b': 'A'.repeat(43),
	};
	const {world, keyring, find} = createWorld();
	const listed = {...bad, [key.keyId]: encodeBase64(key.publicKey)};
	world.documents[them] = writeDocument({
		signers: [key],
		extra: {verify_keys: Object.fromEntries(Object.entries(listed).map(([keyId, encoded]) => [keyId, {key: encoded}]))},
	});
	t.true(await find(key));
	for (const keyId of Object.keys(bad))
		t.is(await keyring.findVerifyKey({server: them, keyId, validAt: START}), undefined, keyId);
	t.deepEqual([...(world.store.rows.get(them)?.keys() ?? [])], [key.keyId]);
});

test('B7: a word of validity counts for seven days, and no key is valid beyond it', async (t) => {
	const key = generateSigningKey();
	const {world, find} = createWorld();
	world.documents[them] = writeDocument({keys: [key], validUntilTs: START + 3650 * DAY_MS});
	t.true(await find(key, START + 7 * DAY_MS));
	t.false(await find(key, START + 7 * DAY_MS + 1));
	world.documents[them] = new Error('down');
	world.now += 8 * DAY_MS;
	t.false(await find(key));
	t.true(await find(key, START + DAY_MS), 'what it signed in its time stays valid');
	t.true(await find(key, 'any'), 'and room versions 1 to 4 know no expiry');
});

test('B7: an old key verifies what it signed before it expired, and no requests', async (t) => {
	const [key, old] = [generateSigningKey({version: 'new'}), generateSigningKey({version: 'old'})];
	const {world, find, keyring} = createWorld();
	const expiredTs = START - DAY_MS;
	world.documents[them] = writeDocument({keys: [key], old: [[old, expiredTs]]});
	t.true(await find(old, expiredTs));
	t.false(await find(old, expiredTs + 1));
	t.is(await keyring.findRequestKey(them, old.keyId), undefined);
	t.is(encode(await keyring.findRequestKey(them, key.keyId)), encode(key.publicKey));
	const future = createWorld();
	future.world.documents[them] = writeDocument({keys: [key], old: [[old, START + DAY_MS]]});
	t.false(await future.find(old, START + HOUR_MS), 'an expiry yet to come is now');
});

test('B7: a key that was in use and becomes old signs no requests any more', async (t) => {
	const [first, second] = [generateSigningKey({version: '1'}), generateSigningKey({version: '2'})];
	const {world, keyring, find} = createWorld();
	world.documents[them] = writeDocument({keys: [first]});
	t.is(encode(await keyring.findRequestKey(them, first.keyId)), encode(first.publicKey));
	world.now += HOUR_MS;
	world.documents[them] = writeDocument({keys: [second], old: [[first, world.now]]});
	t.is(
		encode(await keyring.findRequestKey(them, second.keyId)),
		encode(second.publicKey),
		'rotation is noticed at once',
	);
	world.now += 1;
	t.is(await keyring.findRequestKey(them, first.keyId), undefined);
	t.true(await find(first, START));
});

test('B7: other bytes under a known key id are reported and not taken', async (t) => {
	const [first, second] = [generateSigningKey({version: 'x'}), generateSigningKey({version: 'x'})];
	const {world, find} = createWorld();
	world.documents[them] = writeDocument({keys: [first], validUntilTs: START + HOUR_MS});
	t.true(await find(first));
	world.now += 2 * HOUR_MS;
	world.documents[them] = writeDocument({keys: [second], validUntilTs: START + DAY_MS});
	t.false(await find(second));
	t.false(await find(first), 'nor does the new word make the first key valid for longer');
	t.true(await find(first, START));
	t.deepEqual(
		world.notices.map(({kind}) => kind),
		['key_changed'],
	);
	const restarted = createWorld({store: world.store});
	restarted.world.now = START + 2 * HOUR_MS;
	restarted.world.documents = world.documents;
	t.false(await restarted.find(second));
});

test('B7: an unknown key id makes at most one request a minute, a silent server fewer and fewer', async (t) => {
	const [key, forged] = [generateSigningKey({version: '1'}), generateSigningKey({version: '2'})];
	const {world, find} = createWorld();
	world.documents[them] = writeDocument({keys: [key]});
	for (let turn = 0; turn < 100; turn++) t.false(await find(forged));
	t.is(world.fetched.length, 1);
	world.now += 61_000;
	t.false(await find(forged));
	t.is(world.fetched.length, 2);

	const silent = createWorld();
	const times = [];
	for (; silent.world.now < START + 30 * 60_000; silent.world.now += 1000) {
		const before = silent.world.fetched.length;
		await silent.find(key);
		if (silent.world.fetched.length > before) times.push((silent.world.now - START) / 1000);
	}
	t.deepEqual(times, [0, 10, 30, 70, 150, 310, 610, 910, 1210, 1510]);
});

test('a key in use is fetched again in the background when half of its validity is over', async (t) => {
	const key = generateSigningKey();
	const {world, find} = createWorld();
	world.documents[them] = writeDocument({keys: [key]});
	await find(key);
	world.now += DAY_MS / 2 + 1;
	world.documents[them] = writeDocument({keys: [key], validUntilTs: START + 2 * DAY_MS});
	t.true(await find(key));
	t.is(world.fetched.length, 2);
	world.now = START + DAY_MS + HOUR_MS;
	t.true(await find(key), 'and is still valid when the first word would be over');
});

test('a store that fails costs nothing but requests', async (t) => {
	const key = generateSigningKey();
	const {world, find} = createWorld();
	world.store.isBroken = true;
	world.documents[them] = writeDocument({keys: [key]});
	t.true(await find(key));
	t.true(await find(key));
	t.deepEqual(
		world.notices.map(({kind}) => kind),
		['store_failed', 'store_failed'],
	);
});

test('our own signatures are verified without asking anybody', async (t) => {
	const {world, find, ownKey} = createWorld();
	t.true(await find(ownKey, START, us));
	t.false(await find(generateSigningKey(), START, us));
	t.deepEqual(world.fetched, []);
});
