/** Budgets of several processes over one database. */
import {randomBytes} from 'node:crypto';
import type {ServerName, UserId} from '../../../crypto/index.ts';
import {hostOf} from '../../../server/http/index.ts';
import {createFactBudget, FactsSpentError} from '../../../server/visibility/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {onBoth, onPostgres} from '../../contract/databases.ts';
import {ManualClock, until} from '../../harness/index.ts';

const alice = '@alice:a.example' as UserId;
const fact = {asker: {kind: 'person', name: alice}, topic: 'person'} as const;
const spent = {instanceOf: FactsSpentError};
const FLUSH_MS = 10_000;

const budgetOf = (
	storage: Storage,
	clock: ManualClock,
	onProblem = (_problem: unknown): void => undefined,
	strangersPerDay = 5,
) =>
	createFactBudget({
		storage,
		clock,
		random: randomBytes,
		perDay: 3,
		strangersPerDay,
		hostOf,
		isStranger: (server) => Promise.resolve(server.startsWith('stranger')),
		onProblem,
	});

onBoth('what one process wrote counts in the next', async (t, database) => {
	const clock = new ManualClock();
	const storage = await database.open();
	const first = budgetOf(storage, clock);
	await first.learn(fact, ['a', 'b']);
	await first.close();
	const second = budgetOf(storage, clock);
	await t.throwsAsync(second.learn(fact, ['c', 'd']), spent);
	t.deepEqual(await second.learnSome(fact, ['c', 'd', 'c']), new Set(['c']));
	await second.close();
});

onPostgres('processes count each other’s facts some seconds later', async (t, database) => {
	const clock = new ManualClock();
	const storages = [await database.open(), await database.open()] as const;
	const [one, other] = [budgetOf(storages[0], clock), budgetOf(storages[1], clock)];
	await one.learn(fact, ['a']);
	await other.learn(fact, ['b']);
	const counted = async () => (await storages[0].factCounts.find('person', alice, dayOf(clock)))?.learnt;
	await one.listAskers({daysAgo: 0, limit: 1});
	await other.listAskers({daysAgo: 0, limit: 1});
	t.is(await counted(), 2);
	// The first has not heard of the second's yet, and hears of it when it writes its own.
	await one.learn(fact, ['c']);
	await one.listAskers({daysAgo: 0, limit: 1});
	t.is(await counted(), 3);
	await t.throwsAsync(one.learn(fact, ['d']), spent);
	await one.close();
	await other.close();
});

onBoth('counts that cannot be written are told, and written later', async (t, database) => {
	const clock = new ManualClock();
	const storage = await database.open();
	let isBroken = true;
	const commit = (batch: Parameters<Storage['commit']>[0]) =>
		isBroken ? Promise.reject(new Error('no disk')) : storage.commit(batch);
	const problems: unknown[] = [];
	const budget = budgetOf({...storage, commit}, clock, (problem) => problems.push(problem));
	await budget.learn(fact, ['a']);
	clock.advance(FLUSH_MS);
	await until(() => problems.length === 1, 'the problem');
	isBroken = false;
	await budget.close();
	t.is((await storage.factCounts.find('person', alice, dayOf(clock)))?.learnt, 1);
});

onBoth('what all strangers have learnt counts after a restart, and keeps nobody else out', async (t, database) => {
	const clock = new ManualClock();
	const storage = await database.open();
	const of = (name: string) => ({asker: {kind: 'server', name: name as ServerName}, topic: 'person'}) as const;
	const first = budgetOf(storage, clock);
	await first.learn(of('stranger-a.example:1'), ['a', 'b']);
	await first.learn(of('stranger-b.example'), ['a', 'b']);
	await first.close();
	const second = budgetOf(storage, clock);
	await t.throwsAsync(second.learn(of('stranger-c.example'), ['a', 'b']), spent);
	t.deepEqual(await second.learnSome(of('stranger-c.example'), ['a', 'b']), new Set(['a']));
	await t.throwsAsync(second.learn(of('stranger-d.example'), ['a']), spent);
	await second.learn(of('known.example'), ['a', 'b', 'c']);
	await second.learn(fact, ['a']);
	await second.close();
	clock.advance(86_400_000);
	const third = budgetOf(storage, clock);
	await third.learn(of('stranger-d.example'), ['a']);
	await third.close();
});

onBoth(
	'who comes when some thousand are remembered learns nothing, so that nobody begins anew',
	async (t, database) => {
		const budget = budgetOf(await database.open(), new ManualClock(), () => t.fail(), 1_000_000);
		const of = (index: number) =>
			({asker: {kind: 'address', name: `${index}`, hasToken: false}, topic: 'name'}) as const;
		await budget.learn(of(0), ['a', 'b', 'c']);
		let learnt = 0;
		for (let index = 1; index < 6_000; index += 1) learnt += (await budget.learnSome(of(index), ['a'])).size;
		t.true(learnt > 4_000 && learnt < 6_000 - 1, `${learnt} were remembered`);
		await t.throwsAsync(budget.learn(of(0), ['d']), spent);
		// Whoever took a name has learnt of nobody, and leaves room for another.
		budget.giveBack(of(1), 'a');
		t.is((await budget.learnSome(of(7_000), ['a'])).size, 1);
		t.is((await budget.learnSome(of(7_001), ['a'])).size, 0);
		await budget.close();
	},
);

const dayOf = (clock: ManualClock): number => Math.floor(clock.now() / 86_400_000);
