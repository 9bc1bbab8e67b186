import fc from 'fast-check';
import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import {StorageError} from '../../storage/index.ts';
import {decodeText, encodeText} from '../../storage/text.ts';
import test from 'ava';
import {onBoth} from './databases.ts';
import {account, addLive, alice, eventId, newEvent, phone, room, write} from './rows.ts';

const wellFormed = () =>
	fc.string({unit: fc.constantFrom('a', '\0', '\u0001', '0', '1', '"', '\\', 'é', '😀', '\u{ff5e}')});
const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('G5: stored text reads back as it was, and is ordered as it was', (t) => {
	fc.assert(
		fc.property(wellFormed(), wellFormed(), (a, b) => {
			t.is(decodeText(encodeText(a)), a);
			t.false(encodeText(a).includes('\0'));
			t.is(Math.sign(bytewise(encodeText(a), encodeText(b))), Math.sign(bytewise(a, b)));
			t.is(encodeText(a + b), encodeText(a) + encodeText(b));
		}),
		{seed: 1, numRuns: 2000},
	);
	t.throws(() => encodeText('a\ud800'), {instanceOf: StorageError});
});

onBoth('A6: NUL and every other character read back from every kind of column', async (t, database) => {
	const storage = await database.open();
	const odd = 'a\0b\u0001c"\\\'😀é';
	const sender = `@${odd}:a.example` as UserId;
	const roomId = `!${odd}:a.example` as RoomId;
	const json = JSON.stringify({body: odd});
	await write(storage, (batch) => {
		addLive(storage, batch, {eventId: eventId(odd), sender, roomId, type: odd, stateKey: odd, json});
		storage.devices.add(batch, {userId: alice, deviceId: phone, displayName: odd, lastSeenDay: null});
		const pos = batch.announce({kind: 'account_data', subject: odd, extra: {odd}});
		storage.accountData.set(batch, {userId: alice, roomId: null, type: odd, content: {[odd]: odd}, pos});
	});
	await database.close(storage);
	const again = await database.open();
	const event = await again.events.findById(eventId(odd));
	t.like(event, {sender, roomId, type: odd, stateKey: odd, json});
	t.deepEqual([...(await again.events.findByIds([eventId(odd), eventId('other')])).keys()], [eventId(odd)]);
	t.is((await again.devices.find(alice, phone))?.displayName, odd);
	t.deepEqual((await again.accountData.find(alice, null, odd))?.content, {[odd]: odd});
	t.like((await again.stream.list({after: 1, upto: 2, limit: 1}))[0], {subject: odd, extra: {odd}});
});

onBoth('A6: a lone surrogate is refused and the database goes on', async (t, database) => {
	const storage = await database.open();
	const code = (error: StorageError | undefined) => error?.code;
	t.is(
		code(
			t.throws(() => storage.accounts.add(storage.batch(), account('@\ud800:a.example' as UserId)), {
				instanceOf: StorageError,
			}),
		),
		'invalid_text',
	);
	const batch = storage.batch();
	storage.events.add(batch, newEvent(storage, {eventId: eventId('x'), type: 'bad\udc00'}));
	t.is(code(await t.throwsAsync(storage.commit(batch), {instanceOf: StorageError})), 'invalid_text');
	t.is(
		code(await t.throwsAsync(storage.events.findById('$\ud800' as EventId), {instanceOf: StorageError})),
		'invalid_text',
	);
	await write(storage, (next) => storage.accounts.add(next, account(alice)));
	t.truthy(await storage.accounts.find(alice));
});

onBoth('G4, G5: text is compared and ordered by its bytes', async (t, database) => {
	const storage = await database.open();
	const names = ['@B', '@a', '@Z', '@é', '@e', '@\u{ff5e}', '@😀', '@a '].map((name) => `${name}:a.example` as UserId);
	await write(storage, (batch) => {
		for (const userId of names) storage.accounts.add(batch, account(userId));
	});
	const listed = (await storage.accounts.list({limit: 100})).map(({userId}) => userId);
	t.deepEqual(listed, names.toSorted(bytewise));
	t.is(await storage.accounts.find('@A:a.example' as UserId), undefined);
	t.is(await storage.accounts.find('@e\u0301:a.example' as UserId), undefined);
	const rest = await storage.accounts.list({after: listed[4]!, limit: 2});
	t.deepEqual(
		rest.map(({userId}) => userId),
		listed.slice(5, 7),
	);
});

onBoth('G3: forty thousand ids are read at once', async (t, database) => {
	const storage = await database.open();
	const ids = Array.from({length: 40_000}, (_, index) => eventId(`${index}`));
	await storage.ids.reserve(3000);
	await write(storage, (batch) => {
		for (const id of ids.slice(4000, 6500)) storage.events.add(batch, newEvent(storage, {eventId: id}));
	});
	t.is((await storage.events.findByIds(ids)).size, 2500);
	t.is((await storage.events.findMarks(ids)).size, 2500);
	t.is((await storage.events.findByIds([])).size, 0);
});

onBoth(
	'G1: a row whose JSON is damaged is left out of lists and reported, and others are read',
	async (t, database) => {
		const problems: Error[] = [];
		const storage = await database.open({onProblem: (problem) => problems.push(problem)});
		await write(storage, (batch) => {
			for (const index of [0, 1, 2]) {
				const pos = batch.announce({kind: 'to_device', subject: alice});
				const messages = [{userId: alice, deviceId: phone, content: {index}}];
				storage.toDevice.add(batch, {pos, sender: alice, type: `t${index}`, messages});
			}
			storage.filters.add(batch, alice, {damaged: true}).catch(() => undefined);
		});
		await damage(database.url, "update to_device set content = '{\"index\":' where type = 't1'");
		await damage(database.url, "update filters set filter = '{'");
		const messages = await storage.toDevice.list(alice, phone, {after: 0, upto: 9, limit: 9});
		t.deepEqual(
			messages.map(({type}) => type),
			['t0', 't2'],
		);
		t.is(problems.length, 1);
		t.is((problems[0] as StorageError).code, 'corrupt');
		const filterId = await storage.filters.add(storage.batch(), alice, {damaged: true});
		const error = await t.throwsAsync(storage.filters.find(alice, filterId), {instanceOf: StorageError});
		t.is(error?.code, 'corrupt');
	},
);

onBoth('G1: a key that cannot be read is given to nobody, and the next one is', async (t, database) => {
	const problems: Error[] = [];
	const storage = await database.open({onProblem: (problem) => problems.push(problem)});
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		storage.devices.add(batch, {userId: alice, deviceId: phone, displayName: null, lastSeenDay: null});
		storage.keys.setDeviceKeys(batch, {userId: alice, deviceId: phone, json: {}, displayName: null});
		const keys = ['x:1', 'x:2'].map((keyId) => ({keyId, json: {key: keyId}}));
		const pos = batch.announce({kind: 'device_keys', subject: alice});
		storage.keys.addOneTimeKeys(batch, {userId: alice, deviceId: phone}, keys, pos);
	});
	await damage(database.url, "update one_time_keys set json = '{' where key_id = 'x:1'");
	const claim = async () => {
		const batch = storage.batch();
		batch.announce({kind: 'device_keys', subject: alice});
		const outcome = storage.keys.claim(batch, [{userId: alice, deviceId: phone, algorithm: 'x'}]);
		await storage.commit(batch);
		return outcome.value[0]?.keyId;
	};
	t.deepEqual([await claim(), await claim(), await claim()], [undefined, 'x:2', undefined]);
	t.deepEqual(
		problems.map((problem) => (problem as StorageError).code),
		['corrupt'],
	);
});

onBoth('text that no index can hold is refused, and the database goes on', async (t, database) => {
	const storage = await database.open();
	const batch = storage.batch();
	// Incompressible, as PostgreSQL would squeeze a row of equal letters.
	const long = Array.from({length: 2000}, (_, index) => (index * 2654435761) % 4294967296).join('');
	storage.accounts.add(batch, account(`@${long}:a.example` as UserId));
	const outcome = await storage.commit(batch).then(
		() => 'written',
		(error: StorageError) => error.code,
	);
	t.is(outcome, database.dialect === 'sqlite' ? 'written' : 'invalid_text');
	await write(storage, (next) => addLive(storage, next, {eventId: eventId('x'), roomId: room}));
	t.is(storage.stream.head(), 1);
});

/** Does what a failing disk or a hasty administrator does. */
async function damage(url: string, sql: string): Promise<void> {
	if (url.startsWith('sqlite:')) {
		const {default: Sqlite} = await import('better-sqlite3');
		const db = new Sqlite(url.slice('sqlite:'.length));
		db.exec(sql);
		db.close();
		return;
	}
	const {Client} = await import('pg');
	const client = new Client({connectionString: url});
	await client.connect();
	await client.query(sql);
	await client.end();
}
