import test from 'ava';
import {EngineError} from '../../../federation/engine/index.ts';
import {until} from '../../harness/client.ts';
import {openStaging, origin, pdu, roomId} from './open-staging.ts';

/** A transaction of PDUs of one room. */
const transaction = (txnId: string, ...bodies: string[]) => ({
	origin,
	txnId,
	pdus: bodies.map((body, index) => ({index, roomId, json: pdu(body)})),
	answer: {pdus: {[`$${txnId}`]: {}}},
});

async function openEntered(t: Parameters<typeof openStaging>[0]) {
	const opened = await openStaging(t);
	opened.world.isEntered = true;
	return {
		...opened,
		listStaged: async () => (await opened.storage.federation.listStaged({limit: 10})).map(({txnId}) => txnId),
		findAnswer: (txnId: string) => opened.storage.federation.findInboundTransaction(origin, txnId),
	};
}

/** Something that others wait for until the test says so. */
function createGate(): {readonly opened: Promise<void>; readonly open: () => void} {
	let open = (): void => undefined;
	const opened = new Promise<void>((resolve) => (open = resolve));
	return {opened, open: () => open()};
}

test('a PDU that comes alone is settled and noted in one commit, and never staged', async (t) => {
	const {staging, received, storage, listStaged, findAnswer} = await openEntered(t);
	const before = storage.figures().batches;
	await staging.take(transaction('1', 'a'));
	t.deepEqual(received, ['a']);
	t.is(storage.figures().batches - before, 1);
	t.is(staging.waiting, 0);
	t.deepEqual(await listStaged(), []);
	t.is(await findAnswer('1'), '{"pdus":{"$1":{}}}');
});

test('a PDU that takes long is staged and answered for, and leaves when it is settled', async (t) => {
	const {staging, world, clock, received, listStaged, findAnswer} = await openEntered(t);
	const gate = createGate();
	world.judge = () => gate.opened;
	const taken = staging.take(transaction('1', 'a'));
	await until(() => received.length === 1, 'it is being judged');
	t.deepEqual(await listStaged(), []);
	clock.advance(50);
	await taken;
	t.deepEqual(await listStaged(), ['1']);
	t.is(await findAnswer('1'), '{"pdus":{"$1":{}}}');
	t.is(staging.waiting, 1);
	gate.open();
	await until(() => staging.waiting === 0, 'it is settled');
	t.deepEqual(await listStaged(), []);
	t.deepEqual(received, ['a']);
});

test('a PDU that cannot be judged yet is staged at once, and tried again', async (t) => {
	const {staging, world, clock, received, listStaged} = await openEntered(t);
	world.judge = () => Promise.reject(new EngineError('unavailable', 'a server does not answer'));
	await staging.take(transaction('1', 'a'));
	t.deepEqual(await listStaged(), ['1']);
	world.judge = () => Promise.resolve();
	clock.advance(1_000);
	await until(() => staging.waiting === 0, 'it is settled');
	t.deepEqual(received, ['a', 'a']);
	t.deepEqual(await listStaged(), []);
});

test('a transaction that comes again while its PDU is on its way is answered with it, and is one', async (t) => {
	const {staging, world, received, storage, listStaged} = await openEntered(t);
	const gate = createGate();
	world.judge = () => gate.opened;
	const before = storage.figures().batches;
	const answers = [staging.take(transaction('1', 'a')), staging.take(transaction('1', 'a'))];
	await until(() => received.length === 1, 'it is being judged');
	gate.open();
	await Promise.all(answers);
	t.deepEqual(received, ['a']);
	t.is(storage.figures().batches - before, 1);
	t.deepEqual(await listStaged(), []);
});

test('what comes for a room that is busy waits behind it, and so do several at once', async (t) => {
	const {staging, world, received, listStaged} = await openEntered(t);
	const gate = createGate();
	world.judge = () => gate.opened;
	const first = staging.take(transaction('1', 'a'));
	await until(() => received.length === 1, 'it is being judged');
	await staging.take(transaction('2', 'b'));
	await staging.take(transaction('3', 'c', 'd'));
	t.deepEqual(await listStaged(), ['2', '3', '3']);
	gate.open();
	await first;
	await until(() => staging.waiting === 0, 'all are settled');
	t.deepEqual(received, ['a', 'b', 'c', 'd']);
	t.deepEqual(await listStaged(), []);
});
