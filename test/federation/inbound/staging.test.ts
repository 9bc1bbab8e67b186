import test from 'ava';
import {type Storage, StorageError} from '../../../storage/index.ts';
import {until} from '../../harness/client.ts';
import {openStaging, pdu} from './open-staging.ts';

test('events of a room that is being entered wait until it is entered', async (t) => {
	const {storage, staging, received, take, enter} = await openStaging(t);
	await take('1', pdu('of a room that is not known'));
	t.is(staging.waiting, 0);
	const [release, releaseOther] = [enter(), enter()];
	await take('2', pdu('a'), pdu('b'));
	await take('3', pdu('c'));
	release();
	t.deepEqual(received, []);
	t.is((await storage.federation.listStaged({limit: 10})).length, 3);
	releaseOther();
	await until(() => staging.waiting === 0, 'all are received');
	t.deepEqual(received, ['a', 'b', 'c']);
	t.deepEqual(await storage.federation.listStaged({limit: 10}), []);
});

test('events that are on disk although nobody could say so are received all the same, once', async (t) => {
	const faults = [true];
	const {staging, clock, received, take, enter} = await openStaging(t, (storage) =>
		Object.create(storage, {
			commit: {
				async value(batch: Parameters<Storage['commit']>[0]) {
					await storage.commit(batch);
					if (faults.shift() === true) throw new StorageError('outcome_unknown', 'connection lost');
				},
			},
		}),
	);
	const release = enter();
	await t.throwsAsync(take('1', pdu('a')), {instanceOf: StorageError});
	t.is(staging.waiting, 0);
	// The sender comes again, and is answered from what is on disk.
	t.deepEqual(await take('1', pdu('a')), {pdus: {}});
	clock.advance(1_000);
	await until(() => staging.waiting === 1, 'the event is found');
	release();
	await until(() => staging.waiting === 0, 'it is received');
	t.deepEqual(received, ['a']);
});

test('the events of one or several transactions are checked together, before the first of them has had its turn', async (t) => {
	const {staging, received, ahead, take, enter} = await openStaging(t);
	const release = enter();
	const bodies = Array.from({length: 50}, (_, n) => pdu(`${n}`));
	await take('1', ...bodies.slice(0, 30));
	await take('2', ...bodies.slice(30));
	release();
	await until(() => received.length > 0, 'the first one is received');
	t.is(ahead.length, 50);
	await until(() => staging.waiting === 0, 'all are received');
	t.is(received.length, 50);
	t.is(ahead.length, 50);
});

test('row 44: a transaction with EDUs is answered at a tick of a grid, however long its EDUs took', async (t) => {
	const {clock, edus, takeBoth, staging} = await openStaging(t);
	const begunMs = clock.monotonic();
	const done: string[] = [];
	// One finds somebody, for whom much is to be written; the other finds nobody.
	edus['x.slow'] = () => new Promise((resolve) => void clock.setTimer(13, resolve));
	edus['x.quick'] = () => Promise.resolve();
	for (const [txnId, type] of [
		['slow', 'x.slow'],
		['quick', 'x.quick'],
		['unknown', 'x.nobody'],
	] as const) {
		void takeBoth(txnId, [], [{edu_type: type, content: {}}]).then(() =>
			done.push(`${txnId} ${clock.monotonic() - begunMs}`),
		);
	}
	// Time stands still until each waits for nothing but the clock.
	for (const stepMs of [13, 6.5]) {
		await until(() => staging.waiting === 0 && clock.waiting === 3, 'all wait for the clock');
		clock.advance(stepMs);
	}
	await new Promise(setImmediate);
	t.deepEqual(done, []);
	clock.advance(0.5);
	await until(() => done.length === 3, 'all are answered');
	t.deepEqual(done.toSorted(), ['quick 20', 'slow 20', 'unknown 20']);
	t.deepEqual(await takeBoth('none', [], []), {pdus: {}}, 'without EDUs nothing waits');
});
