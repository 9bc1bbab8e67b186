import {setImmediate as nextTurn} from 'node:timers/promises';
import test from 'ava';
import {Turnstile} from '../../../server/http/turnstile.ts';

test('a crowd passes a few at each turn of the event loop, in the order in which it came', async (t) => {
	const turnstile = new Turnstile(4);
	const passed: number[] = [];
	for (let id = 0; id < 13; id += 1) void turnstile.pass().then(() => passed.push(id));
	const counts: number[] = [passed.length];
	for (let turn = 0; turn < 5; turn += 1) {
		await nextTurn();
		counts.push(passed.length);
	}
	t.deepEqual(counts, [0, 4, 8, 12, 13, 13]);
	t.deepEqual(
		passed,
		Array.from({length: 13}, (_, id) => id),
	);
});

test('who comes when nobody waits passes at the next turn, also after a crowd', async (t) => {
	const turnstile = new Turnstile(2);
	await Promise.all([turnstile.pass(), turnstile.pass(), turnstile.pass()]);
	let hasPassed = false;
	void turnstile.pass().then(() => {
		hasPassed = true;
	});
	await nextTurn();
	t.true(hasPassed);
});
