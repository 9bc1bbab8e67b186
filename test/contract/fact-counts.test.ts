import type {FactCountRow} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, countSwept, partner, write} from './rows.ts';

const counts = (row: Partial<FactCountRow> = {}): FactCountRow => ({
	kind: 'person',
	name: alice,
	day: 20_000,
	learnt: 0,
	refused: 0,
	probes: 0,
	...row,
});

onBoth('what somebody learnt is added up by day, and who asked most is listed first', async (t, database) => {
	const storage = await database.open();
	const {factCounts} = storage;
	await write(storage, (batch) => {
		factCounts.add(batch, counts({learnt: 2, probes: 1}));
		factCounts.add(batch, counts({learnt: 3, refused: 1}));
		factCounts.add(batch, counts({day: 20_001, learnt: 7}));
		factCounts.add(batch, counts({name: bob, probes: 5}));
		factCounts.add(batch, counts({kind: 'server', name: partner, probes: 3}));
	});
	t.deepEqual(await factCounts.find('person', alice, 20_000), counts({learnt: 5, refused: 1, probes: 1}));
	t.is(await factCounts.find('server', alice, 20_000), undefined);
	t.deepEqual(
		(await factCounts.listOfDay(20_000, 2)).map(({name}) => name),
		[bob, partner],
	);
	await write(storage, (batch) => factCounts.add(batch, counts({learnt: -1})));
	t.is((await factCounts.find('person', alice, 20_000))?.learnt, 4);
});

onBoth('counts of days gone by are removed', async (t, database) => {
	const storage = await database.open();
	const {factCounts} = storage;
	await write(storage, (batch) => {
		for (const day of [1, 2, 3]) factCounts.add(batch, counts({day, learnt: 1}));
	});
	t.is(await countSwept(storage, (batch) => factCounts.sweep(batch, 3)), 2);
	t.is((await factCounts.listOfDay(3, 10)).length, 1);
});

onBoth('an account that an application service brought is told from others', async (t, database) => {
	const storage = await database.open();
	const {accounts} = storage;
	await write(storage, (batch) => accounts.setAppservice(batch, {userId: bob, appserviceId: 'bridge'}));
	t.deepEqual(await accounts.listOfAppservices([alice, bob]), [{userId: bob, appserviceId: 'bridge'}]);
	t.deepEqual(await accounts.listOfAppservices([]), []);
});
