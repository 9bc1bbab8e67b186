import test from 'ava';
import {BusyError, PasswordHasher, PasswordTooLongError, Semaphore} from '../../crypto/index.ts';

/** Quick enough for tests; the form is the same. */
const cheap = {cost: {memoryKib: 64, passes: 1, lanes: 1}};

test('a password is hashed by Argon2id at the cost that is written down, never twice to the same', async (t) => {
	const hasher = new PasswordHasher();
	const [first, second] = [await hasher.hash('correct horse'), await hasher.hash('correct horse')];
	t.regex(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
	t.not(first, second);
	t.true(await hasher.verify('correct horse', first));
	t.false(await hasher.verify('correct horse ', first));
	t.false(hasher.needsRehash(first));
});

test('where there is no hash the answer is no, after the work of a real one', async (t) => {
	const hasher = new PasswordHasher(cheap);
	t.false(await hasher.verify('anything', undefined));
	for (const stored of [
		'',
		'*',
		'plain text',
		'$2b$12$abcdefghijklmnopqrstuv',
		'$argon2id$',
		'$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA',
	]) {
		t.false(await hasher.verify(stored, stored), stored);
	}
});

// Serial: other tests in the process would be counted in.
test.serial('an unknown name costs what a known one costs', async (t) => {
	const hasher = new PasswordHasher({permits: 1});
	const stored = await hasher.hash('right');
	const cpuOf = async (against: string | undefined) => {
		const before = process.cpuUsage();
		t.false(await hasher.verify('wrong', against));
		const {user, system} = process.cpuUsage(before);
		return user + system;
	};
	// By turns, and the least of each counts: a collection of garbage, or a neighbour on this core, makes one of them dear.
	const costs: {known: number; unknown: number}[] = [];
	for (let count = 0; count < 5; count += 1) {
		costs.push({known: await cpuOf(stored), unknown: await cpuOf(undefined)});
	}
	const known = Math.min(...costs.map((cost) => cost.known));
	const unknown = Math.min(...costs.map((cost) => cost.unknown));
	// A name without a hash that is not worked for would cost a hundredth.
	t.true(unknown > known / 3 && unknown < known * 3, `${unknown} against ${known} microseconds`);
});

test('a password of more than 512 bytes is refused before any work', async (t) => {
	const hasher = new PasswordHasher(cheap);
	const longest = 'é'.repeat(256);
	const stored = await hasher.hash(longest);
	t.true(await hasher.verify(longest, stored));
	await t.throwsAsync(hasher.hash(`${longest}a`), {instanceOf: PasswordTooLongError});
	await t.throwsAsync(hasher.hash('a'.repeat(5_000_000)), {instanceOf: PasswordTooLongError});
	t.false(await hasher.verify('a'.repeat(5_000_000), stored));
});

test('a hash of another cost or kind asks to be made anew', async (t) => {
	const stored = await new PasswordHasher(cheap).hash('x');
	t.false(new PasswordHasher(cheap).needsRehash(stored));
	t.true(new PasswordHasher().needsRehash(stored));
	t.true(await new PasswordHasher().verify('x', stored), 'and is still good until then');
	t.true(new PasswordHasher().needsRehash('$2b$12$abc'));
});

test('passwords are taken as they come, without normalisation', async (t) => {
	const hasher = new PasswordHasher(cheap);
	const stored = await hasher.hash('\u00e9\0x');
	t.false(await hasher.verify('e\u0301\0x', stored));
	t.false(await hasher.verify('\u00e9\0y', stored), 'nor is anything cut at NUL');
	t.true(await hasher.verify('\u00e9\0x', stored));
});

test('E10: who comes when the queue is full is turned away at once', async (t) => {
	const hasher = new PasswordHasher({...cheap, permits: 1, waitingMax: 32});
	const attempts = Array.from({length: 40}, () => hasher.verify('x', undefined));
	t.is(hasher.waiting, 32);
	const outcomes = await Promise.allSettled(attempts);
	const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
	t.is(refused.length, 7);
	for (const {reason} of refused) t.true(reason instanceof BusyError && reason.retryAfterMs > 0);
	t.false(await hasher.verify('x', undefined), 'and it goes on when the queue is empty');
});

test('D9: tasks get their turn in the order in which they came, so many at a time, also after failures', async (t) => {
	const semaphore = new Semaphore({permits: 2, waitingMax: 10, retryAfterMs: 1});
	const order: number[] = [];
	let running = 0;
	const tasks = Array.from({length: 10}, (_, index) =>
		semaphore.run(async () => {
			running += 1;
			t.true(running <= 2);
			order.push(index);
			await new Promise(setImmediate);
			running -= 1;
			if (index % 3 === 0) throw new Error('failed');
			return index;
		}),
	);
	const outcomes = await Promise.allSettled(tasks);
	t.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
	t.is(outcomes.filter(({status}) => status === 'rejected').length, 4);
	t.is(semaphore.waiting, 0);
});
