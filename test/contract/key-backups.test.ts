import type {ExecutionContext} from 'ava';
import type {DeviceId, RoomId} from '../../crypto/index.ts';
import {
	type Batch,
	type Condition,
	ConflictError,
	DuplicateError,
	type RoomKeyRow,
	type Storage,
} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, phone, write} from './rows.ts';

const room = (name: string) => `!${name}` as RoomId;
const key = (roomName: string, sessionId: string, having: Partial<RoomKeyRow> = {}): RoomKeyRow => ({
	roomId: room(roomName),
	sessionId,
	isVerified: true,
	firstMessageIndex: 3,
	forwardedCount: 1,
	sessionData: '{"ciphertext":"x\\u0000"}',
	...having,
});

async function lost(t: ExecutionContext, promise: Promise<unknown>, condition: Condition): Promise<void> {
	t.is((await t.throwsAsync(promise, {instanceOf: ConflictError}))?.condition, condition);
}

const addVersion = (storage: Storage, version: number, userId = alice) =>
	write(storage, (batch) => storage.keyBackups.add(batch, {userId, version, algorithm: 'a', authData: {version}}));

const newest = async ({keyBackups}: Storage, userId = alice) => {
	const row = await keyBackups.findNewest(userId);
	if (row === undefined) throw new Error('expected a backup');
	return row;
};

onBoth('versions of a backup are found by number and by age, and deleted ones are not', async (t, database) => {
	const storage = await database.open();
	const {keyBackups} = storage;
	t.is(await keyBackups.findNewest(alice), undefined);
	t.is(await keyBackups.findLastVersion(alice), 0);
	for (const version of [1, 2]) await addVersion(storage, version);
	await addVersion(storage, 1, bob);
	t.is((await t.throwsAsync(addVersion(storage, 2), {instanceOf: DuplicateError}))?.table, 'key_backups');
	const {id, ...row} = await newest(storage);
	const expected = {userId: alice, version: 2, algorithm: 'a', authData: {version: 2}, etag: 0, count: 0};
	t.deepEqual(row, {...expected, isDeleted: false});
	t.is((await keyBackups.find(alice, 1))?.version, 1);
	await write(storage, (batch) => keyBackups.setAuthData(batch, id, {changed: true}));
	t.deepEqual((await newest(storage)).authData, {changed: true});
	await write(storage, (batch) => keyBackups.markDeleted(batch, id));
	await lost(
		t,
		write(storage, (batch) => keyBackups.markDeleted(batch, id)),
		'key_backup',
	);
	await lost(
		t,
		write(storage, (batch) => keyBackups.setAuthData(batch, id, {})),
		'key_backup',
	);
	t.is(await keyBackups.find(alice, 2), undefined);
	t.is((await newest(storage)).version, 1);
	t.is(await keyBackups.findLastVersion(alice), 2, 'its number is not given again');
	await addVersion(storage, 3);
	t.deepEqual(await keyBackups.sum(alice), {versions: 2, keys: 0});
	await write(storage, (batch) => keyBackups.markAllDeleted(batch, alice));
	t.is(await keyBackups.findNewest(alice), undefined);
	t.is((await newest(storage, bob)).version, 1);
});

onBoth('keys are listed by room and session, page by page, and removed in ranges', async (t, database) => {
	const storage = await database.open();
	const {keyBackups} = storage;
	await addVersion(storage, 1);
	await addVersion(storage, 2);
	const {id} = await newest(storage);
	const other = (await keyBackups.find(alice, 1))!.id;
	const keys = [key('b', 'y'), key('a', 'z'), key('a', 'B'), key('b', 'x'), key('c', 'a')];
	await write(storage, (batch) => {
		for (const one of keys) keyBackups.setKey(batch, id, one);
		keyBackups.setKey(batch, other, key('a', 'other'));
	});
	const names = (rows: readonly {roomId: string; sessionId: string}[]) =>
		rows.map(({roomId, sessionId}) => `${roomId} ${sessionId}`);
	t.deepEqual(names(await keyBackups.listKeys(id, {limit: 2})), ['!a B', '!a z']);
	const after = {roomId: room('a'), sessionId: 'z'};
	t.deepEqual(names(await keyBackups.listKeys(id, {after, limit: 9})), ['!b x', '!b y', '!c a']);
	t.deepEqual(names(await keyBackups.listKeyIds(id, {after, limit: 1})), ['!b x']);
	t.deepEqual(names(await keyBackups.listKeys(id, {roomId: room('b'), limit: 9})), ['!b x', '!b y']);
	const afterX = {roomId: room('b'), sessionId: 'x'};
	t.deepEqual(names(await keyBackups.listKeyIds(id, {roomId: room('b'), after: afterX, limit: 9})), ['!b y']);
	t.deepEqual(await keyBackups.findKey(id, room('a'), 'z'), key('a', 'z'));
	t.is(await keyBackups.findKey(id, room('a'), 'other'), undefined);
	await write(storage, (batch) =>
		keyBackups.setKey(batch, id, key('a', 'z', {firstMessageIndex: 0, sessionData: '{}'})),
	);
	t.deepEqual(await keyBackups.findRanks(id, room('a'), ['z', 'none', 'x']), [
		{sessionId: 'z', isVerified: true, firstMessageIndex: 0, forwardedCount: 1},
	]);
	await write(storage, (batch) => keyBackups.removeKeys(batch, id, after, afterX));
	t.deepEqual(names(await keyBackups.listKeys(id, {limit: 9})), ['!a B', '!b y', '!c a']);
	t.is((await keyBackups.listKeys(other, {limit: 9})).length, 1);
});

onBoth('a change of keys counts only on the state that it was made for', async (t, database) => {
	const storage = await database.open();
	const {keyBackups} = storage;
	await addVersion(storage, 1);
	const {id} = await newest(storage);
	const change = (etag: number, added: number, mustBeNewest = true) =>
		write(storage, (batch) => keyBackups.countChange(batch, id, {etag, added, mustBeNewest}));
	await change(0, 5);
	await lost(t, change(0, 1), 'key_backup');
	await change(1, -2);
	t.like(await newest(storage), {etag: 2, count: 3});
	t.deepEqual(await keyBackups.sum(alice), {versions: 1, keys: 3});
	await addVersion(storage, 1, bob);
	await addVersion(storage, 2);
	await lost(t, change(2, 1), 'key_backup');
	await change(2, -1, false);
	await write(storage, (batch) => keyBackups.markDeleted(batch, id));
	await lost(t, change(3, 0, false), 'key_backup');
	t.deepEqual(
		(await keyBackups.listDeleted()).map(({version, count}) => [version, count]),
		[[1, 2]],
	);
	t.is((await keyBackups.listDeleted(alice)).length, 1);
	t.is((await keyBackups.listDeleted(bob)).length, 0);
	await addVersion(storage, 3);
	t.is((await keyBackups.listDeleted()).length, 1, 'its keys are not forgotten');
	await write(storage, (batch) => keyBackups.setEmpty(batch, id));
	t.deepEqual(await keyBackups.listDeleted(), []);
});

onBoth('a person has one dehydrated device, which goes with the device', async (t, database) => {
	const storage = await database.open();
	const {dehydratedDevices, devices} = storage;
	t.is(await dehydratedDevices.find(alice), undefined);
	const device = {userId: alice, deviceId: phone, json: {algorithm: 'x'}};
	const add = (deviceId: string) => (batch: Batch) =>
		dehydratedDevices.add(batch, {...device, deviceId: deviceId as DeviceId});
	await write(storage, add('OLD'));
	const second = await t.throwsAsync(write(storage, add(phone)), {instanceOf: DuplicateError});
	t.is(second?.table, 'dehydrated_devices');
	await lost(
		t,
		write(storage, (batch) => dehydratedDevices.remove(batch, alice, phone)),
		'dehydrated_device',
	);
	await write(storage, (batch) => {
		dehydratedDevices.remove(batch, alice, 'OLD' as DeviceId);
		add(phone)(batch);
	});
	t.deepEqual(await dehydratedDevices.find(alice), device);
	await write(storage, (batch) => devices.remove(batch, alice, 'OTHER' as DeviceId));
	t.deepEqual(await dehydratedDevices.find(alice), device);
	await write(storage, (batch) => devices.remove(batch, alice, phone));
	t.is(await dehydratedDevices.find(alice), undefined);
});

onBoth('OpenID tokens go by age, by number and with their device', async (t, database) => {
	const storage = await database.open();
	const {openIdTokens, devices} = storage;
	const token = (tokenHash: string, expiresTs: number, deviceId = phone) => ({
		tokenHash,
		userId: alice,
		deviceId,
		expiresTs,
	});
	const add = (...row: Parameters<typeof token>) =>
		write(storage, (batch) => openIdTokens.add(batch, token(...row), 2));
	for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) await add(name, index);
	await add('x', 9, 'TABLET' as DeviceId);
	const found = async () => {
		const rows = await Promise.all(['a', 'b', 'c', 'd', 'x'].map((hash) => openIdTokens.find(hash)));
		return rows.map((row) => row?.tokenHash ?? '-').join('');
	};
	t.is(await found(), '-bcdx');
	t.deepEqual(await openIdTokens.find('d'), token('d', 3));
	await write(storage, (batch) => openIdTokens.sweep(batch, 3));
	t.is(await found(), '---dx');
	await write(storage, (batch) => devices.remove(batch, alice, phone));
	t.is(await found(), '----x');
});
