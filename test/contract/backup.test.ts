import {mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import Database from 'better-sqlite3';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {
	copyDatabase,
	DatabaseCopy,
	inspectDatabase,
	lookAtDatabase,
	openStorage,
	setDatabaseAside,
	type Storage,
} from '../../storage/index.ts';
import {readPostgres, readSqlite, type StoreReader} from '../harness/store-check/reader.ts';
import {getPostgres, onBoth, onPostgres, onSqlite, serverName, type TestDatabase} from './databases.ts';
import {account, addLive, alice, bob, eventId, phone, room, write} from './rows.ts';

const DAY_MS = 86_400_000;
const stranger = '@carol:b.example' as UserId;

function makeDirectory(t: ExecutionContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-copy-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	return directory;
}

const openReader = (url: string): Promise<StoreReader> | StoreReader =>
	url.startsWith('sqlite:') ? readSqlite(url.slice('sqlite:'.length)) : readPostgres(url);

/** Everything that a database holds, but for the words of the index, which each database writes in its own way. */
async function readAll(url: string, tables: readonly string[]): Promise<Record<string, unknown>> {
	await using reader = await openReader(url);
	const found: Record<string, unknown> = {};
	for (const table of tables) {
		const rows = await reader.read(`select * from ${table}`);
		found[table] = rows
			.map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1))))
			.toSorted();
	}
	return found;
}

const TABLES = ['accounts', 'events', 'strings', 'stream', 'stream_head', 'sequence', 'meta', 'trie_nodes', 'cursors'];

async function fill(storage: Storage): Promise<void> {
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		storage.accounts.add(batch, {...account(bob), passwordHash: 'a\0b\u0001c "ü" \u{1F600} \\ {1,2}'});
		addLive(storage, batch, {eventId: eventId('one'), json: '{"body":"NUL \\u0000"}'});
		storage.cursors.add(batch, 'federation:b.example', 1);
		storage.search.add(batch, {nid: 1, place: {anchor: 1, minor: 0}, words: ['say', "don't", '\\', 'say', '新']});
	});
	await storage.ids.reserve(100);
	const state = storage.state.open(room, 0);
	const changes = [{type: 'm.room.create', stateKey: '', eventNid: 1}] as const;
	await state.load(changes);
	await write(storage, (batch) => storage.state.save(batch, state.with(changes)));
}

async function findWords(storage: Storage): Promise<number[][]> {
	const find = async (...words: string[]) =>
		(await storage.search.list({all: [[words]], none: []}, {limit: 9})).map(({nid}) => nid);
	return [await find('say', "don't"), await find('\\', 'say', '新'), await find('新', 'say')];
}

onBoth('a copy holds every row as it was, whichever database it is restored to', async (t, database) => {
	const directory = makeDirectory(t);
	const storage = await database.open();
	await fill(storage);
	const before = await readAll(database.url, TABLES);
	const file = join(directory, 'copy');
	await copyDatabase(database.url, file);
	t.is(statSync(file).mode & 0o777, 0o600);
	// What comes after the copy is not in it.
	await write(storage, (batch) => storage.accounts.add(batch, account(stranger)));
	t.deepEqual(await readAll(`sqlite:${file}`, TABLES), before);
	const targets = [`sqlite:${join(directory, 'new.db')}`];
	if (database.dialect === 'postgres')
		targets.push(await (await getPostgres()).createDatabase(`restored_${process.pid}`));
	for (const [index, url] of targets.entries()) {
		const again = join(directory, `copy-${index}`);
		await copyDatabase(database.url, again);
		using copy = await DatabaseCopy.open(again);
		t.deepEqual(copy.label.serverName, serverName);
		await copy.place(url);
		const restored = await openStorage({url, serverName});
		t.deepEqual(await findWords(restored), [[1], [1], []]);
		t.is((await restored.accounts.find(bob))?.passwordHash, 'a\0b\u0001c "ü" \u{1F600} \\ {1,2}');
		await restored.close();
	}
});

onPostgres('a copy of SQLite is restored to PostgreSQL', async (t, database) => {
	const directory = makeDirectory(t);
	const url = `sqlite:${join(directory, 'small.db')}`;
	const small = await openStorage({url, serverName});
	await fill(small);
	await small.close();
	const before = await readAll(url, TABLES);
	await copyDatabase(url, join(directory, 'copy'));
	using copy = await DatabaseCopy.open(join(directory, 'copy'));
	await copy.place(database.url);
	t.deepEqual(await readAll(database.url, TABLES), before);
	const storage = await database.open();
	t.deepEqual(await findWords(storage), [[1], [1], []]);
});

async function reviveInto(t: ExecutionContext, database: TestDatabase, daysOld: number): Promise<Storage> {
	const directory = makeDirectory(t);
	const file = join(directory, 'copy');
	await copyDatabase(database.url, file);
	using copy = await DatabaseCopy.open(file);
	await copy.revive({madeTs: 0, nowTs: daysOld * DAY_MS});
	const url = `sqlite:${join(directory, 'revived.db')}`;
	await copy.place(url);
	const storage = await openStorage({url, serverName});
	t.teardown(() => storage.close());
	return storage;
}

onBoth('ids and positions of a revived copy lie beyond all that was given out since', async (t, database) => {
	const storage = await database.open();
	await fill(storage);
	const [head, id] = [storage.stream.head(), storage.ids.next()];
	const revived = await reviveInto(t, database, 2.5);
	t.true(revived.stream.head() >= head + 3_000_000);
	t.true(revived.ids.next() >= id + 3_000_000 - 2_000);
	t.true((await reviveInto(t, database, 0)).stream.head() < head + 2_000_000);
	t.true((await reviveInto(t, database, -1)).stream.head() >= head + 1_000_000);
});

onBoth('a revived copy gives out no one-time key, and announces all device lists', async (t, database) => {
	const storage = await database.open();
	const laptop = 'LAPTOP' as DeviceId;
	await write(storage, (batch) => {
		storage.devices.add(batch, {userId: alice, deviceId: phone, displayName: null, lastSeenDay: null});
		storage.keys.setDeviceKeys(batch, {userId: alice, deviceId: phone, json: {}, displayName: null});
		storage.keys.setDeviceKeys(batch, {userId: stranger, deviceId: laptop, json: {}, displayName: null});
		storage.keys.setRemoteDeviceList(batch, {userId: stranger, streamId: 1, isStale: false, fetchedPos: 1});
		const pos = batch.announce({kind: 'device_keys', subject: alice});
		const keys = [{keyId: 'signed_curve25519:a', json: 'k'}];
		storage.keys.addOneTimeKeys(batch, {userId: alice, deviceId: phone}, keys, pos);
		storage.keys.setFallbackKey(batch, alice, phone, {keyId: 'signed_curve25519:f', json: 'f'});
	});
	const head = storage.stream.head();
	const revived = await reviveInto(t, database, 1);
	t.deepEqual(await revived.keys.countOneTimeKeys(alice, phone), {});
	t.deepEqual(await revived.keys.listUnusedFallbackKeys(alice, phone), []);
	const batch = revived.batch();
	const claimed = revived.keys.claim(batch, [{userId: alice, deviceId: phone, algorithm: 'signed_curve25519'}]);
	await revived.commit(batch);
	t.like(claimed.value, [{keyId: 'signed_curve25519:f', isFallback: true}]);
	t.true((await revived.keys.findRemoteDeviceLists([stranger])).get(stranger)?.isStale);
	const changes = await revived.stream.list({after: head, upto: revived.stream.head(), limit: 10});
	t.deepEqual(
		changes.map(({kind, subject}) => [kind, subject]),
		[
			['device_list', alice],
			['device_list', stranger],
			['device_keys', alice],
		],
	);
	t.deepEqual((await inspectDatabase(database.url)).faults, []);
});

onBoth(
	'who was failing when a copy was made is tried at once, with the body that was under way',
	async (t, database) => {
		const storage = await database.open();
		const inFlight = {txnId: '1-a', to: 1, body: '{"pdus":[]}'};
		await write(storage, (batch) => {
			storage.cursors.add(batch, 'federation:b.example', 0);
			storage.cursors.freeze(batch, 'federation:b.example', 0, inFlight);
			storage.cursors.setFailure(batch, 'federation:b.example', {sinceTs: 5, attempts: 9, retryTs: 9 * DAY_MS});
			storage.cursors.add(batch, 'federation:c.example', 0);
		});
		const revived = await reviveInto(t, database, 1);
		t.deepEqual(await revived.cursors.find('federation:b.example'), {
			name: 'federation:b.example',
			acked: 0,
			inFlight,
			failure: {sinceTs: DAY_MS, attempts: 1, retryTs: DAY_MS},
		});
		t.is((await revived.cursors.find('federation:c.example'))?.failure, null);
	},
);

onBoth('a database is seen to be absent, present, or in use', async (t, database) => {
	const storage = await database.open();
	t.is(await lookAtDatabase(database.url), 'in_use');
	await database.close(storage);
	t.is(await lookAtDatabase(database.url), 'present');
});

onSqlite('a database that is set aside makes room for another', async (t, database) => {
	t.is(await lookAtDatabase(database.url), 'absent');
	await database.close(await database.open());
	const path = database.url.slice('sqlite:'.length);
	const copy = `${path}.copy`;
	await copyDatabase(database.url, copy);
	using opened = await DatabaseCopy.open(copy);
	await t.throwsAsync(opened.place(database.url), {code: 'bad_address'} as never);
	setDatabaseAside(path, `${path}.old`);
	t.is(await lookAtDatabase(database.url), 'absent');
	t.is(await lookAtDatabase(`sqlite:${path}.old`), 'present');
});

onSqlite('a copy that is damaged, of another program, or of a newer one is refused', async (t, database) => {
	await database.close(await database.open());
	const directory = makeDirectory(t);
	const spoil = async (name: string, spoiling: (db: Database.Database) => void): Promise<string> => {
		const file = join(directory, name);
		await copyDatabase(database.url, file);
		const db = new Database(file);
		spoiling(db);
		db.close();
		return file;
	};
	const newer = await spoil('newer', (db) => db.exec("update meta set value = '1000' where name = 'schema_version'"));
	await t.throwsAsync(DatabaseCopy.open(newer), {message: /schema 1000/u});
	const foreign = await spoil('foreign', (db) => db.pragma('application_id = 1'));
	await t.throwsAsync(DatabaseCopy.open(foreign), {message: /no database of this program/u});
	const nameless = await spoil('nameless', (db) => db.exec("delete from meta where name = 'server_name'"));
	await t.throwsAsync(DatabaseCopy.open(nameless), {message: /whose it is/u});
	await t.throwsAsync(copyDatabase(`sqlite:${join(directory, 'nothing')}`, join(directory, 'x')), {
		message: /no database/u,
	});
});

onBoth('an inspection counts what cannot be in a database of ours', async (t, database) => {
	const storage = await database.open();
	await fill(storage);
	const {faults, ...found} = await inspectDatabase(database.url);
	t.deepEqual(faults, []);
	t.like(found, {serverName, failingServers: 0, recentServers: []});
	await write(storage, (batch) => storage.cursors.add(batch, 'federation:c.example', 9_999));
	t.deepEqual((await inspectDatabase(database.url)).faults, ['1 cursors are ahead of the stream']);
});
