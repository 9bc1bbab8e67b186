import type {DeviceId} from '../../crypto/index.ts';
import type {OneTimeKey, Storage} from '../../storage/index.ts';
import {createSeededRandom} from '../harness/seeded-random.ts';
import {onBoth} from './databases.ts';
import {alice, phone, write} from './rows.ts';

const keysOf = (algorithm: string, first: number, count: number): OneTimeKey[] =>
	Array.from({length: count}, (_, index) => ({
		keyId: `${algorithm}:${first + index}`,
		json: {key: `${first + index}`},
	}));

const upload = (storage: Storage, deviceId: DeviceId, keys: readonly OneTimeKey[]): Promise<void> =>
	write(storage, (batch) => {
		const pos = batch.announce({kind: 'device_keys', subject: alice});
		storage.keys.addOneTimeKeys(batch, {userId: alice, deviceId}, keys, pos);
	});

async function claim(storage: Storage, deviceId: DeviceId, algorithm: string): Promise<string | undefined> {
	const batch = storage.batch();
	const outcome = storage.keys.claimOneTimeKeys(batch, [{userId: alice, deviceId, algorithm}]);
	await storage.commit(batch);
	return outcome.value[0]?.keyId;
}

const isKnown = async (storage: Storage, keyId: string) =>
	(await storage.keys.findOneTimeKeys(alice, phone, [keyId])).length > 0;

onBoth('keys of several algorithms and uploads are given in order, and counted', async (t, database) => {
	const storage = await database.open();
	const random = createSeededRandom('one-time keys');
	const devices = ['ONE', 'TWO'] as DeviceId[];
	const left = new Map<string, string[]>();
	let made = 0;
	for (let round = 0; round < 60; round += 1) {
		const deviceId = random.pick(devices);
		if (random.chance(0.3)) {
			const keys = random.shuffle(['x', 'y', 'z'].flatMap((name) => keysOf(name, made, random.below(4))));
			made += 4;
			await upload(storage, deviceId, keys);
			for (const {keyId} of keys) {
				const place = `${deviceId} ${keyId[0]}`;
				left.set(place, [...(left.get(place) ?? []), keyId]);
			}
		}
		const algorithm = random.pick(['x', 'y', 'z', 'none']);
		t.is(await claim(storage, deviceId, algorithm), left.get(`${deviceId} ${algorithm}`)?.shift());
		const counts = ['x', 'y', 'z']
			.map((name) => [name, left.get(`${deviceId} ${name}`)?.length ?? 0] as const)
			.filter(([, count]) => count > 0);
		t.deepEqual(await storage.keys.countOneTimeKeys(alice, deviceId), Object.fromEntries(counts));
	}
});

onBoth('of the keys that were claimed the latest two hundred at least are remembered', async (t, database) => {
	const storage = await database.open();
	await upload(storage, phone, keysOf('x', 0, 100));
	await upload(storage, phone, keysOf('x', 100, 199));
	await upload(storage, phone, keysOf('x', 299, 1));
	await upload(storage, phone, keysOf('y', 0, 1));
	await claim(storage, phone, 'y');
	for (let index = 0; index < 299; index += 1) await claim(storage, phone, 'x');
	await upload(storage, phone, keysOf('x', 300, 1));
	t.true(await isKnown(storage, 'x:0'), '199 were claimed since');
	t.is(await claim(storage, phone, 'x'), 'x:299');
	await upload(storage, phone, keysOf('x', 301, 1));
	t.deepEqual(await Promise.all(['x:0', 'x:99'].map((keyId) => isKnown(storage, keyId))), [false, false]);
	t.deepEqual(await Promise.all(['x:100', 'x:299', 'y:0'].map((keyId) => isKnown(storage, keyId))), [true, true, true]);
	t.deepEqual(await storage.keys.countOneTimeKeys(alice, phone), {x: 2});
	t.is(await claim(storage, phone, 'x'), 'x:300');
});
