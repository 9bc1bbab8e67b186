import {type CommittedChange, ConflictError, DuplicateError, type Storage, StorageError} from '../../storage/index.ts';
import type {EventId, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import {onBoth, onPostgres} from './databases.ts';
import {account, addLive, alice, bob, eventId, newEvent, phone, room, write} from './rows.ts';

const partner = 'partner.example' as ServerName;
const range = (count: number) => Array.from({length: count}, (_, index) => index);

/** Notes what a storage delivers. */
function record(storage: Storage): CommittedChange[] {
	const delivered: CommittedChange[] = [];
	storage.onCommitted((changes) => delivered.push(...changes));
	return delivered;
}

onBoth('a batch is written wholly or not at all', async (t, database) => {
	const storage = await database.open();
	const delivered = record(storage);
	await write(storage, (batch) => storage.accounts.add(batch, account(alice)));
	const batch = storage.batch();
	storage.accounts.add(batch, account(bob));
	addLive(storage, batch, {eventId: eventId('x')});
	storage.accounts.add(batch, account(alice));
	const error = await t.throwsAsync(storage.commit(batch), {instanceOf: DuplicateError});
	t.is(error?.table, 'accounts');
	t.is(await storage.accounts.find(bob), undefined);
	t.is(await storage.events.findById(eventId('x')), undefined);
	t.deepEqual(delivered, []);
	t.is(storage.stream.head(), 0);
});

onBoth(
	'a batch lets go of its values while it waits for the disk, and cannot be committed again',
	async (t, database) => {
		const storage = await database.open();
		const batch = storage.batch();
		storage.accounts.add(batch, account(alice));
		t.is(batch.operations.length, 1);
		const done = storage.commit(batch);
		t.deepEqual(batch.operations, []);
		await t.throwsAsync(storage.commit(batch), {message: /once/u});
		await done;
		t.is((await storage.accounts.find(alice))?.userId, alice);
	},
);

onBoth('a failed batch does not harm those committed together with it', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => storage.accounts.add(batch, account(alice)));
	const delivered = record(storage);
	const outcomes = await Promise.allSettled(
		range(40).map((index) =>
			write(storage, (batch) => {
				addLive(storage, batch, {eventId: eventId(index)});
				if (index % 4 === 0) storage.accounts.add(batch, account(alice));
			}),
		),
	);
	t.is(outcomes.filter(({status}) => status === 'rejected').length, 10);
	t.is(delivered.length, 30);
	t.deepEqual(
		delivered.map(({pos}) => pos),
		range(30).map((index) => index + 1),
	);
	t.is((await storage.events.findByIds(range(40).map((index) => eventId(index)))).size, 30);
});

onBoth(
	'a change is delivered after its commit, before the caller is told, with the position the rows have',
	async (t, database) => {
		const storage = await database.open();
		const order: string[] = [];
		storage.onCommitted((changes) => order.push(...changes.map(({kind, pos}) => `${kind} ${pos}`)));
		const batch = storage.batch();
		const first = batch.announce({kind: 'profile', subject: alice});
		const live = addLive(storage, batch, {eventId: eventId('x')});
		t.throws(() => first.value);
		await storage.commit(batch).then(() => order.push('told'));
		t.deepEqual(order, ['profile 1', 'event 2', 'told']);
		t.is(first.value, 1);
		t.like(await storage.events.findById(eventId('x')), {nid: live.nid, anchor: 2, minor: 0});
		t.deepEqual(await storage.stream.list({after: 0, upto: 9, limit: 9}), [
			{pos: 1, kind: 'profile', roomId: undefined, subject: alice, ref: undefined, relay: false, extra: undefined},
			{pos: 2, kind: 'event', roomId: room, subject: alice, ref: live.nid, relay: true, extra: undefined},
		]);
	},
);

onBoth('the stream can be read by kind, subject and relay', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		batch.announce({kind: 'profile', subject: alice, extra: {key: 'displayname'}});
		batch.announce({kind: 'device', subject: bob});
		batch.announce({kind: 'event', roomId: room, relay: true});
		batch.announce({kind: 'device', subject: alice});
	});
	const list = async (query: object) =>
		(await storage.stream.list({after: 0, upto: 10, limit: 10, ...query})).map(({pos}) => pos);
	t.deepEqual(await list({kinds: ['profile', 'event']}), [1, 3]);
	t.deepEqual(await list({subject: alice}), [1, 4]);
	t.deepEqual(await list({subject: alice, kinds: ['device']}), [4]);
	t.deepEqual(await list({relay: true}), [3]);
	t.deepEqual(await list({after: 1, upto: 3}), [2, 3]);
	t.deepEqual(await list({limit: 2}), [1, 2]);
	t.deepEqual((await storage.stream.list({after: 0, upto: 1, limit: 1}))[0]?.extra, {key: 'displayname'});
});

onBoth('of two moves of a room head from one version one succeeds', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => storage.rooms.add(batch, {roomId: room, version: '11', creator: alice}));
	const move = {roomId: room, fromVersion: 0, fromExtremities: [], root: 0, depth: 1, notifyCount: 0, isPartial: false};
	const outcomes = await Promise.allSettled(
		range(8).map((index) =>
			write(storage, (batch) => {
				const live = addLive(storage, batch, {eventId: eventId(index)});
				storage.rooms.moveHead(batch, {...move, pos: live.anchor, extremities: [live.eventId]});
			}),
		),
	);
	const lost = outcomes.filter((outcome) => outcome.status === 'rejected').map(({reason}) => reason as ConflictError);
	t.is(lost.length, 7);
	t.true(lost.every((error) => error instanceof ConflictError && error.condition === 'room_head'));
	t.like(await storage.rooms.find(room), {headVersion: 1, headPos: 1, headRoot: 0});
	t.is(storage.stream.head(), 1);
	const stale = storage.batch();
	storage.rooms.expectHead(stale, room, 0);
	t.is((await t.throwsAsync(storage.commit(stale), {instanceOf: ConflictError}))?.condition, 'room_head');
});

onBoth(
	'a move built on a move that was lost is lost too, though somebody else has come to its version',
	async (t, database) => {
		const storage = await database.open();
		await write(storage, (batch) => storage.rooms.add(batch, {roomId: room, version: '11', creator: alice}));
		const head = {roomId: room, root: 0, depth: 1, notifyCount: 0, isPartial: false, pos: null};
		await write(storage, (batch) =>
			storage.rooms.moveHead(batch, {...head, fromVersion: 0, fromExtremities: [], extremities: [eventId(1)]}),
		);
		const onLost = storage.batch();
		const from = {fromVersion: 1, fromExtremities: [eventId(2)]};
		storage.rooms.moveHead(onLost, {...head, ...from, extremities: [eventId(3)]});
		t.is((await t.throwsAsync(storage.commit(onLost), {instanceOf: ConflictError}))?.condition, 'room_head');
	},
);

onBoth('a chain of batches built on one another is committed in its order', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => storage.rooms.add(batch, {roomId: room, version: '11', creator: alice}));
	await Promise.all(
		range(50).map((version) =>
			write(storage, (batch) => {
				// A new sender each time: its name must be interned before the batch can be written.
				const sender = `@user${version}:a.example` as UserId;
				const live = addLive(storage, batch, {eventId: eventId(version), sender});
				const head = {root: 0, depth: version, notifyCount: 0, isPartial: false, extremities: [live.eventId]};
				const from = {fromVersion: version, fromExtremities: version === 0 ? [] : [eventId(version - 1)]};
				storage.rooms.moveHead(batch, {roomId: room, ...from, pos: live.anchor, ...head});
			}),
		),
	);
	t.like(await storage.rooms.find(room), {headVersion: 50, headPos: 50});
	t.deepEqual(await storage.rooms.findHeadAt(room, 25), {pos: 25, version: 25, root: 0});
});

onBoth('positions are without gaps and delivered in order to every process', async (t, database) => {
	const storages = await Promise.all(range(3).map(() => database.open()));
	const delivered = storages.map((storage) => record(storage));
	await Promise.all(
		range(90).map(async (index) => {
			const storage = storages[index % 3]!;
			await write(storage, (batch) => {
				addLive(storage, batch, {eventId: eventId(`${index}a`), roomId: `!r${index % 7}:a.example` as RoomId});
				if (index % 2 === 0) batch.announce({kind: 'profile', subject: alice});
			});
		}),
	);
	await Promise.all(storages.map((storage) => storage.barrier()));
	for (const changes of delivered) {
		t.deepEqual(
			changes.map(({pos}) => pos),
			range(135).map((index) => index + 1),
		);
		t.deepEqual(
			changes.map(({kind, roomId, ref}) => ({kind, roomId, ref})),
			delivered[0]!.map(({kind, roomId, ref}) => ({kind, roomId, ref})),
		);
	}
	t.is(new Set(delivered[0]!.map(({ref}) => ref).filter((ref) => ref !== undefined)).size, 90);
});

onBoth('a process sees what another has committed once it has passed the barrier', async (t, database) => {
	const [one, other] = [await database.open(), await database.open()];
	const delivered = record(other);
	await write(one, (batch) => batch.announce({kind: 'account', subject: alice, extra: {locked: true}}));
	await other.barrier();
	t.is(other.stream.head(), 1);
	t.like(delivered[0], {pos: 1, kind: 'account', subject: alice, extra: {locked: true}});
	t.is(delivered.length, 1);
});

onBoth('processes that intern the same new texts at once agree on them', async (t, database) => {
	const storages = await Promise.all(range(3).map(() => database.open()));
	await Promise.all(
		range(60).map(async (index) => {
			const storage = storages[index % 3]!;
			const sender = `@new${Math.floor(index / 6)}:a.example` as UserId;
			await write(storage, (batch) => addLive(storage, batch, {eventId: eventId(index), sender}));
		}),
	);
	for (const storage of storages) {
		const events = await storage.events.findByIds(range(60).map((index) => eventId(index)));
		for (const index of range(60))
			t.is(events.get(eventId(index))?.sender, `@new${Math.floor(index / 6)}:a.example` as UserId);
	}
});

onBoth('the same transaction id is stored once, however many come at once', async (t, database) => {
	const storages = await Promise.all(range(2).map(() => database.open()));
	const key = {userId: alice, deviceId: phone, method: 'PUT', endpoint: 'sendMessage', roomId: room, txnId: 'm1'};
	const outcomes = await Promise.allSettled(
		range(64).map((index) => {
			const storage = storages[index % 2]!;
			return write(storage, (batch) => {
				const live = addLive(storage, batch, {eventId: eventId(index)});
				storage.clientTransactions.add(batch, {...key, answer: {event_id: live.eventId}, ts: 1});
				storage.clientTransactions.setEvent(batch, live.eventId, key, 1);
			});
		}),
	);
	const failures = outcomes
		.filter((outcome) => outcome.status === 'rejected')
		.map(({reason}) => reason as DuplicateError);
	t.is(failures.length, 63);
	t.true(failures.every((error) => error instanceof DuplicateError && error.table === 'client_transactions'));
	const answer = (await storages[0]!.clientTransactions.find(key))?.answer as {event_id: EventId};
	t.truthy(await storages[1]!.events.findById(answer.event_id));
	t.is(
		(await storages[0]!.clientTransactions.findOfEvents(alice, phone, [answer.event_id])).get(answer.event_id),
		'm1',
	);
});

onBoth('a batch is committed once', async (t, database) => {
	const storage = await database.open();
	const batch = storage.batch();
	batch.announce({kind: 'profile', subject: alice});
	await storage.commit(batch);
	await t.throwsAsync(storage.commit(batch), {message: /once/});
	await storage.commit(storage.batch());
	t.is(storage.stream.head(), 1);
});

onBoth('closing finishes what was asked, and afterwards everything is unavailable', async (t, database) => {
	const storage = await database.open();
	const commits = range(20).map((index) =>
		write(storage, (batch) =>
			addLive(storage, batch, {eventId: eventId(index), sender: `@u${index}:a.example` as UserId}),
		),
	);
	await Promise.all([database.close(storage), ...commits]);
	const late = storage.batch();
	late.announce({kind: 'profile', subject: alice});
	t.is((await t.throwsAsync(storage.commit(late), {instanceOf: StorageError}))?.code, 'unavailable');
	t.is((await t.throwsAsync(storage.accounts.find(alice), {instanceOf: StorageError}))?.code, 'unavailable');
	const again = await database.open();
	t.is((await again.events.findByIds(range(20).map((index) => eventId(index)))).size, 20);
});

onBoth('a batch of more rows than ids in stock is written', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		const pos = batch.announce({kind: 'edu', subject: partner});
		for (const index of range(3000)) {
			storage.federation.addOutgoingEdu(batch, {destination: partner, pos, type: `t${index}`, content: {}});
		}
	});
	const listed = await storage.federation.listOutgoingEdus(partner, {after: 0, upto: 1, limit: 1000});
	t.deepEqual(
		listed.map(({type}) => type),
		range(1000).map((index) => `t${index}`),
	);
});

onBoth('a listener that throws is reported and takes nothing from the caller', async (t, database) => {
	const problems: Error[] = [];
	const storage = await database.open({onProblem: (problem) => problems.push(problem)});
	storage.onCommitted(() => {
		throw new Error('listener');
	});
	const delivered = record(storage);
	await write(storage, (batch) => batch.announce({kind: 'profile', subject: alice}));
	t.is(delivered.length, 1);
	t.deepEqual(
		problems.map(({message}) => message),
		['listener'],
	);
});

onBoth('ids are given once, by all processes together', async (t, database) => {
	const storages = await Promise.all(range(2).map(() => database.open()));
	const ids = new Set<number>();
	for (const storage of storages) {
		await storage.ids.reserve(2500);
		for (const _ of range(2500)) ids.add(storage.ids.next());
	}
	t.is(ids.size, 5000);
	t.throws(
		() => {
			for (const _ of range(5000)) storages[0]!.ids.next();
		},
		{instanceOf: StorageError},
	);
});

onPostgres('a wake-up comes from the other process without a barrier', async (t, database) => {
	const [one, other] = [await database.open(), await database.open()];
	const woken = new Promise<CommittedChange>((resolve) => {
		other.onCommitted((changes) => resolve(changes[0]!));
	});
	await write(one, (batch) => addLive(one, batch, newEvent(one, {eventId: eventId('x')})));
	t.like(await woken, {pos: 1, kind: 'event'});
});
