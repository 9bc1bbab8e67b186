import type {ExecutionContext} from 'ava';
import {type Condition, ConflictError, type DelayedEventRow} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, phone, room, write} from './rows.ts';

async function lost(t: ExecutionContext, promise: Promise<unknown>, condition: Condition): Promise<void> {
	t.is((await t.throwsAsync(promise, {instanceOf: ConflictError}))?.condition, condition);
}

const waiting = (delayId: string, having: Partial<DelayedEventRow> = {}): DelayedEventRow => ({
	delayId,
	userId: alice,
	roomId: room,
	type: 'org.example.type',
	stateKey: null,
	content: {a: '\u0000'},
	delayMs: 1000,
	runningSinceTs: 5,
	pos: 0,
	...having,
});

onBoth('an event that waits is found, begins anew, and goes once', async (t, database) => {
	const {delayedEvents, ...rest} = await database.open();
	const storage = {delayedEvents, ...rest};
	await write(storage, (batch) => {
		delayedEvents.add(batch, waiting('a'));
		delayedEvents.add(batch, waiting('b', {stateKey: '', runningSinceTs: 4}));
		delayedEvents.add(batch, waiting('c', {userId: bob}));
	});
	t.deepEqual(await delayedEvents.find('a'), waiting('a'));
	t.deepEqual(
		(await delayedEvents.listOfUser(alice)).map(({delayId}) => delayId),
		['b', 'a'],
	);
	await write(storage, (batch) => delayedEvents.restart(batch, 'a', 9));
	t.is((await delayedEvents.find('a'))?.runningSinceTs, 9);
	await write(storage, (batch) => delayedEvents.remove(batch, 'a'));
	const again = write(storage, (batch) => delayedEvents.remove(batch, 'a'));
	await lost(t, again, 'delayed_event');
	const late = write(storage, (batch) => delayedEvents.restart(batch, 'a', 10));
	await lost(t, late, 'delayed_event');
	await write(storage, (batch) => delayedEvents.removeOfUser(batch, alice));
	t.deepEqual(await delayedEvents.listOfUser(alice), []);
	t.is((await delayedEvents.listOfUser(bob)).length, 1);
});

onBoth('a login token is good once, until it ends, and until its device asks for another', async (t, database) => {
	const storage = await database.open();
	const {loginTokens} = storage;
	const token = (tokenHash: string, expiresTs: number) => ({
		tokenHash,
		userId: alice,
		deviceId: phone,
		webSessionHash: null,
		expiresTs,
	});
	await write(storage, (batch) => loginTokens.add(batch, token('first', 100)));
	await write(storage, (batch) => loginTokens.add(batch, token('second', 100)));
	t.is(await loginTokens.find('first'), undefined);
	t.deepEqual(await loginTokens.find('second'), token('second', 100));
	const late = write(storage, (batch) => loginTokens.redeem(batch, 'second', 100));
	await lost(t, late, 'login_token');
	await write(storage, (batch) => loginTokens.redeem(batch, 'second', 99));
	const again = write(storage, (batch) => loginTokens.redeem(batch, 'second', 99));
	await lost(t, again, 'login_token');
	await write(storage, (batch) => loginTokens.add(batch, token('third', 100)));
	await write(storage, (batch) => loginTokens.sweep(batch, 101));
	t.is(await loginTokens.find('third'), undefined);
	// A browser has none of a device's, however many it asks for.
	const ofBrowser = (tokenHash: string) => ({...token(tokenHash, 200), deviceId: null, webSessionHash: 'browser'});
	for (const tokenHash of ['fourth', 'fifth']) {
		await write(storage, (batch) => loginTokens.add(batch, ofBrowser(tokenHash)));
	}
	t.deepEqual(await loginTokens.find('fourth'), ofBrowser('fourth'));
	t.deepEqual(await loginTokens.find('fifth'), ofBrowser('fifth'));
});
