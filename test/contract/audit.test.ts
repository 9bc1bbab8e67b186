import {sha256Base64Url} from '../../crypto/index.ts';
import type {AuditEntry, Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {account, alice, bob, write} from './rows.ts';

const entry = (whom: string | null): AuditEntry => ({ts: 1, who: alice, act: 'lock', whom, details: {value: true}});

/** What is wrong with the chain, as far as anything is. */
async function listFaults(storage: Storage): Promise<string[]> {
	const faults: string[] = [];
	let previous = '';
	for (const [index, row] of (await storage.audit.list({after: 0, limit: 1000})).entries()) {
		const read = JSON.parse(row.entry) as {position: number; previous: string};
		if (row.position !== index + 1 || read.position !== row.position) faults.push(`position ${row.position}`);
		if (read.previous !== previous || sha256Base64Url(row.entry) !== row.hash) faults.push(`hash ${row.position}`);
		previous = row.hash;
	}
	return faults;
}

onBoth('each entry of the audit log names the one before by its hash', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		storage.audit.append(batch, entry(alice));
		storage.audit.append(batch, entry(bob));
	});
	await write(storage, (batch) => storage.audit.append(batch, entry(null)));
	t.deepEqual(await listFaults(storage), []);
	const rows = await storage.audit.list({after: 1, limit: 10});
	t.deepEqual(
		rows.map(({position, entry: text}) => [position, (JSON.parse(text) as AuditEntry).whom]),
		[
			[2, bob],
			[3, null],
		],
	);
	t.is((await storage.audit.findLast())?.position, 3);
	t.deepEqual(
		(await storage.audit.listNewest({before: 3, limit: 1})).map(({position}) => position),
		[2],
	);
});

onBoth('an entry is written with what it tells of, or not at all', async (t, database) => {
	const storage = await database.open();
	const batch = storage.batch();
	storage.accounts.setStates(batch, alice, {isLocked: true});
	storage.audit.append(batch, entry(alice));
	await t.throwsAsync(storage.commit(batch), {message: /account/});
	t.is(await storage.audit.findLast(), undefined);
	await write(storage, (made) => {
		storage.accounts.add(made, account(alice));
		storage.audit.append(made, entry(alice));
	});
	t.is((await storage.audit.findLast())?.position, 1);
	t.truthy(await storage.accounts.find(alice));
});

onBoth('the chain holds however many processes write to it at once', async (t, database) => {
	const storages = await Promise.all([database.open(), database.open()]);
	const before = storages[0].stream.head();
	const results = await Promise.allSettled(
		Array.from({length: 64}, async (_, index) => {
			const storage = storages[index % 2]!;
			const batch = storage.batch();
			// Every fourth act fails by itself, and must not take others with it.
			if (index % 4 === 3) storage.accounts.setStates(batch, alice, {isLocked: true});
			const position = batch.announce({kind: 'account', subject: `@user${index}:a.example`});
			storage.audit.append(batch, entry(`@user${index}:a.example`));
			await storage.commit(batch);
			return position.value;
		}),
	);
	const done = results.filter(({status}) => status === 'fulfilled');
	t.is(done.length, 48);
	t.deepEqual(await listFaults(storages[0]), []);
	const told = (await storages[1].audit.list({after: 0, limit: 100})).map(
		(row) => (JSON.parse(row.entry) as AuditEntry).whom,
	);
	t.is(new Set(told).size, 48);
	await storages[0].barrier();
	t.is(storages[0].stream.head() - before, 48);
});

onBoth('seals and tasks are kept as they were written', async (t, database) => {
	const storage = await database.open();
	const seal = {position: 3, hash: 'h', sealedTs: 5, keyId: 'ed25519:a', signature: 's'};
	await write(storage, (batch) => storage.audit.addSeal(batch, seal));
	await write(storage, (batch) => storage.audit.addSeal(batch, {...seal, hash: 'other'}));
	t.deepEqual(await storage.audit.listSeals({after: 0, limit: 10}), [seal]);
	const task = {
		taskId: 'one',
		kind: 'delete-room',
		subject: '!room:a.example',
		status: 'scheduled',
		result: {},
		error: null,
		changedTs: 7,
	} as const;
	await write(storage, (batch) => storage.administrativeTasks.set(batch, task));
	await write(storage, (batch) => storage.administrativeTasks.set(batch, {...task, status: 'complete'}));
	t.like(await storage.administrativeTasks.find('one'), {status: 'complete'});
	t.is((await storage.administrativeTasks.listOfSubject('delete-room', task.subject)).length, 1);
	t.is((await storage.administrativeTasks.listOfSubject('redact-user', task.subject)).length, 0);
	const batch = storage.batch();
	const swept = storage.administrativeTasks.sweep(batch, 8);
	await storage.commit(batch);
	t.is(swept.value, 1);
});
