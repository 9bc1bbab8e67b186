/** Messages to a device are removed once it has said that it has them, and cost no search through what others wait for. */
import test, {type ExecutionContext} from 'ava';
import type {DeviceId, UserId} from '../../../../crypto/index.ts';
import type {Positions} from '../../../../server/sync/positions.ts';
import {DeviceNews} from '../../../../server/sync/v3/device.ts';
import {StorageError} from '../../../../storage/index.ts';
import {makeEngine} from '../../../harness/engine.ts';

const userId = '@alice:one.test' as UserId;
const deviceId = 'PHONE' as DeviceId;

async function makeWorld(t: ExecutionContext) {
	const made = await makeEngine();
	t.teardown(() => made[Symbol.asyncDispose]());
	const {storage} = made;
	const removed: {after: number; upto: number}[] = [];
	let isFull = false;
	const watched = {
		toDevice: {
			...storage.toDevice,
			remove(...args: Parameters<typeof storage.toDevice.remove>) {
				removed.push(args[3]);
				storage.toDevice.remove(...args);
			},
		},
		batch: () => storage.batch(),
		commit: (batch: ReturnType<typeof storage.batch>) =>
			isFull ? Promise.reject(new StorageError('unavailable', 'the disk is full')) : storage.commit(batch),
	} as unknown as typeof storage;
	const send = async (): Promise<number> => {
		const batch = storage.batch();
		const pos = batch.announce({kind: 'to_device', subject: userId});
		storage.toDevice.add(batch, {pos, sender: userId, type: 'm', messages: [{userId, deviceId, content: {}}]});
		await storage.commit(batch);
		return pos.value;
	};
	const pass = async (positions: number): Promise<void> => {
		const batch = storage.batch();
		for (let index = 0; index < positions; index += 1) batch.announce({kind: 'cursor', subject: 'x'});
		await storage.commit(batch);
	};
	const start = () => {
		const news = new DeviceNews(watched, {hasToDevice: () => true} as unknown as Positions);
		return async (since: number, upto: number): Promise<number> => {
			const {events} = await news.listToDevice({userId, deviceId, since: {toDevice: since}, upto});
			return events.length;
		};
	};
	const count = async () => (await storage.toDevice.list(userId, deviceId, {after: 0, upto: 1e9, limit: 99})).length;
	return {
		send,
		pass,
		start,
		count,
		removed,
		setFull: (value: boolean) => {
			isFull = value;
		},
	};
}

test('a process removes all that a device has at first, and then what it has told the device', async (t) => {
	const {send, start, count, removed} = await makeWorld(t);
	const first = await send();
	const ask = start();
	t.is(await ask(first - 1, first), 1);
	t.is(await count(), 1);
	const second = await send();
	t.is(await ask(first, second), 1);
	const third = await send();
	t.is(await ask(second, third), 1);
	t.is(await ask(third, third), 0);
	t.deepEqual(removed, [
		{after: 0, upto: first},
		{after: first, upto: second},
		{after: second, upto: third},
	]);
	t.is(await count(), 0);
});

test('what was not acknowledged, or could not be removed, is removed with what follows', async (t) => {
	const {send, start, count, removed, setFull} = await makeWorld(t);
	const first = await send();
	const ask = start();
	await ask(first - 1, first);
	await ask(first, first);
	const second = await send();
	await ask(first, second);
	const third = await send();
	t.is(await ask(first, third), 2, 'the answer did not arrive');
	setFull(true);
	t.is(await ask(third, third), 0);
	setFull(false);
	const fourth = await send();
	await ask(third, fourth);
	await ask(fourth, fourth);
	t.deepEqual(removed, [
		{after: 0, upto: first},
		{after: first, upto: third},
		{after: 0, upto: fourth},
	]);
	t.is(await count(), 0);
});

test('what another process told a device, and did not see arrive, is removed after a while', async (t) => {
	const {send, pass, start, count} = await makeWorld(t);
	const [one, other] = [start(), start()];
	const first = await send();
	await one(first - 1, first);
	await one(first, first);
	const second = await send();
	await other(first, second);
	const third = await send();
	await one(second, third);
	await one(third, third);
	t.is(await count(), 1);
	await pass(10_001);
	const last = await send();
	await one(third, last);
	await one(last, last);
	t.is(await count(), 0);
});
