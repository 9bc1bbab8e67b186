import {mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {format, inspect} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {
	encodeBase64,
	generateSigningKey,
	isKeyId,
	loadOldVerifyKeys,
	loadOrCreateSigningKeys,
	loadSigningKeys,
	parseSigningKeys,
	SigningKeyError,
	saveOldVerifyKeys,
	saveSigningKeys,
	verify,
} from '../../crypto/index.ts';
import {parseOldVerifyKeys} from '../../crypto/signing-key.ts';
import {testsWithShared} from '../harness/index.ts';

interface Vectors {
	signingKey: {seedBase64: string; derivedPublicKeyBase64: string};
}

const specTest = testsWithShared(test, 'spec/test-vectors.json', (text): Vectors => JSON.parse(text));

async function temporaryFolder(t: ExecutionContext): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'broadsheet-keys-'));
	t.teardown(() => rm(folder, {recursive: true}));
	return folder;
}

const seed = 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE';

specTest("the specification's key is read from a line of a key file", (t, {signingKey}) => {
	const [key] = parseSigningKeys(`ed25519 1 ${signingKey.seedBase64}\n`);
	t.is(key?.keyId.slice(), 'ed25519:1');
	t.is(encodeBase64(key?.publicKey ?? new Uint8Array()), signingKey.derivedPublicKeyBase64);
});

test('several keys are read in their order, with blank lines, comments and padding between', (t) => {
	const keys = parseSigningKeys(`# ours\n\ned25519 a_1 ${seed}\r\n  ed25519\tb_2  ${seed}=\n`);
	t.deepEqual(
		keys.map(({keyId}): string => keyId),
		['ed25519:a_1', 'ed25519:b_2'],
	);
});

test('a broken key file is told in words that say where and what to do, without the key', (t) => {
	const cases: [string, RegExp][] = [
		['', /^k has no key in it\. Restore it from a backup/],
		['# only this\n', /^k has no key in it/],
		[`ed25519 a_1`, /^k, line 1: expected 'ed25519 <version> <private key>', got 2 words\.$/],
		[`\ned25519 a_1 ${seed} x`, /^k, line 2: .*got 4 words\.$/],
		[`curve25519 a_1 ${seed}`, /line 1: expected ed25519 as the first word/],
		[`ed25519 a-1 ${seed}`, /line 1: expected a version of letters, digits and _/],
		[`ed25519 a_1 ${seed.slice(1)}`, /line 1: expected a key of 43 base64 characters.*may have been cut/],
		[`ed25519 a_1 ${seed.replace('Q', '!')}`, /line 1: expected a key of 43 base64 characters/],
		[`ed25519 a_1 ${seed}\ned25519 a_1 ${seed}`, /line 2: the key id ed25519:a_1 occurs twice/],
	];
	for (const [text, message] of cases) {
		const error = t.throws(() => parseSigningKeys(text, 'k'), {instanceOf: SigningKeyError, message}, text);
		t.false(error?.message.includes(seed.slice(5, 20)));
	}
});

test('a key never prints its private half', (t) => {
	const [key] = parseSigningKeys(`ed25519 a_1 ${seed}`);
	if (key === undefined) return t.fail();
	const prints = [
		JSON.stringify({key}),
		inspect({key}, {depth: 9, showHidden: true}),
		String(key),
		format('%s %o %j', key, key, key),
	];
	for (const text of prints) {
		t.false(text.includes(seed.slice(0, 20)));
		t.false(/1, ?1, ?1, ?1|010101/.test(text), text);
	}
	t.is(prints[0], '{"key":"[signing key ed25519:a_1]"}');
	t.is(encodeBase64(key.exposeSeed()), seed);
	key.exposeSeed().fill(0);
	t.is(encodeBase64(key.exposeSeed()), seed, 'what is given out is a copy');
	return undefined;
});

test('a new key has a version of its own and signs', (t) => {
	const [first, second] = [generateSigningKey(), generateSigningKey()];
	t.true(isKeyId(first.keyId));
	t.regex(first.keyId, /^ed25519:a_[A-Za-z0-9]{6}$/);
	t.not(first.keyId, second.keyId);
	const message = Buffer.from('text');
	t.true(verify({message, signature: first.sign(message), publicKey: first.publicKey}));
	t.false(verify({message, signature: first.sign(message), publicKey: second.publicKey}));
	t.is(generateSigningKey({version: 'x_1'}).keyId.slice(), 'ed25519:x_1');
	t.throws(() => generateSigningKey({version: 'x-1'}), {instanceOf: SigningKeyError});
	const fixed = {random: (size: number) => new Uint8Array(size).fill(1)};
	t.is(encodeBase64(generateSigningKey(fixed).exposeSeed()), seed);
});

test('a key file is for its owner only, ends whole under its name, and comes back', async (t) => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'signing.key');
	const keys = [generateSigningKey({version: 'b_2'}), generateSigningKey({version: 'a_1'})];
	await saveSigningKeys(path, [generateSigningKey()]);
	await saveSigningKeys(path, keys);
	t.is((await stat(path)).mode & 0o777, 0o600);
	t.deepEqual(await readdir(folder), ['signing.key']);
	t.regex(await readFile(path, 'utf8'), /^ed25519 b_2 [A-Za-z0-9+/]{43}\ned25519 a_1 [A-Za-z0-9+/]{43}\n$/);
	const loaded = await loadSigningKeys(path);
	t.deepEqual(
		loaded.map((key): string[] => [key.keyId, encodeBase64(key.publicKey)]),
		keys.map((key): string[] => [key.keyId, encodeBase64(key.publicKey)]),
	);
});

test('the first start makes a key, later ones and those at the same time use it', async (t) => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'signing.key');
	const starts = await Promise.all(Array.from({length: 8}, () => loadOrCreateSigningKeys(path)));
	t.is(starts.filter(({isNew}) => isNew).length, 1);
	t.is(new Set(starts.map(({keys}) => encodeBase64(keys[0]?.publicKey ?? new Uint8Array()))).size, 1);
	t.false((await loadOrCreateSigningKeys(path)).isNew);
	t.deepEqual(await readdir(folder), ['signing.key']);
});

test('a key file that is broken or out of reach is never replaced', async (t) => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'signing.key');
	await writeFile(path, 'rubbish');
	await t.throwsAsync(loadOrCreateSigningKeys(path), {instanceOf: SigningKeyError, message: /line 1: expected/});
	t.is(await readFile(path, 'utf8'), 'rubbish');
	await t.throwsAsync(loadSigningKeys(join(folder, 'none')), {
		instanceOf: SigningKeyError,
		message: /got nothing there/,
	});
	await t.throwsAsync(loadSigningKeys(folder), {instanceOf: SigningKeyError, message: /that this process may read/});
	await t.throwsAsync(loadOrCreateSigningKeys(join(folder, 'none', 'signing.key')), {
		instanceOf: SigningKeyError,
		message: /a folder that this process may write to/,
	});
});

test('old keys are kept with the time they were given up, and without their private half', async (t) => {
	const path = join(await temporaryFolder(t), 'old.key');
	t.deepEqual(await loadOldVerifyKeys(path), []);
	const {keyId, publicKey} = generateSigningKey({version: 'old_1'});
	await saveOldVerifyKeys(path, [{keyId, publicKey, expiredTs: 1_700_000_000_000}]);
	t.is(await readFile(path, 'utf8'), `ed25519 old_1 1700000000000 ${encodeBase64(publicKey)}\n`);
	const [loaded] = await loadOldVerifyKeys(path);
	t.deepEqual(
		{...loaded, publicKey: encodeBase64(loaded?.publicKey ?? new Uint8Array())},
		{
			keyId,
			publicKey: encodeBase64(publicKey),
			expiredTs: 1_700_000_000_000,
		},
	);
	t.throws(() => parseOldVerifyKeys(`ed25519 a_1 soon ${seed}`), {
		instanceOf: SigningKeyError,
		message: /a time in milliseconds/,
	});
	t.throws(() => parseOldVerifyKeys(`ed25519 a_1 ${seed}`), {instanceOf: SigningKeyError, message: /got 3 words/});
});
