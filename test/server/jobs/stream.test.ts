/** What changed more than 30 days ago is swept as far as nobody is told of it any more. */
import type {ServerName} from '../../../crypto/index.ts';
import type {ChangeKind, Storage} from '../../../storage/index.ts';
import {onBoth} from '../../contract/databases.ts';
import {alice, partner, room, write} from '../../contract/rows.ts';
import {DAY, HOUR, JobWorld} from './job-world.ts';

const SWEEPS = ['raise-floor', 'sweep-stream', 'sweep-tombstones', 'sweep-outgoing-edus'];

const announce = (storage: Storage, kind: ChangeKind, subject: string = alice) =>
	write(storage, (batch) => batch.announce({kind, subject}));

/** What of the first changes is still there, but for the floors themselves. */
const listKinds = async (storage: Storage, upto: number) => {
	const changes = await storage.stream.list({after: 0, upto, limit: 1000});
	return changes.map(({kind}) => kind).filter((kind) => kind !== 'floor');
};

/** Lets days go by, one after the other. */
async function passDays(world: JobWorld, days: number): Promise<void> {
	for (let day = 0; day < days; day += 1) await world.elapse(1.06 * DAY);
}

onBoth('the floor follows the stream 30 days behind, and sweeps follow the floor a day behind', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, SWEEPS);
	await world.runner.start();
	const setNote = (content: {} | null) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'account_data', subject: alice});
			storage.accountData.set(batch, {userId: alice, roomId: null, type: 'note', content, pos});
		});
	await setNote({a: 1});
	await setNote(null);
	await announce(storage, 'event');
	const old = storage.stream.head();
	await world.elapse(DAY);
	await announce(storage, 'profile');
	const recent = storage.stream.head();
	await passDays(world, 28);
	t.is(storage.stream.floor(), 0);
	t.deepEqual(await listKinds(storage, recent), ['account_data', 'account_data', 'event', 'profile']);
	await passDays(world, 1);
	t.is(storage.stream.floor(), old);
	// Who has just asked since an earlier position is still given the answer.
	t.deepEqual(await listKinds(storage, recent), ['account_data', 'account_data', 'event', 'profile']);
	t.is((await storage.accountData.listChanged(alice, 0, recent)).length, 1);
	await passDays(world, 1);
	await world.elapse(2 * HOUR);
	t.deepEqual(await listKinds(storage, recent), ['profile']);
	t.deepEqual(await storage.accountData.listChanged(alice, 0, recent), []);
	t.true(storage.stream.floor() >= recent);
	await passDays(world, 1);
	await world.elapse(2 * HOUR);
	t.deepEqual(await listKinds(storage, recent), []);
	// A process that opens the database now knows as much.
	t.is((await database.open()).stream.floor(), storage.stream.floor());
	t.deepEqual(world.notices, []);
	await world.runner.stop();
});

onBoth('what another server is still owed stays, however long it is away', async (t, database) => {
	const storage = await database.open();
	const {cursors} = storage;
	const world = new JobWorld(storage, SWEEPS);
	await world.runner.start();
	for (const kind of ['event', 'receipt', 'profile', 'device_list', 'edu'] as const) await announce(storage, kind);
	await write(storage, (batch) => {
		cursors.add(batch, 'federation-out', 5);
		// One that does not answer has been told of the first change; one that answers was told less, long ago.
		cursors.add(batch, 'federation:away.example', 1);
		cursors.setFailure(batch, 'federation:away.example', {sinceTs: 0, attempts: 9, retryTs: 0});
		cursors.add(batch, 'federation:well.example', 0);
	});
	await passDays(world, 40);
	t.deepEqual(await listKinds(storage, 5), ['receipt', 'device_list', 'edu']);
	await write(storage, (batch) => cursors.advance(batch, 'federation:away.example', 1, 5));
	await world.elapse(2 * HOUR);
	t.deepEqual(await listKinds(storage, 5), []);
	await announce(storage, 'event');
	await announce(storage, 'account_data');
	const upto = storage.stream.head();
	// The sender itself stands still; then somebody with a cursor of another kind, who may ask for anything.
	await passDays(world, 40);
	t.deepEqual(await listKinds(storage, upto), ['event']);
	await write(storage, (batch) => {
		cursors.advance(batch, 'federation-out', 5, upto);
		cursors.add(batch, 'push:somebody', upto);
	});
	await announce(storage, 'profile');
	const last = storage.stream.head();
	await passDays(world, 40);
	t.deepEqual(await listKinds(storage, last), ['profile']);
	await world.runner.stop();
});

onBoth('messages for a server wait a month, and as long as a room is shared with it', async (t, database) => {
	const storage = await database.open();
	const {federation, memberships} = storage;
	const world = new JobWorld(storage, SWEEPS);
	await world.runner.start();
	const add = (destination: string) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'edu', subject: destination});
			federation.addOutgoingEdu(batch, {
				destination: destination as ServerName,
				pos,
				type: 'm.direct_to_device',
				content: {},
			});
		});
	await write(storage, (batch) => memberships.addServer(batch, room, partner, 1));
	for (const server of [partner, 'gone.example', 'also.gone.example']) await add(server);
	const waiting = async (server: string) =>
		(await federation.listOutgoingEdus(server as ServerName, {after: 0, upto: 1e6, limit: 9})).length;
	const counts = async () => [
		await waiting(partner),
		await waiting('gone.example'),
		await waiting('also.gone.example'),
	];
	await passDays(world, 28);
	await add('gone.example');
	t.deepEqual(await counts(), [1, 2, 1]);
	await passDays(world, 5);
	t.deepEqual(await counts(), [1, 1, 0]);
	await write(storage, (batch) => memberships.removeServer(batch, room, partner, 9));
	await passDays(world, 1);
	t.deepEqual(await counts(), [0, 1, 0]);
	await world.runner.stop();
});

onBoth('a clock that is set back and forth raises no floor twice within an hour', async (t, database) => {
	const storage = await database.open();
	const world = new JobWorld(storage, ['raise-floor']);
	await world.runner.start();
	await announce(storage, 'profile');
	await passDays(world, 33);
	const floor = storage.stream.floor();
	t.true(floor > 0);
	const job = (await storage.jobs.find('raise-floor', ''))!;
	const settled = job.payload['settled'];
	await announce(storage, 'profile');
	// Made due at once, as after the clock was corrected.
	await write(storage, (batch) => storage.jobs.addRegular(batch, 'raise-floor', world.clock.now()));
	await world.elapse(1);
	await world.elapse(1);
	t.is((await storage.jobs.find('raise-floor', ''))?.payload['settled'], settled);
	t.is(storage.stream.floor(), floor);
	await world.runner.stop();
});
