import Sqlite from 'better-sqlite3';
import type {ExecutionContext} from 'ava';
import {Client} from 'pg';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {Migration} from '../../storage/migrate.ts';
import type {Storage} from '../../storage/index.ts';
import {migrations as postgresMigrations} from '../../storage/postgres/migrations/index.ts';
import {migrations as sqliteMigrations} from '../../storage/sqlite/migrations/index.ts';
import {createSeededRandom} from '../harness/seeded-random.ts';
import {onBoth, onPostgres, onSqlite, type TestDatabase} from './databases.ts';
import {alice, bob, countSwept, phone, write} from './rows.ts';

/** Positions whose messages stay fresh. */
const FRESH = 1000;
const tablet = 'TABLET' as DeviceId;
const everything = {after: 0, upto: 100_000, limit: 1000};

interface Recipient {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
}

/** Sends messages, each at a position of its own, in one commit. */
const send = (storage: Storage, count: number, recipients: readonly Recipient[]): Promise<void> =>
	write(storage, (batch) => {
		for (let index = 0; index < count; index += 1) {
			const pos = batch.announce({kind: 'to_device', subject: alice});
			const messages = recipients.map((recipient) => ({...recipient, content: {index}}));
			storage.toDevice.add(batch, {pos, sender: bob, type: 'm', messages});
		}
	});

const file = (storage: Storage) => countSwept(storage, (batch) => storage.toDevice.file(batch));

async function listPositions(storage: Storage, {userId, deviceId}: Recipient, page = everything): Promise<number[]> {
	return (await storage.toDevice.list(userId, deviceId, page)).map(({pos}) => pos);
}

const range = (first: number, last: number) => Array.from({length: last - first + 1}, (_, index) => first + index);

onBoth('messages that wait long are filed, the oldest first, and are told as before', async (t, database) => {
	const storage = await database.open();
	const [one, other] = [
		{userId: alice, deviceId: phone},
		{userId: alice, deviceId: tablet},
	];
	await send(storage, FRESH, [one, other]);
	t.is(await file(storage), 0, 'none are too old');
	await send(storage, 15, [one, other]);
	t.is(await file(storage), 20, 'two at each of ten positions');
	t.deepEqual(await listPositions(storage, one), range(1, 1000));
	t.deepEqual([await file(storage), await file(storage)], [10, 0]);
	t.deepEqual(
		await listPositions(storage, one, {after: 8, upto: 18, limit: 9}),
		range(9, 17),
		'filed ones, then fresh',
	);
	t.deepEqual(await listPositions(storage, one, {after: 1010, upto: 1012, limit: 9}), [1011, 1012]);
	await write(storage, (batch) => storage.toDevice.remove(batch, alice, phone, {after: 3, upto: 1012}));
	t.deepEqual(await listPositions(storage, one), [1, 2, 3, 1013, 1014, 1015]);
	t.is((await listPositions(storage, other)).length, 1000);
});

onBoth('a device and a person leave no message behind, filed or fresh', async (t, database) => {
	const storage = await database.open();
	const left = [
		{userId: alice, deviceId: phone},
		{userId: alice, deviceId: tablet},
		{userId: bob, deviceId: phone},
	];
	await send(storage, FRESH + 2, left);
	await file(storage);
	const counts = () => Promise.all(left.map(async (recipient) => (await listPositions(storage, recipient)).length));
	await write(storage, (batch) => storage.devices.remove(batch, alice, phone));
	t.deepEqual(await counts(), [0, 1000, 1000]);
	await write(storage, (batch) => storage.erasures.removeTraces(batch, alice));
	t.deepEqual(await counts(), [0, 0, 1000]);
});

onBoth('whatever comes, is filed, told and removed in between, devices get theirs in order', async (t, database) => {
	const storage = await database.open();
	const random = createSeededRandom('mail boxes');
	const devices = range(1, 4).map((index) => ({userId: alice, deviceId: `D${index}` as DeviceId}));
	const waiting = new Map(devices.map((device) => [device, [] as number[]]));
	let head = 0;
	for (let round = 0; round < 40; round += 1) {
		const count = random.below(120);
		const recipients = devices.filter(() => random.chance(0.4));
		await send(storage, count, recipients);
		for (const recipient of recipients) waiting.get(recipient)!.push(...range(head + 1, head + count));
		head += count;
		if (random.chance(0.6)) await file(storage);
		const device = random.pick(devices);
		const after = random.below(head + 1);
		const upto = after + random.below(head + 1 - after);
		const inRange = waiting.get(device)!.filter((pos) => pos > after && pos <= upto);
		t.deepEqual(await listPositions(storage, device, {after, upto, limit: 50}), inRange.slice(0, 50));
		if (!random.chance(0.3)) continue;
		await write(storage, (batch) => storage.toDevice.remove(batch, alice, device.deviceId, {after, upto}));
		waiting.set(
			device,
			waiting.get(device)!.filter((pos) => pos <= after || pos > upto),
		);
	}
	t.true(head > 1.5 * FRESH);
});

/** The schema that had messages by device alone, and every key in an index of its own, with some of both. */
const schemaBefore = (migrations: readonly Migration[]) => `
	${migrations
		.filter(({version}) => version < 17)
		.map(({sql}) => sql)
		.join('')}
	insert into meta (name, value) values ('schema_version', '16');
	insert into to_device (id, user_id, device_id, pos, sender, type, content) values
		(7, '${alice}', '${phone}', 4, '${bob}', 'm', '{"index":4}'), (8, '${alice}', '${phone}', 5, '${bob}', 'm', '{"index":5}');
	insert into one_time_keys (id, user_id, device_id, algorithm, key_id, json) values
		(20, '${alice}', '${phone}', 'x', 'x:a', '"a"'), (21, '${alice}', '${phone}', 'x', 'x:b', '"b"'),
		(22, '${alice}', '${phone}', 'y', 'y:c', '"c"'), (23, '${alice}', '${phone}', 'x', 'x:d', '"d"');
	insert into claimed_one_time_keys (user_id, device_id, algorithm, last_id) values ('${alice}', '${phone}', 'x', 20);
`;

async function checkMoved(t: ExecutionContext, database: TestDatabase): Promise<void> {
	const storage = await database.open();
	const messages = await storage.toDevice.list(alice, phone, everything);
	t.deepEqual(
		messages.map(({pos, sender, content}) => [pos, sender, content]),
		[
			[4, bob, {index: 4}],
			[5, bob, {index: 5}],
		],
	);
	t.deepEqual(await storage.keys.countOneTimeKeys(alice, phone), {x: 2, y: 1});
	const batch = storage.batch();
	const claims = ['x', 'x', 'x'].map((algorithm) =>
		storage.keys.claimOneTimeKeys(batch, [{userId: alice, deviceId: phone, algorithm}]),
	);
	await storage.commit(batch);
	t.deepEqual(
		claims.map(({value}) => value[0]?.keyId),
		['x:b', 'x:d', undefined],
	);
	t.is((await storage.keys.findOneTimeKeys(alice, phone, ['x:a'])).length, 1, 'what was claimed lately is known');
}

onSqlite('messages and keys that were there before a new version still are', async (t, database) => {
	const db = new Sqlite(database.url.slice('sqlite:'.length));
	// As a new file of ours is made.
	db.pragma('application_id = 0x42534854');
	db.exec(schemaBefore(sqliteMigrations));
	db.close();
	await checkMoved(t, database);
});

onPostgres(
	'messages and keys that were there before a new version still are',
	async (t, database) => {
		const client = new Client({connectionString: database.url});
		await client.connect();
		await client.query(schemaBefore(postgresMigrations));
		await client.end();
		await checkMoved(t, database);
	},
	{isEmpty: true},
);
