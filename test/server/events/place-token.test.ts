import test from 'ava';
import fc from 'fast-check';
import {boundAt, pointAfter, pointBefore, readPlaceToken, writePlaceToken} from '../../../server/events/index.ts';

test('a point of a timeline survives its token', (t) => {
	fc.assert(
		fc.property(fc.nat(), fc.integer({max: 1}), (anchor, minor) => {
			const read = readPlaceToken(writePlaceToken({anchor, minor}));
			return read?.anchor === anchor && read.minor === minor;
		}),
		{seed: 20_261_123},
	);
	t.pass();
});

test('the point before an event has it forwards, the point after it has it backwards', (t) => {
	const place = {anchor: 7, minor: -3};
	t.deepEqual(boundAt(pointBefore(place), 'backwards'), place);
	t.deepEqual(boundAt(pointBefore(place), 'forwards'), {anchor: 7, minor: -4});
	t.deepEqual(boundAt(pointAfter(place), 'forwards'), place);
	t.deepEqual(boundAt(pointAfter(place), 'backwards'), {anchor: 7, minor: -2});
});

test('a token of sync stands after all that was in the stream, and anything else is no token', (t) => {
	t.deepEqual(readPlaceToken('s1.42.abc_-.7'), {anchor: 42, minor: 1});
	t.deepEqual(readPlaceToken('s1.42.abc.7.40'), {anchor: 42, minor: 1});
	for (const token of [
		'',
		't',
		't1',
		't1_',
		't-1_0',
		't1_0 ',
		't9999999999999999_0',
		't1_9999999999999999',
		's2.1.a.1',
		's1.x',
	]) {
		t.is(readPlaceToken(token), undefined, token);
	}
});
