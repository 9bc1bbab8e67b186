import test from 'ava';
import fc from 'fast-check';
import {decodeNode, encodeNode, type TrieNode} from '../../../storage/state/node.ts';
import {PathNotLoaded, Trie, type TrieContext} from '../../../storage/state/trie.ts';

/** A disk that holds encoded nodes and counts what is written and read. */
function makeDisk(salt = 7) {
	const stored = new Map<number, Uint8Array>();
	let ids = 0;
	let reads = 0;
	const context: TrieContext = {
		salt,
		load: async (wanted) => {
			reads += wanted.length;
			return wanted.map((id) => decodeNode(id, stored.get(id) ?? new Uint8Array()));
		},
		nextId: () => (ids += 1),
	};
	const save = (trie: Trie): number => {
		let bytes = 0;
		for (const node of trie.unstoredNodes()) {
			node.isStored = true;
			const encoded = encodeNode(node);
			stored.set(node.id, encoded);
			bytes += encoded.length;
		}
		return bytes;
	};
	return {context, save, stored, reads: () => reads};
}

const byKey = (a: {type: number; stateKey: number}, b: {type: number; stateKey: number}): number =>
	a.type - b.type || a.stateKey - b.stateKey;

test('a trie answers as a map does, whatever is put and removed, from memory and from disk', async (t) => {
	const change = fc.record({
		type: fc.integer({min: 1, max: 3}),
		stateKey: fc.integer({min: 1, max: 40}),
		eventNid: fc.option(fc.integer({min: 1, max: 1_000_000}), {nil: null}),
	});
	await fc.assert(
		fc.asyncProperty(fc.array(change, {maxLength: 120}), fc.integer(), async (changes, salt) => {
			const disk = makeDisk(salt);
			const map = new Map<string, number>();
			let trie = new Trie(disk.context, 0);
			for (const one of changes) {
				await trie.load([one]);
				trie = trie.with([one]);
				const key = `${one.type}:${one.stateKey}`;
				if (one.eventNid === null) map.delete(key);
				else map.set(key, one.eventNid);
			}
			disk.save(trie);
			const read = new Trie(disk.context, trie.root);
			const entries = (await read.entries()).map((e) => [`${e.type}:${e.stateKey}`, e.eventNid] as const);
			for (const [key, eventNid] of entries) t.is(map.get(key), eventNid);
			t.is(entries.length, map.size);
			for (const one of changes) {
				await read.load([one]);
				t.is(read.get(one), map.get(`${one.type}:${one.stateKey}`));
			}
		}),
		{numRuns: 150, seed: 1},
	);
});

test('equal maps have equal shapes, so that their difference is empty whatever way led there', async (t) => {
	const disk = makeDisk();
	const keys = Array.from({length: 300}, (_, n) => ({type: 1, stateKey: n + 1, eventNid: n + 1}));
	const full = new Trie(disk.context, 0).with(keys);
	const extra = {type: 2, stateKey: 9, eventNid: 4};
	const back = full.with([extra]).with([{...extra, eventNid: null}]);
	t.deepEqual(await back.differenceFrom(full), []);
	t.is((await back.entries()).length, 300);
	const changed = full.with([{type: 1, stateKey: 5, eventNid: 77}, extra]);
	t.deepEqual((await changed.differenceFrom(full)).toSorted(byKey), [
		{type: 1, stateKey: 5, before: 5, after: 77},
		{type: 2, stateKey: 9, before: null, after: 4},
	]);
});

test('a key whose path is not in memory is never taken for absent', async (t) => {
	const disk = makeDisk();
	const trie = new Trie(disk.context, 0).with([{type: 1, stateKey: 2, eventNid: 3}]);
	disk.save(trie);
	const read = new Trie(disk.context, trie.root);
	t.false(read.isLoaded({type: 1, stateKey: 2}));
	t.throws(() => read.get({type: 1, stateKey: 2}), {instanceOf: PathNotLoaded});
	t.throws(() => read.with([{type: 1, stateKey: 2, eventNid: 4}]), {instanceOf: PathNotLoaded});
	await read.load([{type: 1, stateKey: 2}]);
	t.is(read.get({type: 1, stateKey: 2}), 3);
});

for (const [members, bytesMax] of [
	[100, 300],
	[50_000, 800],
] as const) {
	test(`a change among ${members} members writes under ${bytesMax} bytes, nodes and their keys together`, async (t) => {
		const disk = makeDisk();
		const all = Array.from({length: members}, (_, n) => ({type: 5, stateKey: n + 1_000, eventNid: n + 2_000_000}));
		let trie = new Trie(disk.context, 0).with(all);
		disk.save(trie);
		const changes = 500;
		const before = disk.stored.size;
		let bytes = 0;
		for (let n = 0; n < changes; n += 1) {
			const key = {type: 5, stateKey: ((n * 7_919) % members) + 1_000};
			trie = new Trie(disk.context, trie.root);
			await trie.load([key]);
			trie = trie.with([{...key, eventNid: 3_000_000 + n}]);
			bytes += disk.save(trie);
		}
		// Room, node id and the row's own header take about 16 bytes each.
		const rowBytes = (disk.stored.size - before) * 16;
		t.log(`${members} members: ${Math.round((bytes + rowBytes) / changes)} bytes for each change`);
		t.true((bytes + rowBytes) / changes < bytesMax);
	});
}

test('a difference reads only what differs', async (t) => {
	const disk = makeDisk();
	const all = Array.from({length: 20_000}, (_, n) => ({type: 5, stateKey: n, eventNid: n + 1}));
	const full = new Trie(disk.context, 0).with(all);
	disk.save(full);
	const changed = full.with([{type: 5, stateKey: 3, eventNid: 999_999}]);
	disk.save(changed);
	const before = disk.reads();
	const difference = await new Trie(disk.context, changed.root).differenceFrom(new Trie(disk.context, full.root));
	t.deepEqual(difference, [{type: 5, stateKey: 3, before: 4, after: 999_999}]);
	t.true(disk.reads() - before <= 8);
});

test('a damaged node is refused', (t) => {
	const node: TrieNode = {id: 1, entryMap: 3, childMap: 0, entries: [], children: [], isStored: true};
	t.throws(() => decodeNode(1, encodeNode(node)), {instanceOf: RangeError});
	t.throws(() => decodeNode(1, Uint8Array.from([255])), {instanceOf: RangeError});
	t.throws(() => decodeNode(1, new Uint8Array()), {instanceOf: RangeError});
});
