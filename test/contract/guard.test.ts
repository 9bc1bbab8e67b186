import type {ExecutionContext} from 'ava';
import type {RoomId} from '../../crypto/index.ts';
import {type Condition, ConflictError, type MailBucket, type MailValidationRow} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {account, alice, bob, phone, write} from './rows.ts';

async function lost(t: ExecutionContext, promise: Promise<unknown>, condition: Condition): Promise<void> {
	t.is((await t.throwsAsync(promise, {instanceOf: ConflictError}))?.condition, condition);
}

const validation = (sid: string, having: Partial<MailValidationRow> = {}): MailValidationRow => ({
	sid,
	purpose: 'recovery',
	userId: alice,
	address: 'Alice@mail.example',
	askerHash: 'asker',
	tokenHash: `token ${sid}`,
	language: 'en',
	sendAttempt: 1,
	failures: 0,
	isConfirmed: false,
	expiresTs: 100,
	mails: 1,
	...having,
});

onBoth('an account has one address, and several accounts may have the same', async (t, database) => {
	const storage = await database.open();
	const {mailAddresses} = storage;
	const row = {
		userId: alice,
		address: 'Desk@mail.example',
		canonical: 'desk@mail.example',
		language: 'fa',
		addedDay: 3,
	};
	await write(storage, (batch) => {
		mailAddresses.set(batch, {...row, address: 'old@mail.example', canonical: 'old@mail.example'});
		mailAddresses.set(batch, {...row, userId: bob});
	});
	await write(storage, (batch) => mailAddresses.set(batch, row));
	t.deepEqual(await mailAddresses.find(alice), row);
	t.deepEqual(await mailAddresses.listOfAddress('old@mail.example', 5), []);
	t.deepEqual(await mailAddresses.listOfAddress('desk@mail.example', 5), [row, {...row, userId: bob}]);
	t.is((await mailAddresses.listOfAddress('desk@mail.example', 1)).length, 1);
	await write(storage, (batch) => mailAddresses.remove(batch, alice));
	t.is(await mailAddresses.find(alice), undefined);
});

onBoth('a link works once, until it ends', async (t, database) => {
	const storage = await database.open();
	const {mailValidations} = storage;
	await write(storage, (batch) => mailValidations.set(batch, validation('a')));
	t.deepEqual(await mailValidations.find('a'), validation('a'));
	t.deepEqual(await mailValidations.findByToken('token a'), validation('a'));
	const late = write(storage, (batch) => mailValidations.redeemToken(batch, 'token a', 100));
	await lost(t, late, 'mail_validation');
	await write(storage, (batch) => mailValidations.redeemToken(batch, 'token a', 99));
	const again = write(storage, (batch) => mailValidations.redeemToken(batch, 'token a', 99));
	await lost(t, again, 'mail_validation');
	t.is(await mailValidations.find('a'), undefined);
});

onBoth('what a link confirmed is good once, and the link no more', async (t, database) => {
	const storage = await database.open();
	const {mailValidations} = storage;
	await write(storage, (batch) => mailValidations.set(batch, validation('a', {purpose: 'password', userId: null})));
	const early = write(storage, (batch) => mailValidations.redeemConfirmed(batch, 'a', 1));
	await lost(t, early, 'mail_validation');
	await write(storage, (batch) => mailValidations.confirm(batch, 'token a', 1));
	const again = write(storage, (batch) => mailValidations.confirm(batch, 'token a', 1));
	await lost(t, again, 'mail_validation');
	t.is(await mailValidations.findByToken('token a'), undefined);
	const late = write(storage, (batch) => mailValidations.redeemConfirmed(batch, 'a', 100));
	await lost(t, late, 'mail_validation');
	await write(storage, (batch) => mailValidations.redeemConfirmed(batch, 'a', 99));
	t.is(await mailValidations.find('a'), undefined);
});

onBoth(
	'mails are counted by address and by whose asking counts together, as long as their links are good',
	async (t, database) => {
		const storage = await database.open();
		const {mailValidations} = storage;
		await write(storage, (batch) => {
			mailValidations.set(batch, validation('a', {purpose: 'address', userId: alice}));
			mailValidations.set(batch, validation('b', {purpose: 'address', userId: bob, mails: 2}));
			mailValidations.set(batch, validation('c', {purpose: 'address', userId: null}));
			mailValidations.set(batch, validation('d', {purpose: 'password', userId: alice, mails: 2}));
			mailValidations.set(batch, validation('e', {purpose: 'recovery', userId: alice, expiresTs: 200}));
			mailValidations.set(batch, validation('f', {purpose: 'recovery', userId: bob, address: 'b@mail.example'}));
		});
		const count = (bucket: MailBucket, beyondTs = 99) =>
			mailValidations.countMails('alice@MAIL.example', {bucket, beyondTs});
		t.deepEqual([await count('people'), await count('anybody'), await count(alice), await count(bob)], [3, 1, 3, 0]);
		t.deepEqual([await count('people', 100), await count(alice, 100), await count(alice, 200)], [0, 1, 0]);
	},
);

onBoth('wrong answers to a link are counted up to a bound, and old links are swept', async (t, database) => {
	const storage = await database.open();
	const {mailValidations} = storage;
	await write(storage, (batch) => {
		mailValidations.set(batch, validation('a'));
		mailValidations.set(batch, validation('b', {expiresTs: 200, userId: bob}));
	});
	await write(storage, (batch) => mailValidations.addFailure(batch, 'a', 2));
	await write(storage, (batch) => mailValidations.addFailure(batch, 'a', 2));
	const third = write(storage, (batch) => mailValidations.addFailure(batch, 'a', 2));
	await lost(t, third, 'mail_validation');
	t.is((await mailValidations.find('a'))?.failures, 2);
	const batch = storage.batch();
	const swept = mailValidations.sweep(batch, 150);
	await storage.commit(batch);
	t.is(swept.value, 1);
	await write(storage, (removing) => mailValidations.removeOfUser(removing, bob));
	t.is(await mailValidations.find('b'), undefined);
});

onBoth('a session knows whether its device waits, which goes with the device', async (t, database) => {
	const storage = await database.open();
	const {devices, quarantinedDevices} = storage;
	const device = {userId: alice, deviceId: phone};
	const row = {...device, sinceTs: 5, codeHash: null};
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		devices.add(batch, {...device, displayName: null, lastSeenDay: null});
		devices.addAccessToken(batch, {...device, tokenHash: 'hash', expiresTs: null, refreshHash: null});
	});
	t.false((await devices.findSession('hash'))?.isQuarantined);
	await write(storage, (batch) => quarantinedDevices.set(batch, row));
	t.true((await devices.findSession('hash'))?.isQuarantined);
	await write(storage, (batch) => quarantinedDevices.setCode(batch, {...device, codeHash: 'code'}));
	t.deepEqual(await quarantinedDevices.findByCode('code'), {...row, codeHash: 'code'});
	t.deepEqual(await quarantinedDevices.listOfUser(alice), [{...row, codeHash: 'code'}]);
	await write(storage, (batch) => quarantinedDevices.remove(batch, row));
	t.false((await devices.findSession('hash'))?.isQuarantined);
	const again = write(storage, (batch) => quarantinedDevices.remove(batch, row));
	await lost(t, again, 'quarantined_device');
	await write(storage, (batch) => quarantinedDevices.set(batch, {...row, codeHash: 'code'}));
	const earlier = write(storage, (batch) => quarantinedDevices.remove(batch, {...row, sinceTs: 4}));
	await lost(t, earlier, 'quarantined_device');
	await write(storage, (batch) => quarantinedDevices.redeemCode(batch, 'code'));
	t.is(await quarantinedDevices.find(alice, phone), undefined);
	await write(storage, (batch) => quarantinedDevices.set(batch, row));
	const other = write(storage, (batch) => quarantinedDevices.redeemCode(batch, 'code'));
	await lost(t, other, 'quarantined_device');
	await write(storage, (batch) => devices.remove(batch, alice, phone));
	t.is(await quarantinedDevices.find(alice, phone), undefined);
});

onBoth('all of it goes with the person', async (t, database) => {
	const storage = await database.open();
	const room = '!notices:news.example' as RoomId;
	await write(storage, (batch) => {
		storage.mailAddresses.set(batch, {userId: alice, address: 'a@b', canonical: 'a@b', language: 'en', addedDay: 1});
		storage.mailValidations.set(batch, validation('a'));
		storage.quarantinedDevices.set(batch, {userId: alice, deviceId: phone, sinceTs: 1, codeHash: null});
		storage.noticeRooms.set(batch, alice, room);
	});
	t.is(await storage.noticeRooms.find(alice), room);
	t.is(await storage.noticeRooms.findUser(room), alice);
	await write(storage, (batch) => storage.erasures.removeTraces(batch, alice));
	t.is(await storage.mailAddresses.find(alice), undefined);
	t.is(await storage.mailValidations.find('a'), undefined);
	t.deepEqual(await storage.quarantinedDevices.listOfUser(alice), []);
	t.is(await storage.noticeRooms.find(alice), undefined);
});
