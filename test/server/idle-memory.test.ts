import test from 'ava';
import {type MemoryLook, QuietMoments} from '../../server/idle-memory.ts';

const MIB = 1_048_576;

interface Doing {
	/** Part of a processor. */
	readonly processor?: number;
	/** MiB that it has grown to. */
	readonly heap?: number;
	/** MiB that a collection leaves. */
	readonly leaves?: number;
}

/** Looks once a second, at a process that then does what it is told to. */
function watch(heapMib = 50) {
	const at = {nowMs: 0, processorMs: 0, heapBytes: heapMib * MIB};
	const moments = new QuietMoments({...at});
	const look = (): MemoryLook => ({...at});
	return {
		/** How many of so many looks find that half a collection is due, which is then done. */
		pass(seconds: number, {processor = 0.01, heap = at.heapBytes / MIB, leaves = heap}: Doing = {}): number {
			at.heapBytes = heap * MIB;
			let collections = 0;
			for (let second = 0; second < seconds; second += 1) {
				at.nowMs += 1_000;
				at.processorMs += processor * 1_000;
				if (!moments.isDue(look())) continue;
				collections += 1;
				at.heapBytes = leaves * MIB;
				moments.noteCollected(look());
			}
			return collections;
		},
	};
}

test('what a burst has left is collected in two halves as soon as the process has been quiet for two seconds', (t) => {
	const watched = watch();
	t.is(watched.pass(60, {processor: 0.9, heap: 90}), 0, 'busy');
	t.is(watched.pass(1), 0, 'not quiet for long enough');
	t.is(watched.pass(1, {leaves: 80}), 1, 'the first half');
	t.is(watched.pass(10, {processor: 0.5}), 0, 'busy again');
	t.is(watched.pass(19), 0, 'too soon');
	t.is(watched.pass(2, {leaves: 55}), 1, 'the second half');
	t.is(watched.pass(300), 0, 'nothing has grown since');
});

test('a process that is used a little all the time stops at most once in half a minute', (t) => {
	const watched = watch();
	watched.pass(31, {heap: 90, leaves: 50});
	let collections = 0;
	for (let part = 0; part < 60; part += 1) collections += watched.pass(10, {heap: 90, leaves: 50});
	t.is(collections, 20);
});

test('a little garbage, and a heap that is large, are left to the runtime', (t) => {
	t.is(watch().pass(300, {heap: 55}), 0);
	t.is(watch().pass(300, {heap: 300}), 0);
});
