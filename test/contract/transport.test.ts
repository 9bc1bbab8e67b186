import type {DeviceId, ServerName} from '../../crypto/index.ts';
import {type Batch, type Condition, ConflictError, DuplicateError} from '../../storage/index.ts';
import type {ExecutionContext} from 'ava';
import {onBoth} from './databases.ts';
import {alice, bob, countSwept, eventId, partner, phone, room, write} from './rows.ts';

async function lost(t: ExecutionContext, promise: Promise<unknown>, condition: Condition): Promise<void> {
	t.is((await t.throwsAsync(promise, {instanceOf: ConflictError}))?.condition, condition);
}

onBoth('a cursor freezes one body, keeps it through failures, and clears it when it advances', async (t, database) => {
	const storage = await database.open();
	const {cursors} = storage;
	const name = 'federation:b.example';
	const body = {txnId: 't1', to: 7, body: '{"pdus":[]}'};
	await write(storage, (batch) => cursors.add(batch, name, batch.announce({kind: 'cursor', subject: name})));
	await write(storage, (batch) => cursors.add(batch, name, 99));
	t.deepEqual(await cursors.find(name), {name, acked: 1, inFlight: null, failure: null});
	await write(storage, (batch) => cursors.freeze(batch, name, 1, body));
	await lost(
		t,
		write(storage, (batch) => cursors.freeze(batch, name, 1, {...body, txnId: 't2'})),
		'cursor',
	);
	const failure = {sinceTs: 5, attempts: 2, retryTs: 9};
	await write(storage, (batch) => cursors.setFailure(batch, name, failure));
	t.deepEqual(await cursors.find(name), {name, acked: 1, inFlight: body, failure});
	await lost(
		t,
		write(storage, (batch) => cursors.advance(batch, name, 2, 7)),
		'cursor',
	);
	await write(storage, (batch) => cursors.advance(batch, name, 1, 7));
	t.deepEqual(await cursors.find(name), {name, acked: 7, inFlight: null, failure: null});
	await lost(
		t,
		write(storage, (batch) => cursors.freeze(batch, name, 1, body)),
		'cursor',
	);
	await write(storage, (batch) => {
		cursors.add(batch, 'federation:c.example', 0);
		cursors.add(batch, 'federation_other', 0);
		cursors.add(batch, 'push:x', 0);
	});
	const list = async (after?: string) =>
		(await cursors.list('federation:', {after, limit: 9})).map((cursor) => cursor.name);
	t.deepEqual(await list(), [name, 'federation:c.example']);
	t.deepEqual(await list(name), ['federation:c.example']);
	await write(storage, (batch) => cursors.remove(batch, name));
	t.is(await cursors.find(name), undefined);
});

onBoth('a cursor that is written anew in one batch is what it was written as, whatever it was', async (t, database) => {
	const storage = await database.open();
	const {cursors} = storage;
	const name = 'federation:b.example';
	const renew = (acked: number, txnId: string) =>
		write(storage, (batch) => {
			cursors.remove(batch, name);
			cursors.add(batch, name, acked);
			cursors.freeze(batch, name, acked, {txnId, to: acked + 1, body: txnId});
			cursors.setFailure(batch, name, {sinceTs: 1, attempts: acked, retryTs: 2});
		});
	for (const [acked, txnId] of [
		[3, 'first'],
		[9, 'second'],
	] as const) {
		await renew(acked, txnId);
		t.deepEqual(await cursors.find(name), {
			name,
			acked,
			inFlight: {txnId, to: acked + 1, body: txnId},
			failure: {sinceTs: 1, attempts: acked, retryTs: 2},
		});
	}
});

onBoth('EDUs wait for their destination in order', async (t, database) => {
	const storage = await database.open();
	const {federation} = storage;
	const add = (destination: string, types: readonly string[]) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'edu', subject: destination});
			for (const type of types)
				federation.addOutgoingEdu(batch, {destination: destination as ServerName, pos, type, content: {type}});
		});
	await add(partner, ['a', 'b']);
	await add('c.example', ['c']);
	await add(partner, ['d']);
	const list = async (after: number, upto: number) =>
		(await federation.listOutgoingEdus(partner, {after, upto, limit: 9})).map(({type}) => type).join('');
	t.deepEqual([await list(0, 9), await list(1, 9), await list(0, 2)], ['abd', 'd', 'ab']);
	await write(storage, (batch) => federation.removeOutgoingEdus(batch, partner, 1));
	t.is(await list(0, 9), 'd');
});

onBoth("a partner's transaction is staged once and drained in its order", async (t, database) => {
	const storage = await database.open();
	const {federation} = storage;
	const stage = (txnId: string, count: number) =>
		write(storage, (batch) => {
			federation.addInboundTransaction(batch, {origin: partner, txnId, answer: '{"pdus":{}}', receivedTs: 5});
			const pdus = Array.from({length: count}, (_, index) => ({
				origin: partner,
				txnId,
				index,
				json: `{"i":${index}}`,
				receivedTs: 5,
			}));
			federation.stage(batch, pdus);
		});
	await stage('t1', 3);
	t.is((await t.throwsAsync(stage('t1', 3), {instanceOf: DuplicateError}))?.table, 'inbound_transactions');
	await stage('t2', 1);
	t.is(await federation.findInboundTransaction(partner, 't1'), '{"pdus":{}}');
	await write(storage, (batch) => federation.unstage(batch, {origin: partner, txnId: 't1', index: 1}));
	const staged = (await federation.listStaged({limit: 9})).map(({txnId, index, json}) => `${txnId} ${index} ${json}`);
	t.deepEqual(staged, ['t1 0 {"i":0}', 't1 2 {"i":2}', 't2 0 {"i":0}']);
	const [first] = await federation.listStaged({limit: 1});
	const rest = await federation.listStaged({after: first?.id, limit: 9});
	t.deepEqual(
		rest.map(({txnId, index}) => `${txnId} ${index}`),
		['t1 2', 't2 0'],
	);
	await write(storage, (batch) => federation.sweepInboundTransactions(batch, 6));
	t.is(await federation.findInboundTransaction(partner, 't1'), undefined);
});

onBoth('a server key keeps its later validity, and another key under the id replaces it', async (t, database) => {
	const storage = await database.open();
	const key = {server: partner, keyId: 'ed25519:1', key: 'k', validUntilTs: 10, expiredTs: null, fetchedTs: 1};
	const set = (having: Partial<typeof key>) =>
		write(storage, (batch) => storage.federation.setServerKey(batch, {...key, ...having}));
	await set({});
	await set({validUntilTs: 5, fetchedTs: 2});
	t.like((await storage.federation.listServerKeys(partner))[0], {validUntilTs: 10, fetchedTs: 2});
	await set({validUntilTs: 20});
	await set({key: 'other', validUntilTs: 7});
	t.like((await storage.federation.listServerKeys(partner))[0], {key: 'other', validUntilTs: 7});
});

onBoth('transaction ids are swept by age', async (t, database) => {
	const storage = await database.open();
	const key = {userId: alice, deviceId: phone, method: 'PUT', endpoint: 'send', roomId: room, txnId: 't'};
	await write(storage, (batch) => {
		storage.clientTransactions.add(batch, {...key, answer: null, ts: 5});
		storage.clientTransactions.setEvent(batch, eventId('x'), key, 5);
	});
	await write(storage, (batch) => storage.clientTransactions.sweep(batch, 5));
	t.deepEqual(await storage.clientTransactions.find(key), {answer: null});
	t.is(await storage.clientTransactions.find({...key, roomId: ''}), undefined);
	t.is(await countSwept(storage, (batch) => storage.clientTransactions.sweep(batch, 6)), 2);
	t.is(await countSwept(storage, (batch) => storage.clientTransactions.sweep(batch, 6)), 0);
	t.is(await storage.clientTransactions.find(key), undefined);
	t.is((await storage.clientTransactions.findOfEvents(alice, phone, [eventId('x')])).size, 0);
});

onBoth('a job is leased by one, given back, and kept once for its key', async (t, database) => {
	const storage = await database.open();
	const {jobs} = storage;
	const heard: (string | undefined)[] = [];
	storage.onCommitted((changes) => heard.push(...changes.map(({kind, subject}) => `${kind} ${subject}`)));
	const add = (dueTs: number) =>
		write(storage, (batch) => jobs.add(batch, {kind: 'purge', key: 'x', payload: {a: 1}, dueTs}));
	await add(50);
	await add(40);
	await add(60);
	t.deepEqual(heard, ['job purge', 'job purge', 'job purge']);
	const job = await jobs.find('purge', 'x');
	t.like(job, {dueTs: 40, attempts: 0, leasedUntilTs: null, payload: {a: 1}});
	t.is(await jobs.findNextDue(['purge']), 40);
	t.is(await jobs.findNextDue(['other']), undefined);
	t.deepEqual(await jobs.listDue(['purge'], 39, 9), []);
	t.deepEqual(await jobs.listDue(['other'], 99, 9), []);
	const lease = (nowMs: number, untilTs: number) =>
		write(storage, (batch) => jobs.lease(batch, job!.id, nowMs, untilTs));
	// Somebody else has done it, and it is due later again.
	await lost(t, lease(39, 100), 'job');
	await lease(40, 100);
	await lost(t, lease(40, 100), 'job');
	t.deepEqual(await jobs.listDue(['purge'], 99, 9), []);
	t.is(await jobs.findNextDue(['purge']), 100);
	t.is((await jobs.listDue(['purge'], 100, 9)).length, 1);
	const plan = {dueTs: 200, attempts: 3, payload: {a: 2}};
	await write(storage, (batch) => jobs.release(batch, {id: job!.id, untilTs: 100}, plan));
	t.like(await jobs.find('purge', 'x'), {...plan, leasedUntilTs: null});
	await lease(200, 300);
	await write(storage, (batch) => jobs.releaseAll(batch));
	t.is((await jobs.listDue(['purge'], 200, 9)).length, 1);
});

onBoth('who was too slow with a job has no say in it any more', async (t, database) => {
	const storage = await database.open();
	const {jobs} = storage;
	await write(storage, (batch) => jobs.add(batch, {kind: 'purge', key: '', payload: {}, dueTs: 0}));
	const {id} = (await jobs.find('purge', ''))!;
	await write(storage, (batch) => jobs.lease(batch, id, 0, 100));
	await write(storage, (batch) => jobs.renew(batch, {id, untilTs: 100}, 150));
	// Until 150 it was the first one's; the second takes it when that is over.
	await lost(
		t,
		write(storage, (batch) => jobs.lease(batch, id, 149, 400)),
		'job',
	);
	await write(storage, (batch) => jobs.lease(batch, id, 150, 250));
	const plan = {dueTs: 900, attempts: 0, payload: {}};
	for (const change of [
		(batch: Batch) => jobs.renew(batch, {id, untilTs: 150}, 300),
		(batch: Batch) => jobs.release(batch, {id, untilTs: 150}, plan),
		(batch: Batch) => jobs.remove(batch, {id, untilTs: 150}),
	]) {
		await lost(t, write(storage, change), 'job');
	}
	t.like(await jobs.find('purge', ''), {leasedUntilTs: 250, dueTs: 0});
	await write(storage, (batch) => jobs.remove(batch, {id, untilTs: 250}));
	t.is(await jobs.findNextDue(['purge']), undefined);
});

onBoth('a regular job is added once, without news, and is due no later than asked', async (t, database) => {
	const storage = await database.open();
	const head = storage.stream.head();
	for (const dueTs of [70, 90, 50]) await write(storage, (batch) => storage.jobs.addRegular(batch, 'sweep', dueTs));
	t.like(await storage.jobs.find('sweep', ''), {dueTs: 50, payload: {}});
	t.is(storage.stream.head(), head);
});

onBoth('a medium is filled once, counted by content, and known by the events that show it', async (t, database) => {
	const storage = await database.open();
	const {media} = storage;
	const row = {
		origin: partner,
		mediaId: 'm1',
		uploader: alice,
		contentType: 'image/png',
		fileName: 'a\0b.png',
		sizeBytes: null,
		sha256: null,
		isQuarantined: false,
		createdTs: 1,
		lastUsedDay: 1,
	};
	await write(storage, (batch) => media.add(batch, row));
	t.is(
		(
			await t.throwsAsync(
				write(storage, (batch) => media.add(batch, row)),
				{instanceOf: DuplicateError},
			)
		)?.table,
		'media',
	);
	const content = {
		origin: partner,
		mediaId: 'm1',
		uploader: alice,
		contentType: 'image/webp',
		fileName: null,
		sizeBytes: 3,
		sha256: 'ff',
	};
	await write(storage, (batch) => media.fill(batch, content));
	await lost(
		t,
		write(storage, (batch) => media.fill(batch, content)),
		'media',
	);
	await write(storage, (batch) => {
		media.addReference(batch, partner, 'm1', eventId('x'));
		media.addReference(batch, partner, 'm1', eventId('x'));
		media.setQuarantined(batch, partner, 'm1', true);
		media.setLastUsed(batch, partner, 'm1', 9);
	});
	t.deepEqual(await media.find(partner, 'm1'), {...row, ...content, isQuarantined: true, lastUsedDay: 9});
	t.is(await media.countOfContent('ff'), 1);
	t.deepEqual(await media.listReferences(partner, 'm1'), [eventId('x')]);
	const small = {sha256: 'ff', variant: 'crop-32', contentType: 'image/png', sizeBytes: 2, thumbnailSha256: 'ee'};
	await write(storage, (batch) => {
		media.addThumbnail(batch, small);
		media.addThumbnail(batch, {...small, thumbnailSha256: 'dd'});
		media.addThumbnail(batch, {...small, variant: 'whole', thumbnailSha256: 'ff'});
	});
	t.deepEqual(await media.findThumbnail('ff', 'crop-32'), small, 'the first one stays');
	t.is(await media.countOfContent('ff'), 2);
	await write(storage, (batch) => media.removeThumbnail(batch, 'ff', 'whole'));
	t.is(await media.countOfContent('ff'), 1);
	await write(storage, (batch) => media.removeThumbnails(batch, 'ff'));
	t.is(await media.findThumbnail('ff', 'crop-32'), undefined);
	t.is((await media.listOfUploader(alice, {limit: 9})).length, 1);
	await write(storage, (batch) => media.remove(batch, {...row, sizeBytes: 3}));
	t.deepEqual([await media.find(partner, 'm1'), await media.listReferences(partner, 'm1')], [undefined, []]);
});

onBoth(
	'of the snapshots of connections the newest are kept, so many for each connection and device',
	async (t, database) => {
		const storage = await database.open();
		const {slidingSnapshots} = storage;
		const tablet = 'TABLET' as DeviceId;
		const row = (id: number, connId: string, deviceId = phone) => ({
			id,
			userId: alice,
			deviceId,
			connId,
			createdTs: 1_000 + Math.floor(id / 2),
			body: new Uint8Array([id, 0, 255]),
		});
		const add = (...rows: readonly ReturnType<typeof row>[]) =>
			write(storage, (batch) => {
				for (const one of rows) slidingSnapshots.add(batch, one);
			});
		const has = async (...of: Parameters<typeof row>) => (await slidingSnapshots.find(row(...of))) !== undefined;
		await add(row(50, 'list', tablet));
		for (const id of [1, 2, 3, 4]) await add(row(id, 'list'));
		t.deepEqual([...(await slidingSnapshots.find(row(4, 'list')))!], [4, 0, 255]);
		t.deepEqual(await Promise.all([1, 2, 3, 4].map((id) => has(id, 'list'))), [false, true, true, true]);
		t.is(await slidingSnapshots.find({...row(4, 'list'), userId: bob}), undefined);
		t.is(await slidingSnapshots.find(row(4, 'other')), undefined);
		t.is(await slidingSnapshots.find(row(4, 'list', tablet)), undefined);
		for (let id = 5; id <= 19; id += 1) await add(row(id, `other ${id}`));
		t.deepEqual(await Promise.all([2, 3, 4].map((id) => has(id, 'list'))), [false, false, true]);
		t.true(await has(50, 'list', tablet));
	},
);

onBoth('interned texts are known by integers, the same after a restart', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		const pos = batch.announce({kind: 'account_data', subject: alice, roomId: room});
		storage.accountData.set(batch, {userId: alice, roomId: room, type: 'm.tag', content: {}, pos});
	});
	const ids = await storage.names.findIds([room, 'nowhere']);
	t.deepEqual([...ids.keys()], [room]);
	await database.close(storage);
	const after = await database.open();
	t.deepEqual([...(await after.names.findTexts([...ids.values(), 999_999_999])).entries()], [[ids.get(room)!, room]]);
});
