import test from 'ava';
import {LoopMeter} from '../../../server/telemetry/index.ts';
import {until} from '../../harness/index.ts';

test('a loop that is held up again and again is late, and is so no more when it is left alone', async (t) => {
	const meter = new LoopMeter();
	t.teardown(() => meter.stop());
	t.is(meter.lateMs, 0);
	await until(() => {
		const end = performance.now() + 150;
		while (performance.now() < end) continue;
		return meter.lateMs > 60;
	}, 'the loop to be late');
	await until(() => meter.lateMs < 60, 'the loop to be on time');
	t.pass();
});
