import type {UserId} from '../../crypto/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, phone, write} from './rows.ts';

onBoth('pushers with one app id and pushkey are found and removed across users', async (t, database) => {
	const storage = await database.open();
	const of = (userId: UserId, pushkey: string) => ({
		userId,
		deviceId: phone,
		appId: 'app',
		pushkey,
		json: {lang: 'en'},
	});
	await write(storage, (batch) => {
		const pos = batch.announce({kind: 'cursor', subject: 'push:x'});
		for (const userId of [alice, bob]) storage.pushers.set(batch, {...of(userId, 'shared'), pos});
		storage.pushers.set(batch, {...of(bob, 'own'), pos});
	});
	const owners = async () => (await storage.pushers.listOfKey('app', 'shared')).map(({userId}) => userId);
	t.deepEqual(await owners(), [alice, bob]);
	t.like((await storage.pushers.listOfKey('app', 'own'))[0], of(bob, 'own'));
	t.deepEqual(await storage.pushers.listOfKey('other', 'shared'), []);
	await write(storage, (batch) => storage.pushers.removeOfOthers(batch, alice, 'app', 'shared'));
	t.deepEqual(await owners(), [alice]);
	await write(storage, (batch) => storage.pushers.remove(batch, alice, 'app', 'shared'));
	t.deepEqual(
		(await storage.pushers.list()).map(({userId, pushkey}) => [userId, pushkey]),
		[[bob, 'own']],
	);
});
