import test from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {UserId} from '../../../crypto/index.ts';
import {ALICE, BOB, countPassed, openWorld, refuses, type World} from './world.ts';

const STEP_MS = 30_000;

/** What somebody's telephone shows. */
function generator(secret: string, clock: World['clock']): (steps?: number) => string {
	const totp = new TOTP({secret: Secret.fromBase32(secret)});
	return (steps = 0) => totp.generate({timestamp: clock.now() + steps * STEP_MS});
}

async function setUp({factors, clock}: World, userId: UserId = ALICE) {
	const {secret} = await factors.beginTotp(userId);
	const show = generator(secret, clock);
	await factors.confirmTotp(userId, show(), 'source');
	clock.nowMs += STEP_MS * 2;
	return show;
}

const attempt = (code: string, having: Partial<{userId: UserId; source: string; isKnown: boolean}> = {}) => ({
	userId: ALICE,
	code,
	source: 'source',
	isKnown: false,
	...having,
});

// RFC 6238, appendix B, for SHA-1: the last six of the eight digits that stand there.
for (const [seconds, code] of [
	[59, '287082'],
	[1_111_111_109, '081804'],
	[1_111_111_111, '050471'],
	[1_234_567_890, '005924'],
	[2_000_000_000, '279037'],
	[20_000_000_000, '353130'],
] as const) {
	test(`at second ${seconds} the code of RFC 6238 is right`, async (t) => {
		const random = (sizeBytes: number) => Buffer.from('12345678901234567890').subarray(0, sizeBytes);
		const {factors, clock} = await openWorld(t, {random});
		clock.nowMs = seconds * 1000;
		await factors.beginTotp(ALICE);
		await refuses(t, factors.confirmTotp(ALICE, '000000', 'source'), 'wrong-code');
		await t.notThrowsAsync(factors.confirmTotp(ALICE, code, 'source'));
	});
}

test('a secret has 160 bits, and its address names server and person', async (t) => {
	const {factors} = await openWorld(t);
	const {secret, uri} = await factors.beginTotp(ALICE);
	t.is(Secret.fromBase32(secret).bytes.length, 20);
	const {searchParams, pathname} = new URL(uri);
	t.is(decodeURIComponent(pathname), `/news.example:${ALICE}`);
	t.is(searchParams.get('secret'), secret);
	t.is(searchParams.get('issuer'), 'news.example');
});

test('a code of one step before or after is right, of two steps it is not', async (t) => {
	const world = await openWorld(t);
	const {factors, clock} = world;
	const show = await setUp(world);
	for (const steps of [-2, 2]) await refuses(t, factors.proveCode(attempt(show(steps))), 'wrong-code');
	t.is(await factors.proveCode(attempt(show(-1))), 'totp');
	clock.nowMs += STEP_MS * 3;
	t.is(await factors.proveCode(attempt(show(1))), 'totp');
});

test('a code is right once, also when 64 try it together, and an older one is not right after it', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	const show = await setUp(world);
	let source = 0;
	const passed = await countPassed(64, () =>
		factors.proveCode(attempt(show(), {source: `source ${(source += 1)}`, isKnown: true})),
	);
	t.is(passed, 1);
	for (const steps of [0, -1]) await refuses(t, factors.proveCode(attempt(show(steps), {source: 'new'})), 'wrong-code');
	t.is(await factors.proveCode(attempt(show(1))), 'totp');
});

test('the code by which a generator was confirmed is used up', async (t) => {
	const {factors, clock} = await openWorld(t);
	const {secret} = await factors.beginTotp(ALICE);
	const code = generator(secret, clock)();
	await factors.confirmTotp(ALICE, code, 'source');
	await refuses(t, factors.proveCode(attempt(code)), 'wrong-code');
});

test('a generator that is not confirmed is asked for nothing, and may be begun anew', async (t) => {
	const {factors, clock} = await openWorld(t);
	const first = await factors.beginTotp(ALICE);
	t.deepEqual(await factors.findTotpSetUp(ALICE), first);
	await refuses(t, factors.proveCode(attempt(generator(first.secret, clock)())), 'wrong-code');
	t.true(await factors.isPasswordEnough({userId: ALICE, isAdmin: false}));
	const second = await factors.beginTotp(ALICE);
	await refuses(t, factors.confirmTotp(ALICE, generator(first.secret, clock)(), 'source'), 'wrong-code');
	await factors.confirmTotp(ALICE, generator(second.secret, clock)(), 'source');
	t.is(await factors.findTotpSetUp(ALICE), undefined);
	await refuses(t, factors.beginTotp(ALICE), 'totp-exists');
	await refuses(t, factors.confirmTotp(ALICE, generator(second.secret, clock)(1), 'source'), 'no-set-up');
});

test("another person's code, and a secret that was moved into another's row, prove nothing", async (t) => {
	const world = await openWorld(t);
	const {factors, storage, problems} = world;
	const ofAlice = await setUp(world);
	const ofBob = await setUp(world, BOB);
	await refuses(t, factors.proveCode(attempt(ofBob())), 'wrong-code');
	t.is(await factors.proveCode(attempt(ofBob(), {userId: BOB})), 'totp');
	const row = await storage.factors.findTotpSecret(BOB);
	const batch = storage.batch();
	storage.factors.removeTotpSecret(batch, ALICE);
	storage.factors.setTotpSecret(batch, {userId: ALICE, sealedSecret: row?.sealedSecret ?? '', createdDay: 1});
	storage.factors.confirmTotpSecret(batch, ALICE, row?.sealedSecret ?? '', 0);
	await storage.commit(batch);
	for (const show of [ofAlice, ofBob]) {
		await refuses(t, factors.proveCode(attempt(show(1), {source: 'new'})), 'wrong-code');
	}
	t.is(problems.length, 2);
});

test('secrets open with the key of the server alone', async (t) => {
	const world = await openWorld(t);
	const show = await setUp(world);
	const other = world.reopen({secret: Buffer.alloc(32, 8)});
	await refuses(t, other.proveCode(attempt(show())), 'wrong-code');
	t.is(await world.factors.proveCode(attempt(show())), 'totp');
});

test('whoever guesses waits longer and longer, from everywhere together, and the owner gets in', async (t) => {
	const world = await openWorld(t);
	const {factors, clock} = world;
	const show = await setUp(world);
	const codes = await factors.renewRecoveryCodes(ALICE);
	const guess = (source: string) => factors.proveCode(attempt('000000', {source}));
	for (let count = 0; count < 5; count += 1) await refuses(t, guess(`elsewhere ${count}`), 'wrong-code');
	await refuses(t, guess('elsewhere 6'), 'wrong-code');
	const refused = await refuses(t, guess('elsewhere 7'), 'too-many-tries');
	t.true((refused.retryAfterMs ?? 0) >= 1000);
	// Signed in, or with a recovery code, nobody waits for strangers.
	t.is(await factors.proveCode(attempt(codes[0] ?? '', {source: 'home'})), 'recovery-code');
	t.is(await factors.proveCode(attempt(show(), {source: 'session', isKnown: true})), 'totp');
	clock.nowMs += STEP_MS;
	t.is(await factors.proveCode(attempt(show(1), {source: 'home'})), 'totp');
});

test('from one source the waits double up to a quarter of an hour, for names that nobody has too', async (t) => {
	const world = await openWorld(t);
	const {factors, clock} = world;
	const show = await setUp(world);
	const NOBODY = '@nobody:news.example' as UserId;
	for (const userId of [NOBODY, ALICE]) {
		const guess = (source = 'session') => factors.proveCode(attempt('000000', {userId, source, isKnown: true}));
		for (let count = 0; count < 5; count += 1) await refuses(t, guess(), 'wrong-code');
		for (const waitMs of [1000, 2000, 4000, 8000]) {
			t.is((await refuses(t, guess(), 'too-many-tries')).retryAfterMs, waitMs);
			clock.nowMs += waitMs;
			await refuses(t, guess(), 'wrong-code');
		}
		await refuses(t, guess('elsewhere'), 'wrong-code');
		for (let count = 0; count < 12; count += 1) {
			clock.nowMs += 15 * 60 * 1000;
			await refuses(t, guess(), 'wrong-code');
		}
	}
	clock.nowMs += 15 * 60 * 1000;
	await factors.proveCode(attempt(show(), {source: 'session', isKnown: true}));
	for (let count = 0; count < 5; count += 1) {
		await refuses(t, factors.proveCode(attempt('000000', {source: 'session', isKnown: true})), 'wrong-code');
	}
});

test('of 64 wrong codes at once from one source five are looked at', async (t) => {
	const world = await openWorld(t);
	await setUp(world);
	const outcomes = await Promise.allSettled(
		Array.from({length: 64}, () => world.factors.proveCode(attempt('000000', {isKnown: true}))),
	);
	const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason.code) : 'passed'));
	t.is(codes.filter((code) => code === 'wrong-code').length, 5);
	t.is(codes.filter((code) => code === 'too-many-tries').length, 59);
});

test('ten recovery codes are given once, and each is good once, however it is written', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	await setUp(world);
	const codes = await factors.renewRecoveryCodes(ALICE);
	t.is(new Set(codes).size, 10);
	const [first = '', second = '', third = ''] = codes;
	t.regex(first, /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/u);
	t.is(await factors.proveCode(attempt(first)), 'recovery-code');
	await refuses(t, factors.proveCode(attempt(first)), 'wrong-code');
	const sloppy = ` ${second.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
	t.is(await factors.proveCode(attempt(sloppy)), 'recovery-code');
	let source = 0;
	t.is(await countPassed(64, () => factors.proveCode(attempt(third, {source: `source ${(source += 1)}`}))), 1);
	t.is((await factors.find({userId: ALICE, isAdmin: false})).recoveryCodes, 7);
	await refuses(t, factors.proveCode(attempt(codes[3] ?? '', {userId: BOB})), 'wrong-code');
	await factors.renewRecoveryCodes(ALICE);
	await refuses(t, factors.proveCode(attempt(codes[3] ?? '')), 'wrong-code');
});

test('with the last factor the recovery codes go', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	await setUp(world);
	await factors.renewRecoveryCodes(ALICE);
	await factors.removeTotp(ALICE);
	t.like(await factors.find({userId: ALICE, isAdmin: false}), {hasAny: false, recoveryCodes: 0});
});

test('people are told of each change of their factors, and of a recovery code that was used', async (t) => {
	const world = await openWorld(t);
	await setUp(world);
	const [code = ''] = await world.factors.renewRecoveryCodes(ALICE);
	await world.factors.proveCode(attempt(code));
	await world.factors.removeTotp(ALICE);
	const changes = ['totp-added', 'recovery-codes-renewed', 'recovery-code-used', 'totp-removed'];
	t.deepEqual(
		world.told,
		changes.map((change) => `${ALICE} ${change}`),
	);
});

test('who has lost everything is freed of it, and told', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	await setUp(world);
	await factors.renewRecoveryCodes(ALICE);
	let isWritten = false;
	await factors.removeAll(ALICE, () => (isWritten = true));
	t.true(isWritten);
	t.like(await factors.find({userId: ALICE, isAdmin: false}), {hasAny: false, recoveryCodes: 0});
	t.is(world.told.at(-1), `${ALICE} totp-removed`);
	await t.notThrowsAsync(factors.removeAll(ALICE, () => undefined));
});

test('neither secrets nor codes stand in the database', async (t) => {
	const {factors, storage, clock} = await openWorld(t);
	const {secret} = await factors.beginTotp(ALICE);
	await factors.confirmTotp(ALICE, generator(secret, clock)(), 'source');
	const {sealedSecret = ''} = (await storage.factors.findTotpSecret(ALICE)) ?? {};
	const bytes = Buffer.from(Secret.fromBase32(secret).bytes);
	t.false(Buffer.from(sealedSecret, 'base64url').includes(bytes));
	t.false(sealedSecret.includes(secret));
});
