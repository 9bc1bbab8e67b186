import type {ExecutionContext} from 'ava';
import {type Condition, ConflictError, DuplicateError, type PasskeyRow, type Storage} from '../../storage/index.ts';
import {onBoth, type TestDatabase} from './databases.ts';
import {account, alice, bob, passkey, write} from './rows.ts';

async function lost(t: ExecutionContext, promise: Promise<unknown>, condition: Condition): Promise<void> {
	t.is((await t.throwsAsync(promise, {instanceOf: ConflictError}))?.condition, condition);
}

/** How many of a number of writes that are tried at the same time come through. */
async function countWon(times: number, attempt: () => Promise<void>): Promise<number> {
	const outcomes = await Promise.allSettled(Array.from({length: times}, attempt));
	return outcomes.filter(({status}) => status === 'fulfilled').length;
}

async function confirm(storage: Storage): Promise<void> {
	await write(storage, (batch) =>
		storage.factors.setTotpSecret(batch, {userId: alice, sealedSecret: 'a', createdDay: 7}),
	);
	await write(storage, (batch) => storage.factors.confirmTotpSecret(batch, alice, 'a', 10));
}

onBoth('a secret counts when it is confirmed, and is then replaced by no other', async (t, database) => {
	const storage = await database.open();
	const {factors} = storage;
	const set = (sealedSecret: string) =>
		write(storage, (batch) => factors.setTotpSecret(batch, {userId: alice, sealedSecret, createdDay: 7}));
	await set('first');
	await set('second');
	t.false((await factors.count(alice)).hasTotp);
	await lost(
		t,
		write(storage, (batch) => factors.confirmTotpSecret(batch, alice, 'first', 1)),
		'totp_secret',
	);
	await write(storage, (batch) => factors.confirmTotpSecret(batch, alice, 'second', 1));
	t.true((await factors.count(alice)).hasTotp);
	await lost(t, set('third'), 'totp_secret');
	await lost(
		t,
		write(storage, (batch) => factors.confirmTotpSecret(batch, alice, 'second', 2)),
		'totp_secret',
	);
	t.like(await factors.findTotpSecret(alice), {sealedSecret: 'second', isConfirmed: true, lastStep: 1});
	await write(storage, (batch) => factors.removeTotpSecret(batch, alice));
	t.is(await factors.findTotpSecret(alice), undefined);
});

onBoth('a time step is used by one of 64 that try it together, and none before it after that', async (t, database) => {
	const storage = await database.open();
	await confirm(storage);
	const use = (step: number, sealedSecret = 'a') =>
		write(storage, (batch) => storage.factors.useTotpStep(batch, alice, sealedSecret, step));
	t.is(await countWon(64, () => use(12)), 1);
	for (const step of [10, 11, 12]) await lost(t, use(step), 'totp_step');
	await lost(t, use(13, 'another'), 'totp_step');
	await use(13);
});

onBoth('tries at codes wait twice as long each time, until one is right', async (t, database) => {
	const storage = await database.open();
	await confirm(storage);
	const pacing = {freeTries: 3, firstWaitMs: 1000, waitMsMax: 3000};
	const attempt = (nowMs: number) =>
		write(storage, (batch) => storage.factors.takeTotpTry(batch, alice, {...pacing, nowMs}));
	for (let count = 0; count < 3; count += 1) await attempt(0);
	// The fourth is the first that is followed by a wait.
	await attempt(0);
	for (const waitMs of [1000, 2000, 3000, 3000]) {
		const row = await storage.factors.findTotpSecret(alice);
		const dueTs = row?.nextTryTs ?? Number.NaN;
		await lost(t, attempt(dueTs - 1), 'totp_try');
		await attempt(dueTs);
		t.true((await storage.factors.findTotpSecret(alice))?.nextTryTs === dueTs + Math.min(waitMs * 2, 3000));
	}
	await write(storage, (batch) => storage.factors.useTotpStep(batch, alice, 'a', 20));
	t.like(await storage.factors.findTotpSecret(alice), {failures: 0, waitMs: 0, nextTryTs: 0});
});

onBoth('a recovery code is used by one of 64 that try it together', async (t, database) => {
	const storage = await database.open();
	const {factors} = storage;
	await write(storage, (batch) => factors.setRecoveryCodes(batch, alice, ['one', 'two']));
	await write(storage, (batch) => factors.setRecoveryCodes(batch, bob, ['one']));
	t.is(await countWon(64, () => write(storage, (batch) => factors.useRecoveryCode(batch, alice, 'one'))), 1);
	t.is((await factors.count(alice)).recoveryCodes, 1);
	t.is((await factors.count(bob)).recoveryCodes, 1);
	await write(storage, (batch) => factors.setRecoveryCodes(batch, alice, ['three']));
	await lost(
		t,
		write(storage, (batch) => factors.useRecoveryCode(batch, alice, 'two')),
		'recovery_code',
	);
});

/** Opens the database with alice and bob in it. */
async function openWithPeople(database: TestDatabase): Promise<Storage> {
	const storage = await database.open();
	await write(storage, (batch) => {
		for (const userId of [alice, bob]) storage.accounts.add(batch, account(userId));
	});
	return storage;
}

onBoth('a passkey belongs to one person, who names and removes it', async (t, database) => {
	const storage = await openWithPeople(database);
	const {factors} = storage;
	await write(storage, (batch) => factors.addPasskey(batch, passkey('key'), 20));
	const taken = write(storage, (batch) => factors.addPasskey(batch, passkey('key', {userId: bob}), 20));
	await t.throwsAsync(taken, {instanceOf: DuplicateError});
	const {publicKey, ...rest} = (await factors.findPasskey('key'))!;
	t.deepEqual({...rest, publicKey: Buffer.from(publicKey)}, passkey('key'));
	const rename = (userId: typeof alice) =>
		write(storage, (batch) => factors.renamePasskey(batch, userId, 'key', 'Tablet'));
	await lost(t, rename(bob), 'passkey');
	await rename(alice);
	t.is((await factors.listPasskeys(alice))[0]?.name, 'Tablet');
	const remove = (userId: typeof alice) => write(storage, (batch) => factors.removePasskey(batch, userId, 'key'));
	await lost(t, remove(bob), 'passkey');
	await remove(alice);
	t.is((await factors.count(alice)).passkeys, 0);
});

onBoth('of many passkeys that two processes add together as many come through as there may be', async (t, database) => {
	const storages = [await openWithPeople(database), await database.open()];
	const add = (storage: Storage, id: string, having: Partial<PasskeyRow> = {}) =>
		write(storage, (batch) => storage.factors.addPasskey(batch, passkey(id, having), 3));
	const tries = Array.from({length: 32}, (_, index) => add(storages[index % 2]!, `key ${index}`));
	const outcomes = await Promise.allSettled(tries);
	for (const outcome of outcomes) {
		if (outcome.status === 'fulfilled') continue;
		t.is((outcome.reason as ConflictError).condition, 'passkey_count');
	}
	t.is(outcomes.filter(({status}) => status === 'fulfilled').length, 3);
	for (const storage of storages) t.is((await storage.factors.listPasskeys(alice)).length, 3);
	await add(storages[0]!, "bob's", {userId: bob});
	await lost(t, add(storages[0]!, "nobody's", {userId: '@nobody:a.example' as typeof alice}), 'account');
});

onBoth('the counter of a passkey moves on from where it stood', async (t, database) => {
	const storage = await openWithPeople(database);
	await write(storage, (batch) => storage.factors.addPasskey(batch, passkey('key'), 20));
	const use = () =>
		write(storage, (batch) =>
			storage.factors.usePasskey(batch, {credentialId: 'key', signCountBefore: 3, signCount: 4, lastUsedDay: 9}),
		);
	await use();
	await lost(t, use(), 'passkey');
	t.like(await storage.factors.findPasskey('key'), {signCount: 4, lastUsedDay: 9});
});

onBoth('a challenge is used once, and the one before is good no more', async (t, database) => {
	const storage = await database.open();
	const {factors} = storage;
	const set = (challenge: string) =>
		write(storage, (batch) =>
			factors.setPasskeyChallenge(batch, {session: 's', purpose: 'authenticate', challenge, expiresTs: 100}),
		);
	await set('first');
	await set('second');
	t.is(await factors.findPasskeyChallenge('s', 'register'), undefined);
	t.is((await factors.findPasskeyChallenge('s', 'authenticate'))?.challenge, 'second');
	const use = (challenge: string) =>
		write(storage, (batch) => factors.usePasskeyChallenge(batch, {session: 's', purpose: 'authenticate', challenge}));
	await lost(t, use('first'), 'passkey_challenge');
	t.is(await countWon(8, () => use('second')), 1);
	await set('third');
	await write(storage, (batch) => factors.sweepPasskeyChallenges(batch, 101));
	t.is(await factors.findPasskeyChallenge('s', 'authenticate'), undefined);
});
