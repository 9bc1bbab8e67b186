/** What signs somebody in to their account: the last of it cannot be removed. */
import {type AccountRow, type Batch, ConflictError, type Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {account, alice, bob, passkey, write} from './rows.ts';

const PROVIDERS = ['house', 'directory'];

async function addPerson(storage: Storage, having: Partial<AccountRow> = {}): Promise<void> {
	await write(storage, (batch) => storage.accounts.add(batch, {...account(alice), ...having}));
}

function addPasskey(storage: Storage, batch: Batch, credentialId: string, userId = alice): void {
	storage.factors.addPasskey(batch, passkey(credentialId, {userId}), 20);
}

/** Whether something may be removed; where it may not, nothing of the batch is written. */
async function may(storage: Storage, remove: (batch: Batch) => void): Promise<boolean> {
	try {
		await write(storage, (batch) => {
			remove(batch);
			storage.accounts.checkWayIn(batch, alice, PROVIDERS);
		});
		return true;
	} catch (error) {
		if (error instanceof ConflictError && error.condition === 'way_in') return false;
		throw error;
	}
}

onBoth('what signs somebody in is a password, a passkey or a provider of the configuration', async (t, database) => {
	const storage = await database.open();
	await addPerson(storage);
	const nothing = () => undefined;
	t.false(await may(storage, nothing), 'nothing is there');
	await write(storage, (batch) => {
		storage.identities.add(batch, {providerId: 'of yesterday', subject: 'a', userId: alice});
		storage.accounts.add(batch, {...account(bob), passwordHash: 'a hash'});
		storage.identities.add(batch, {providerId: 'house', subject: 'b', userId: bob});
	});
	await write(storage, (batch) => addPasskey(storage, batch, 'of bob', bob));
	t.false(await may(storage, nothing), 'a provider that is none, and what is another person’s');
	await write(storage, (batch) => storage.accounts.setPassword(batch, alice, 'a hash'));
	t.true(await may(storage, nothing), 'a password');
	await write(storage, (batch) => {
		storage.accounts.setPassword(batch, alice, null);
		storage.identities.add(batch, {providerId: 'directory', subject: 'a', userId: alice});
	});
	t.true(await may(storage, nothing), 'a provider');
	t.false(await may(storage, (batch) => storage.identities.remove(batch, alice, 'directory')));
	t.is((await storage.identities.listOfUser(alice)).length, 2);
	await write(storage, (batch) => addPasskey(storage, batch, 'of alice'));
	t.true(await may(storage, (batch) => storage.identities.remove(batch, alice, 'directory')), 'a passkey');
	t.false(await may(storage, (batch) => storage.factors.removePasskey(batch, alice, 'of alice')));
	t.is((await storage.factors.count(alice)).passkeys, 1);
});

onBoth('of two ways in that two processes remove together one is left', async (t, database) => {
	const [storage, other] = [await database.open(), await database.open()] as const;
	await addPerson(storage);
	for (let round = 0; round < 16; round += 1) {
		await write(storage, (batch) => {
			storage.identities.remove(batch, alice, 'house');
			storage.identities.add(batch, {providerId: 'house', subject: 'a', userId: alice});
		});
		const isLeft = (await storage.factors.count(alice)).passkeys > 0;
		if (!isLeft) await write(storage, (batch) => addPasskey(storage, batch, 'key'));
		const removed = await Promise.all([
			may(storage, (batch) => storage.identities.remove(batch, alice, 'house')),
			may(other, (batch) => other.factors.removePasskey(batch, alice, 'key')),
		]);
		t.is(removed.filter(Boolean).length, 1, `round ${round}`);
		const {passkeys} = await storage.factors.count(alice);
		t.is(passkeys + (await storage.identities.listOfUser(alice)).length, 1, `round ${round}`);
	}
});
