import {statSync} from 'node:fs';
import type {EventId, RoomId, ServerName} from '../../crypto/index.ts';
import type {ChangeKind, Snapshot, StateChange, Storage} from '../../storage/index.ts';
import {onBoth, onSqlite} from './databases.ts';
import {account, addLive, alice, bob, countSwept, eventId, newEvent, partner, phone, room, write} from './rows.ts';

const range = (length: number) => Array.from({length}, (_, index) => index);

onBoth('a sweep removes a bounded number of rows, the oldest first', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		for (const index of range(1200)) storage.toDevice.addReceived(batch, partner, `m${index}`, index);
	});
	const sweep = () => countSwept(storage, (batch) => storage.toDevice.sweepReceived(batch, 1100));
	t.deepEqual([await sweep(), await sweep(), await sweep(), await sweep()], [500, 500, 100, 0]);
	// What is younger than asked is still known.
	await t.throwsAsync(write(storage, (batch) => storage.toDevice.addReceived(batch, partner, 'm1100', 1)));
	await write(storage, (batch) => storage.toDevice.addReceived(batch, partner, 'm1099', 1));
});

onBoth('what was deleted is forgotten below a position, and nothing else is', async (t, database) => {
	const storage = await database.open();
	const {accountData, profiles} = storage;
	const set = (type: string, content: {} | null) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'account_data', subject: alice});
			accountData.set(batch, {userId: alice, roomId: null, type, content, pos});
			profiles.set(batch, alice, type, content ?? undefined, pos);
		});
	await set('kept', {a: 1});
	await set('old', null);
	await set('new', null);
	t.is(await countSwept(storage, (batch) => accountData.sweepDeleted(batch, 3)), 1);
	t.is(await countSwept(storage, (batch) => profiles.sweepRemoved(batch, 3)), 1);
	t.is(await countSwept(storage, (batch) => profiles.sweepRemoved(batch, 3)), 0);
	const left = (await accountData.listChanged(alice, 0, 9)).map(({type, content}) => [type, content]);
	t.deepEqual(left, [
		['kept', {a: 1}],
		['new', null],
	]);
	t.deepEqual(await profiles.find(alice), {kept: {a: 1}});
});

onBoth('registration tokens and media ids go when their time is over', async (t, database) => {
	const storage = await database.open();
	const token = {name: 'x', usesAllowed: null, usesDone: 0, makesAdmin: false};
	const medium = {
		origin: partner,
		uploader: alice,
		contentType: 'text/plain',
		fileName: null,
		isQuarantined: false,
		lastUsedDay: 1,
	};
	await write(storage, (batch) => {
		for (const [tokenHash, expiresTs] of [
			['ended', 5],
			['good', 9],
			['endless', null],
		] as const) {
			storage.accounts.addRegistrationToken(batch, {...token, tokenHash, expiresTs});
		}
		for (const [mediaId, createdTs, sizeBytes] of [
			['reserved', 5, null],
			['fresh', 9, null],
			['filled', 5, 3],
		] as const) {
			const sha256 = sizeBytes === null ? null : 'ff';
			storage.media.add(batch, {...medium, mediaId, createdTs, sizeBytes, sha256});
		}
	});
	t.is(await countSwept(storage, (batch) => storage.accounts.sweepRegistrationTokens(batch, 9)), 1);
	const tokens = (await storage.accounts.listRegistrationTokens()).map(({tokenHash}) => tokenHash);
	t.deepEqual(tokens.toSorted(), ['endless', 'good']);
	t.is(await countSwept(storage, (batch) => storage.media.sweepReserved(batch, 9)), 1);
	t.deepEqual(
		(await storage.media.listOfUploader(alice, {limit: 9})).map(({mediaId}) => mediaId),
		['filled', 'fresh'],
	);
});

onBoth('a session is over when none of its tokens can be used', async (t, database) => {
	const storage = await database.open();
	const {devices} = storage;
	const access = (deviceId: string, expiresTs: number | null) => ({
		tokenHash: `access ${deviceId} ${expiresTs}`,
		userId: alice,
		deviceId: deviceId as typeof phone,
		expiresTs,
		refreshHash: null,
	});
	const refresh = (deviceId: string, expiresTs: number | null) => ({
		tokenHash: `refresh ${deviceId}`,
		userId: alice,
		deviceId: deviceId as typeof phone,
		expiresTs,
		nextHash: null,
	});
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		devices.addAccessToken(batch, access('A', 5));
		devices.addAccessToken(batch, access('B', 5));
		devices.addRefreshToken(batch, refresh('B', null));
		devices.addAccessToken(batch, access('C', 6));
		devices.addRefreshToken(batch, refresh('C', 7));
		devices.addAccessToken(batch, access('D', 7));
		devices.addAccessToken(batch, access('D', null));
		devices.addAccessToken(batch, access('E', null));
		devices.addAccessToken(batch, access('F', 50));
	});
	const list = async (after?: {expiresTs: number; tokenHash: string}) =>
		(await devices.listEndedTokens(10, {after, limit: 9})).map(({deviceId, isAlive}) => `${deviceId} ${isAlive}`);
	t.deepEqual(await list(), ['A false', 'B true', 'C false', 'D true']);
	t.deepEqual(await list({expiresTs: 5, tokenHash: 'access B 5'}), ['C false', 'D true']);
});

onBoth('of tokens that ended before a day the day alone is kept, and others stay as they are', async (t, database) => {
	const storage = await database.open();
	const {devices} = storage;
	const DAY_MS = 86_400_000;
	const add = (batch: Parameters<typeof devices.addAccessToken>[0], tokenHash: string, expiresTs: number | null) => {
		devices.addAccessToken(batch, {tokenHash, userId: alice, deviceId: phone, expiresTs, refreshHash: null});
	};
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		storage.devices.add(batch, {userId: alice, deviceId: phone, displayName: null, lastSeenDay: null});
		for (const index of range(600)) add(batch, `early ${index}`, 20_000 * DAY_MS + index + 1);
		add(batch, 'on the day', 20_001 * DAY_MS);
		add(batch, 'today', 20_002 * DAY_MS + 5);
		add(batch, 'never', null);
	});
	const coarsen = () => countSwept(storage, (batch) => devices.coarsenEnds(batch, 20_002 * DAY_MS));
	t.deepEqual([await coarsen(), await coarsen(), await coarsen()], [500, 100, 0]);
	const endOf = async (tokenHash: string) => (await devices.findSession(tokenHash))?.expiresTs;
	t.is(await endOf('early 0'), 20_001 * DAY_MS);
	t.is(await endOf('early 599'), 20_001 * DAY_MS);
	t.is(await endOf('on the day'), 20_001 * DAY_MS);
	t.is(await endOf('today'), 20_002 * DAY_MS + 5);
	t.is(await endOf('never'), null);
});

onBoth('the floor of the stream is known to every process, and after a restart', async (t, database) => {
	const [one, two] = [await database.open(), await database.open()];
	await write(one, (batch) => {
		for (const subject of [alice, bob]) batch.announce({kind: 'account', subject});
	});
	t.is(one.stream.floor(), 0);
	await write(one, (batch) => one.stream.setFloor(batch, 2));
	t.is(one.stream.floor(), 2);
	await two.barrier();
	t.is(two.stream.floor(), 2);
	await database.close(one);
	t.is((await database.open()).stream.floor(), 2);
});

onBoth('changes are swept by kind, and readers pass over what is gone', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()];
	const heard: number[] = [];
	other.onCommitted((changes) => heard.push(...changes.map(({pos}) => pos)));
	const kinds: ChangeKind[] = ['account', 'edu', 'account', 'profile', 'edu', 'account'];
	for (const kind of kinds) await write(storage, (batch) => batch.announce({kind, subject: alice}));
	const sweep = async (upto: number, of: ChangeKind[]) => {
		const batch = storage.batch();
		const outcome = storage.stream.sweep(batch, {after: 0, upto, kinds: of});
		await storage.commit(batch);
		return outcome.value;
	};
	t.deepEqual(await sweep(4, ['account', 'profile']), {count: 3, upto: 4});
	const positions = async () => (await storage.stream.list({after: 0, upto: 9, limit: 9})).map(({pos}) => pos);
	t.deepEqual(await positions(), [2, 5, 6]);
	// A process that looks only now is told of those that are left.
	await other.barrier();
	t.deepEqual(
		heard.filter((pos) => [2, 5, 6].includes(pos)),
		[2, 5, 6],
	);
	t.is(other.stream.head(), 6);
	await write(storage, (batch) => {
		for (const _ of range(700)) batch.announce({kind: 'account', subject: alice});
	});
	t.deepEqual(await sweep(706, ['account']), {count: 500, upto: 505});
	t.deepEqual(await sweep(706, ['account']), {count: 201, upto: 706});
});

onBoth('EDUs for one server are swept below a position, and servers found by name', async (t, database) => {
	const storage = await database.open();
	const {federation, memberships} = storage;
	const add = (destination: string) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'edu', subject: destination});
			federation.addOutgoingEdu(batch, {destination: destination as ServerName, pos, type: 'x', content: {}});
		});
	for (const destination of [partner, 'c.example', partner]) await add(destination);
	t.is(await federation.findEduDestination(''), partner);
	t.is(await federation.findEduDestination(partner), 'c.example' as ServerName);
	t.is(await federation.findEduDestination('c.example'), undefined);
	t.is(await countSwept(storage, (batch) => federation.sweepOutgoingEdus(batch, partner, 3)), 1);
	t.deepEqual(
		(await federation.listOutgoingEdus(partner, {after: 0, upto: 9, limit: 9})).map(({pos}) => pos),
		[3],
	);
	await write(storage, (batch) => memberships.addServer(batch, room, partner, 1));
	t.true(await memberships.isServerPresent(partner));
	await write(storage, (batch) => memberships.removeServer(batch, room, partner, 2));
	t.false(await memberships.isServerPresent(partner));
	t.true(await memberships.hasServerBeenIn(room, partner));
	t.false(await memberships.hasServerBeenIn(room, 'c.example' as ServerName));
});

const member = (index: number) => ({type: 'm.room.member', stateKey: `@user${index}:a.example`});
const goOn = () => Promise.resolve(true);

/** Makes a state from another; what `also` puts into the batch names its root. */
async function change(
	storage: Storage,
	from: Snapshot,
	changes: readonly StateChange[],
	also: (batch: ReturnType<Storage['batch']>, root: number) => void = () => undefined,
): Promise<Snapshot> {
	await storage.ids.reserve(8 * changes.length);
	await from.load(changes);
	const next = from.with(changes);
	await write(storage, (batch) => {
		storage.state.save(batch, next);
		also(batch, next.root);
	});
	return next;
}

onBoth('nodes of a state are unused when neither an event nor a head reaches them', async (t, database) => {
	const storage = await database.open();
	const {state} = storage;
	await write(storage, (batch) => storage.rooms.add(batch, {roomId: room, version: '11', creator: alice}));
	const first = range(60).map((index) => ({...member(index), eventNid: index + 1}));
	const head = {fromExtremities: [], extremities: [], depth: 1, notifyCount: 0, isPartial: false};
	// A head, then an event with a place, a soft-failed one without, and a state that nobody names.
	const ofHead = await change(storage, state.open(room, 0), first, (batch, root) => {
		const pos = batch.announce({kind: 'state', roomId: room});
		storage.rooms.moveHead(batch, {...head, roomId: room, fromVersion: 0, root, pos});
	});
	const ofEvent = await change(storage, ofHead, [{...member(1), eventNid: 1001}], (batch, root) => {
		addLive(storage, batch, {eventId: eventId('placed'), stateBefore: root});
	});
	const ofFailed = await change(storage, ofHead, [{...member(2), eventNid: 1002}], (batch, root) => {
		storage.events.add(batch, newEvent(storage, {eventId: eventId('failed'), stateBefore: root, softFailed: true}));
	});
	t.deepEqual((await state.findUnused(room, goOn))?.nodes, []);
	const lost = await change(storage, ofEvent, [{...member(3), eventNid: 1003}]);
	const found = (await state.findUnused(room, goOn))!;
	t.true(found.nodes.includes(lost.root));
	t.true(found.nodes.length < 5);
	t.true(found.lookedAt > found.nodes.length);
	await write(storage, (batch) => state.removeNodes(batch, room, found.nodes));
	t.deepEqual((await state.findUnused(room, goOn))?.nodes, []);
	// A process that has read nothing yet finds all that is named.
	const again = await database.open();
	for (const [snapshot, size] of [
		[ofHead, 60],
		[ofEvent, 60],
		[ofFailed, 60],
	] as const) {
		t.is((await again.state.entries(room, snapshot.root)).length, size);
	}
	t.deepEqual((await again.state.findUnused('!other:a.example' as RoomId, goOn))?.nodes, []);
});

onBoth('the search for unused nodes ends when it is told to, and refuses a state with holes', async (t, database) => {
	const storage = await database.open();
	const first = range(60).map((index) => ({...member(index), eventNid: index + 1}));
	const added = await change(storage, storage.state.open(room, 0), first, (batch, root) => {
		addLive(storage, batch, {eventId: 'x' as EventId, stateBefore: root});
	});
	let pages = 0;
	t.is(await storage.state.findUnused(room, () => Promise.resolve(++pages < 2)), undefined);
	await write(storage, (batch) => storage.state.removeNodes(batch, room, [added.root]));
	await t.throwsAsync(storage.state.findUnused(room, goOn), {message: /nodes of a room state are missing/});
});

onSqlite('space that deleted rows left is given back piece by piece', async (t, database) => {
	const storage = await database.open();
	const text = 'x'.repeat(3000);
	await write(storage, (batch) => {
		for (const index of range(1500)) storage.meta.set(batch, `fill${index}`, text);
	});
	for (const index of range(1500)) {
		await write(storage, (batch) => storage.meta.set(batch, `fill${index}`, ''));
	}
	const before = storage.figures().freeBytes;
	t.true(before > 2_000_000, String(before));
	const left = await storage.reclaim();
	t.is(left, before - 250 * 4096);
	t.is(storage.figures().freeBytes, left);
	for (let free = left; free > 0; ) free = await storage.reclaim();
	await database.close(storage);
	const size = statSync(database.url.slice('sqlite:'.length)).size;
	t.true(size < 2_000_000, String(size));
});
