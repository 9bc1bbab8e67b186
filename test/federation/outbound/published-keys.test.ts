import test from 'ava';
import {
	canonicalJson,
	generateSigningKey,
	type JsonValue,
	type ServerName,
	type SigningKey,
	signJson,
} from '../../../crypto/index.ts';
import {createWorld, DAY_MS, HOUR_MS, notary, START, them, us, writeDocument} from './key-world.ts';
import {PublishedKeys} from '../../../federation/outbound/index.ts';

test('B9: a notary is asked only where one is set and the server itself does not answer', async (t) => {
	const [key, notaryKey] = [generateSigningKey(), generateSigningKey()];
	const answer = [signJson(writeDocument({keys: [key]}), notary, notaryKey)];
	const without = createWorld();
	without.world.notaryAnswer = answer;
	t.false(await without.find(key));
	t.deepEqual(without.world.fetched, [them]);
	const {world, find} = createWorld({notaries: [notary]});
	world.documents[notary] = writeDocument({server: notary, keys: [notaryKey]});
	world.notaryAnswer = answer;
	t.true(await find(key));
	t.deepEqual(world.fetched, [them, notary, `${notary} about ${them}`]);
});

test('B9: what a notary says counts only when it and the server signed it, and changes no known key', async (t) => {
	const [key, notaryKey, stranger] = [
		generateSigningKey({version: 'x'}),
		generateSigningKey(),
		generateSigningKey({version: 'x'}),
	];
	const poisoned: Record<string, JsonValue> = {
		'not signed by the server': signJson(writeDocument({keys: [key], signers: []}), notary, notaryKey),
		'signed for the server by the notary': signJson(
			writeDocument({keys: [key], signers: [notaryKey]}),
			notary,
			notaryKey,
		),
		'not signed by the notary': writeDocument({keys: [key]}),
		'signed by another key of the notary': signJson(writeDocument({keys: [key]}), notary, stranger),
		'about another server': signJson(
			writeDocument({keys: [key], server: 'other.example' as ServerName}),
			notary,
			notaryKey,
		),
		'no document': 7,
	};
	for (const [what, document] of Object.entries(poisoned)) {
		const {world, find} = createWorld({notaries: [notary]});
		world.documents[notary] = writeDocument({server: notary, keys: [notaryKey]});
		world.notaryAnswer = [document];
		t.false(await find(key), what);
	}
	const {world, find} = createWorld({notaries: [notary]});
	world.documents[notary] = writeDocument({server: notary, keys: [notaryKey]});
	world.documents[them] = writeDocument({keys: [key]});
	t.true(await find(key));
	world.documents[them] = new Error('down');
	world.now += 2 * DAY_MS;
	world.notaryAnswer = [
		signJson(writeDocument({keys: [stranger], validUntilTs: START + 9 * DAY_MS}), notary, notaryKey),
	];
	t.false(await find(stranger));
	t.true(await find(key, START));
});

test('we publish our keys signed by each of them, good for a day and never for less than an hour', async (t) => {
	const [first, second, old] = [1, 2, 3].map((version) => generateSigningKey({version: `${version}`})) as [
		SigningKey,
		SigningKey,
		SigningKey,
	];
	const clock = {now: () => START};
	const published = new PublishedKeys({
		serverName: them,
		keys: [first, second],
		oldKeys: [{keyId: old.keyId, publicKey: old.publicKey, expiredTs: START - DAY_MS}],
		clock,
	});
	const {world, find} = createWorld();
	world.documents[them] = published.document();
	t.true(await find(first));
	t.true(await find(second));
	t.true(await find(old, START - DAY_MS));
	t.is(published.document()['valid_until_ts'], START + DAY_MS);
	t.is(published.document(), published.document(), 'signed once, not for every stranger who asks');
	for (let hours = 0; hours < 100; hours++) {
		clock.now = () => START + hours * HOUR_MS;
		t.true((published.document()['valid_until_ts'] as number) >= START + (hours + 1) * HOUR_MS);
	}
	clock.now = () => START - 400 * DAY_MS;
	t.true((published.document()['valid_until_ts'] as number) <= START - 399 * DAY_MS);
});

test('our keys are told in the order of canonical JSON, for those who verify the bytes as they came', (t) => {
	const [key, older] = [generateSigningKey({version: 'b'}), generateSigningKey({version: 'a'})];
	const oldKeys = [{keyId: older.keyId, publicKey: older.publicKey, expiredTs: 1}];
	const document = new PublishedKeys({
		serverName: us,
		keys: [key, older],
		oldKeys,
		clock: {now: () => START},
	}).document();
	t.is(JSON.stringify(document), canonicalJson(document));
});

test('B9: as a notary we answer for ourselves alone', (t) => {
	const {ownKey} = createWorld();
	const published = new PublishedKeys({serverName: us, keys: [ownKey], oldKeys: [], clock: {now: () => START}});
	t.deepEqual(published.answerQuery(us), {server_keys: [published.document()]});
	t.deepEqual(published.answerQuery(them), {server_keys: []});
	t.deepEqual(published.answerQueries({server_keys: {[us]: {}, [them]: {}}}), {server_keys: [published.document()]});
	for (const body of [
		{server_keys: {[them]: {}}},
		{},
		null,
		[],
		{server_keys: 5},
		{server_keys: [us]},
		{server_keys: {__proto__: us}},
	]) {
		t.deepEqual(published.answerQueries(body as JsonValue), {server_keys: []});
	}
});
