import test from 'ava';
import {createHealth} from '../../../server/wiring/index.ts';
import {type Storage, StorageError} from '../../../storage/index.ts';

const healthOf = (find: () => Promise<string | undefined>) =>
	createHealth({meta: {find}} as unknown as Pick<Storage, 'meta'>);

test('a database that answers is well', async (t) => {
	t.deepEqual(await healthOf(async () => undefined)(), {status: 'ok', problems: []});
});

test('a database that fails is named as the problem, with its code', async (t) => {
	const health = healthOf(() => Promise.reject(new StorageError('unavailable', 'gone')));
	t.deepEqual(await health(), {status: 'degraded', problems: ['database unavailable']});
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
