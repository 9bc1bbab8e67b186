/** What is kept for a time is gone afterwards, and not before. */
import type {DeviceId, RoomId} from '../../../crypto/index.ts';
import {jobs} from '../../../server/jobs/index.ts';
import type {Storage} from '../../../storage/index.ts';
import test from 'ava';
import {onBoth, onSqlite} from '../../contract/databases.ts';
import {account, alice, eventId, partner, phone, room, write} from '../../contract/rows.ts';
import {until} from '../../harness/client.ts';
import {DAY, HOUR, JobWorld} from './job-world.ts';

test('the table of jobs names each job once, in the order of its two parts', (t) => {
	const ids = jobs.map(({id}) => id);
	t.is(new Set(ids).size, ids.length);
	for (const part of [jobs.filter(({everyMs}) => everyMs === null), jobs.filter(({everyMs}) => everyMs !== null)]) {
		t.deepEqual(
			part.map(({id}) => id),
			part.map(({id}) => id).toSorted(),
		);
	}
	t.is(
		jobs.findLastIndex(({everyMs}) => everyMs === null) + 1,
		jobs.findIndex(({everyMs}) => everyMs !== null),
	);
	for (const {id, does, atMost} of jobs) t.true(does.endsWith('.') && atMost.length > 0, id);
});

/** What a job forgets: how to write it down, and whether it is still known. */
interface Kept {
	readonly job: string;
	readonly keptMs: number;
	readonly add: (storage: Storage, name: string, nowMs: number) => Promise<void>;
	readonly has: (storage: Storage, name: string) => Promise<boolean>;
}

const transaction = (txnId: string) => ({
	userId: alice,
	deviceId: phone,
	method: 'PUT',
	endpoint: 'sendMessage',
	roomId: room,
	txnId,
});

const kept: readonly Kept[] = [
	{
		job: 'sweep-client-transactions',
		keptMs: DAY,
		add: (storage, name, ts) =>
			write(storage, (batch) => {
				storage.clientTransactions.add(batch, {...transaction(name), answer: {}, ts});
				storage.clientTransactions.setEvent(batch, eventId(name), transaction(name), ts);
			}),
		async has({clientTransactions}, name) {
			const answer = await clientTransactions.find(transaction(name));
			const events = await clientTransactions.findOfEvents(alice, phone, [eventId(name)]);
			if ((answer === undefined) !== (events.size === 0)) throw new Error('expected both to go together');
			return answer !== undefined;
		},
	},
	{
		job: 'sweep-inbound-transactions',
		keptMs: 14 * DAY,
		add: (storage, txnId, receivedTs) =>
			write(storage, (batch) =>
				storage.federation.addInboundTransaction(batch, {origin: partner, txnId, answer: '{}', receivedTs}),
			),
		has: async ({federation}, txnId) => (await federation.findInboundTransaction(partner, txnId)) !== undefined,
	},
	{
		job: 'sweep-to-device-ids',
		keptMs: 30 * DAY,
		add: (storage, id, receivedTs) =>
			write(storage, (batch) => storage.toDevice.addReceived(batch, partner, id, receivedTs)),
		async has(storage, id) {
			const batch = storage.batch();
			storage.toDevice.addReceived(batch, partner, id, 0);
			// A failed condition keeps the look from being a note.
			storage.rooms.expectHead(batch, '!none:a.example' as RoomId, 1);
			const error: unknown = await storage.commit(batch).catch((cause: unknown) => cause);
			return (error as {code?: string}).code === 'duplicate';
		},
	},
	{
		job: 'sweep-registration-tokens',
		keptMs: 30 * DAY,
		add: (storage, name, expiresTs) =>
			write(storage, (batch) =>
				storage.accounts.addRegistrationToken(batch, {
					tokenHash: name,
					name,
					usesAllowed: null,
					usesDone: 0,
					expiresTs,
					makesAdmin: false,
				}),
			),
		has: async ({accounts}, name) => (await accounts.findRegistrationToken(name)) !== undefined,
	},
	{
		job: 'sweep-reserved-media',
		keptMs: 2 * DAY,
		add: (storage, mediaId, createdTs) =>
			write(storage, (batch) =>
				storage.media.add(batch, {
					origin: partner,
					mediaId,
					uploader: alice,
					contentType: 'text/plain',
					fileName: null,
					sizeBytes: null,
					sha256: null,
					isQuarantined: false,
					createdTs,
					lastUsedDay: 1,
				}),
			),
		has: async ({media}, mediaId) => (await media.find(partner, mediaId)) !== undefined,
	},
];

for (const {job, keptMs, add, has} of kept) {
	onBoth(`${job} keeps what is ${keptMs / DAY} days old, and forgets what is older`, async (t, database) => {
		const storage = await database.open();
		const world = new JobWorld(storage, [job]);
		const periodMs = jobs.find(({id}) => id === job)!.everyMs!;
		await add(storage, 'old', world.clock.now());
		await add(storage, 'new', world.clock.now() + 3 * periodMs);
		await world.runner.start();
		// Once before the time is over, and then until it is over for the first.
		await world.elapse(keptMs - periodMs);
		t.deepEqual([await has(storage, 'old'), await has(storage, 'new')], [true, true]);
		await world.elapse(periodMs * 1.2);
		await world.elapse(periodMs * 1.2);
		t.deepEqual([await has(storage, 'old'), await has(storage, 'new')], [false, true]);
		t.deepEqual(world.notices, []);
		await world.runner.stop();
	});
}

onBoth('a sweep with much to do does it in pieces, and goes on before long', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, ['sweep-to-device-ids']);
	const total = 51_000;
	for (let from = 0; from < total; from += 3000) {
		await write(storage, (batch) => {
			for (let index = from; index < from + 3000; index += 1) {
				storage.toDevice.addReceived(batch, partner, `m${index}`, index);
			}
		});
	}
	await world.runner.start();
	await world.elapse(HOUR);
	await world.until(() => world.results.at(-1)?.result === 'done', 'the last run');
	t.true(world.results.length > 1 && world.results.every(({count}) => count <= 50_000));
	t.is(
		world.results.reduce((sum, {count}) => sum + count, 0),
		total,
	);
	await world.runner.stop();
});

onBoth(
	'when a token ended is kept to the millisecond on that day, and to the day from then on',
	async (t, database) => {
		const storage = await database.open();
		const world = new JobWorld(storage, ['coarsen-token-ends']);
		const endTs = Math.floor(world.clock.now() / DAY) * DAY + DAY + 12_345;
		await write(storage, (batch) => {
			const device = {userId: alice, deviceId: 'PHONE' as DeviceId};
			storage.accounts.add(batch, account(alice));
			storage.devices.add(batch, {...device, displayName: null, lastSeenDay: 1});
			storage.devices.addAccessToken(batch, {...device, tokenHash: 'hash', expiresTs: endTs, refreshHash: null});
		});
		const end = async () => (await storage.devices.findSession('hash'))?.expiresTs;
		await world.runner.start();
		await world.elapse(endTs + HOUR - world.clock.now());
		await world.until(() => world.results.length > 0, 'a run on the day');
		t.is(await end(), endTs);
		await world.elapse(DAY);
		await world.until(async () => (await end()) !== endTs, 'a run on the next day');
		t.is(await end(), endTs - 12_345 + DAY);
		await world.runner.stop();
	},
);

onBoth('a device is signed out a month after its last token, with all that hangs on it', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, ['end-sessions']);
	const nowMs = world.clock.now();
	const add = (deviceId: string, expiresTs: number, refreshEndsTs?: number | null) =>
		write(storage, (batch) => {
			const device = {userId: alice, deviceId: deviceId as DeviceId};
			storage.devices.add(batch, {...device, displayName: null, lastSeenDay: 1});
			storage.devices.addAccessToken(batch, {...device, tokenHash: deviceId, expiresTs, refreshHash: `r${deviceId}`});
			storage.keys.setDeviceKeys(batch, {...device, json: {}, displayName: null});
			if (refreshEndsTs === undefined) return;
			const refresh = {...device, tokenHash: `r${deviceId}`, expiresTs: refreshEndsTs, nextHash: null};
			storage.devices.addRefreshToken(batch, refresh);
		});
	await write(storage, (batch) => storage.accounts.add(batch, account(alice)));
	await add('OVER', nowMs);
	await add('REFRESHABLE', nowMs, null);
	await add('LATER', nowMs, nowMs + 20 * DAY);
	for (let index = 0; index < 250; index += 1) await add(`ALIVE${index}`, nowMs - index, null);
	const heard: string[] = [];
	storage.onCommitted((changes) => heard.push(...changes.map(({kind}) => kind).filter((kind) => kind !== 'job')));
	await world.runner.start();
	const listed = async () => (await storage.devices.listOfUser(alice)).map(({deviceId}) => deviceId).slice(-3);
	await world.elapse(29 * DAY);
	t.deepEqual(await listed(), ['LATER', 'OVER', 'REFRESHABLE']);
	t.deepEqual(heard, []);
	await world.elapse(2 * DAY);
	t.deepEqual((await listed()).slice(-2), ['LATER', 'REFRESHABLE']);
	t.deepEqual(heard, ['device', 'device_list']);
	t.is(await storage.keys.findDeviceKeys(alice, 'OVER' as DeviceId), undefined);
	await world.elapse(20 * DAY);
	t.is((await listed()).at(-1), 'REFRESHABLE' as DeviceId);
	t.is((await storage.devices.listOfUser(alice)).length, 251);
	await world.runner.stop();
});

onSqlite('space that deleted rows left is given back, but for what is written next', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, ['reclaim-space']);
	const text = 'x'.repeat(1 << 20);
	for (let index = 0; index < 80; index += 1) {
		await write(storage, (batch) => storage.meta.set(batch, `fill${index}`, text));
	}
	await write(storage, (batch) => {
		for (let index = 0; index < 80; index += 1) storage.meta.set(batch, `fill${index}`, '');
	});
	t.true(storage.figures().freeBytes > 75 << 20);
	await world.runner.start();
	await world.elapse(HOUR);
	const {freeBytes} = storage.figures();
	t.true(freeBytes <= 64 << 20 && freeBytes > 60 << 20, String(freeBytes));
	await world.elapse(2 * HOUR);
	await until(() => world.results.length === 2, 'the next run');
	t.is(world.resultsOf('reclaim-space')[1], 'done 0');
	await world.runner.stop();
});
