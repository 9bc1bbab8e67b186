import test from 'ava';
import {type App, register, type Session, startApp} from '../../harness/index.ts';
import {onBoth} from '../../contract/databases.ts';
import {account, alice, phone, write} from '../../contract/rows.ts';
import {DAY, HOUR, JobWorld} from '../jobs/job-world.ts';

const FIRST = '203.0.113.7';
const SECOND = '2001:db8::7';
const AGENT = 'a browser of somebody';

interface Seen {
	readonly devices: readonly {readonly last_seen_ip?: string; readonly last_seen_ts?: number}[];
}

/** Lists the devices of a person who asks from an address, through a proxy. */
async function listDevices(app: App, {access_token: token}: Session, address: string): Promise<Seen['devices']> {
	const headers = {authorization: `Bearer ${token}`, 'x-forwarded-for': address, 'user-agent': AGENT};
	const reply = await fetch(`${app.url}/_matrix/client/v3/devices`, {headers});
	return ((await reply.json()) as Seen).devices;
}

async function whoIs(app: App, {access_token: token, user_id: userId, device_id: deviceId}: Session): Promise<unknown> {
	const path = `/_matrix/client/v3/admin/whois/${encodeURIComponent(userId)}`;
	const reply = await fetch(app.url + path, {headers: {authorization: `Bearer ${token}`}});
	const body = (await reply.json()) as {devices: Record<string, {sessions: readonly {connections: unknown}[]}>};
	return body.devices[deviceId]?.sessions[0]?.connections;
}

test('unless the settings say so it is written down nowhere where somebody comes from', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	const [device] = await listDevices(app, session, FIRST);
	t.is(device?.last_seen_ip, undefined);
	t.is((device?.last_seen_ts ?? 1) % DAY, 0);
	t.deepEqual(await app.application.storage.devices.listAddresses(session.user_id as never), []);
});

test('where the settings say so a person and administrators see the last address and its day, and nothing finer', async (t) => {
	const app = await startApp(t, {config: {keep_addresses_days: 2}});
	const session = await register(app, 'alice');
	t.is((await listDevices(app, session, FIRST))[0]?.last_seen_ip, FIRST);
	// One note a minute is enough.
	t.is((await listDevices(app, session, SECOND))[0]?.last_seen_ip, FIRST);
	app.advance(60_000);
	const [device] = await listDevices(app, session, SECOND);
	t.is(device?.last_seen_ip, SECOND);
	t.deepEqual(await whoIs(app, session), [{ip: SECOND, last_seen: device?.last_seen_ts}]);
	t.is((device?.last_seen_ts ?? 1) % DAY, 0);
	const rows = await app.application.storage.devices.listAddresses(session.user_id as never);
	t.deepEqual(
		rows.map(({address}) => address),
		[SECOND],
	);
	t.false(JSON.stringify(rows).includes(AGENT));
});

onBoth('addresses go after the days of the settings, and with their device', async (t, database) => {
	const storage = await database.open();
	const note = (deviceId: string, seenDay: number) =>
		write(storage, (batch) => {
			const device = {userId: alice, deviceId: deviceId as typeof phone};
			storage.devices.add(batch, {...device, displayName: null, lastSeenDay: null});
			storage.devices.setAddress(batch, {...device, address: FIRST, seenDay});
		});
	await write(storage, (batch) => storage.accounts.add(batch, account(alice)));
	const world = new JobWorld(storage, ['sweep-addresses'], {services: {keepAddressesDays: 2}});
	const today = Math.floor(world.clock.now() / DAY);
	await note('OLD', today - 2);
	await note('NEW', today - 1);
	await note(phone, today);
	const left = async () => (await storage.devices.listAddresses(alice)).map(({deviceId}) => deviceId);
	await world.runner.start();
	await world.elapse(HOUR);
	t.deepEqual((await left()).toSorted(), ['NEW', phone]);
	await write(storage, (batch) => storage.devices.remove(batch, alice, phone));
	t.deepEqual(await left(), ['NEW']);
	// A request that was under way when its device was removed brings nothing back.
	await write(storage, (batch) =>
		storage.devices.setAddress(batch, {userId: alice, deviceId: phone, address: SECOND, seenDay: today}),
	);
	t.deepEqual(await left(), ['NEW']);
	await world.runner.stop();
});

onBoth('where nothing is to be kept any more, all that was kept goes', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, ['sweep-addresses']);
	const seenDay = Math.floor(world.clock.now() / DAY);
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		storage.devices.add(batch, {userId: alice, deviceId: phone, displayName: null, lastSeenDay: null});
	});
	await write(storage, (batch) =>
		storage.devices.setAddress(batch, {userId: alice, deviceId: phone, address: FIRST, seenDay}),
	);
	await world.runner.start();
	await world.elapse(HOUR);
	t.deepEqual(await storage.devices.listAddresses(alice), []);
	await world.runner.stop();
});
