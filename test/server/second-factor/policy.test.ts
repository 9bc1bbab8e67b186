import test from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {Proof} from '../../../server/web-sessions/index.ts';
import {ALICE, BOB, openWorld, type World} from './world.ts';

const owner = {userId: ALICE, isAdmin: false};
const admin = {userId: ALICE, isAdmin: true};
const of = (...proofs: Proof[]) => proofs.map((proof) => ({proof, atTs: 0}));

async function addGenerator({factors, clock}: World): Promise<void> {
	const {secret} = await factors.beginTotp(ALICE);
	const code = new TOTP({secret: Secret.fromBase32(secret)}).generate({timestamp: clock.now()});
	await factors.confirmTotp(ALICE, code, 'source');
}

test('who has no factor, and need not have one, signs in by a password', async (t) => {
	const {factors} = await openWorld(t);
	t.true(await factors.isPasswordEnough(owner));
	t.is((await factors.judge(owner, of('password'))).verdict, 'enough');
	t.is((await factors.judge(owner, of('upstream'))).verdict, 'enough');
	t.is((await factors.judge(owner, [])).verdict, 'first-proof-missing');
	t.is((await factors.judge(owner, of('totp', 'recovery-code'))).verdict, 'first-proof-missing');
});

test('who has a factor is asked for it', async (t) => {
	const world = await openWorld(t);
	await addGenerator(world);
	const {factors} = world;
	t.false(await factors.isPasswordEnough(owner));
	for (const kind of ['password', 'upstream'] as const) {
		t.is((await factors.judge(owner, of(kind))).verdict, 'factor-missing');
		t.is((await factors.judge(owner, of(kind, 'totp'))).verdict, 'enough');
		t.is((await factors.judge(owner, of(kind, 'recovery-code'))).verdict, 'enough');
	}
	t.is((await factors.judge(owner, of('passkey'))).verdict, 'enough');
	t.is((await factors.judge(owner, of('totp'))).verdict, 'first-proof-missing');
});

test('who must have a factor and has none sets one up first', async (t) => {
	const {factors, reopen} = await openWorld(t, {policy: 'administrators'});
	t.true(await factors.isPasswordEnough(owner));
	t.false(await factors.isPasswordEnough(admin));
	t.is((await factors.judge(admin, of('password'))).verdict, 'set-up-missing');
	const strict = reopen({policy: 'everybody'});
	t.false(await strict.isPasswordEnough(owner));
	t.is((await strict.judge(owner, of('password'))).verdict, 'set-up-missing');
	t.is((await strict.judge(owner, [])).verdict, 'first-proof-missing');
});

test('the proofs that are missing are those that somebody has, and those that renew are factors where there are any', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	t.deepEqual(await factors.listMissing(ALICE, []), ['password', 'upstream', 'passkey', 'source-link']);
	t.deepEqual(await factors.listMissing(ALICE, of('password')), []);
	t.deepEqual(await factors.listRenewing(ALICE), ['password', 'upstream', 'passkey', 'source-link']);
	await addGenerator(world);
	t.deepEqual(await factors.listMissing(ALICE, of('password')), ['totp']);
	await factors.renewRecoveryCodes(ALICE);
	t.deepEqual(await factors.listMissing(ALICE, of('password')), ['totp', 'recovery-code']);
	t.deepEqual(await factors.listRenewing(ALICE), ['totp', 'recovery-code']);
	t.deepEqual(await factors.listMissing(ALICE, of('password', 'totp')), []);
	const strict = world.reopen({policy: 'everybody'});
	t.deepEqual(await strict.listMissing(BOB, of('password')), ['totp', 'passkey']);
});
