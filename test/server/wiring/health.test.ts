import test from 'ava';
import {createHealth, Damage, withLoad} from '../../../server/wiring/index.ts';
import {type Storage, StorageError} from '../../../storage/index.ts';

const healthOf = (find: () => Promise<string | undefined>, damage = new Damage()) =>
	createHealth({meta: {find}} as unknown as Pick<Storage, 'meta'>, damage);

test('a database that answers is well', async (t) => {
	t.deepEqual(await healthOf(async () => undefined)(), {status: 'ok', canServe: true, problems: []});
});

test('a database that fails is named as the problem, with its code', async (t) => {
	const health = healthOf(() => Promise.reject(new StorageError('unavailable', 'gone')));
	t.deepEqual(await health(), {status: 'degraded', canServe: false, problems: ['database unavailable']});
});

test('G1: a row that cannot be read degrades what is served all the same', async (t) => {
	const damage = new Damage();
	const health = healthOf(async () => undefined, damage);
	damage.note(new StorageError('unavailable', 'gone for a while'));
	damage.note(new Error('a bug'));
	t.is((await health()).status, 'ok');
	damage.note(new StorageError('corrupt', 'gone for good'));
	t.deepEqual(await health(), {status: 'degraded', canServe: true, problems: ['damaged rows']});
});

test('who asks at the same time shares one question, and the next one is asked anew', async (t) => {
	let questions = 0;
	const health = healthOf(async () => {
		questions++;
		return undefined;
	});
	await Promise.all([health(), health(), health()]);
	t.is(questions, 1);
	await health();
	t.is(questions, 2);
});

test('a server with too much to do is degraded, and serves all the same', async (t) => {
	let isLate = false;
	const health = withLoad(
		healthOf(async () => undefined),
		() => isLate,
	);
	t.is((await health()).status, 'ok');
	isLate = true;
	t.deepEqual(await health(), {status: 'degraded', canServe: true, problems: ['overloaded']});
});
