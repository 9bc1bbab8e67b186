import test from 'ava';
import {systemClock, systemRandom} from '../../../federation/engine/index.ts';

test('a system timer runs once, after its delay, and not within the call that set it', async (t) => {
	let isSet = false;
	const startedAt = systemClock.monotonic();
	// A pending timer of ours does not keep the process alive, so something else has to.
	const keepAlive = setInterval(() => {}, 1000);
	t.teardown(() => clearInterval(keepAlive));
	await new Promise<void>((resolve) => {
		systemClock.setTimer(5, () => {
			t.true(isSet);
			resolve();
		});
		isSet = true;
	});
	// Node counts from the start of its turn, so a timer may come up to a millisecond early.
	t.true(systemClock.monotonic() - startedAt >= 4);
});

test('a cancelled system timer never runs, and a delay beyond what Node can hold does not run at once', async (t) => {
	let runs = 0;
	const cancelled = systemClock.setTimer(0, () => {
		runs += 1;
	});
	cancelled.cancel();
	cancelled.cancel();
	const distant = systemClock.setTimer(2 ** 40, () => {
		runs += 1;
	});
	// A Node timer set later for a longer delay fires later than a wrongly immediate one would.
	await new Promise((resolve) => {
		setTimeout(resolve, 5);
	});
	t.is(runs, 0);
	distant.cancel();
});

test('the system clock tells the time of the day, and its randomness stays in its bounds', (t) => {
	const [before, now, after] = [Date.now(), systemClock.now(), Date.now()];
	t.true(now > before - 1000 && now < after + 1000);
	t.is(systemRandom.bytes(32).length, 32);
	for (let draw = 0; draw < 1000; draw++) {
		const value = systemRandom.below(3);
		t.true(Number.isInteger(value) && value >= 0 && value < 3);
	}
	t.is(systemRandom.below(1), 0);
});
