import type {Storage, WordQuery} from '../../storage/index.ts';
import {onBoth, onSqlite} from './databases.ts';
import {alice, bob, room, write} from './rows.ts';
import {readFileSync} from 'node:fs';

const add = (storage: Storage, nid: number, text: string, minor = 0, anchor = nid) =>
	write(storage, (batch) => storage.search.add(batch, {nid, place: {anchor, minor}, words: text.split(' ')}));

const find = async (storage: Storage, all: string[][][], none: string[][] = [], page: object = {}) =>
	(await storage.search.list({all, none} satisfies WordQuery, {limit: 9, ...page})).map(({nid}) => nid);

onBoth('events are found by words and phrases, the latest place first', async (t, database) => {
	const storage = await database.open();
	await add(storage, 1, 'r1 the source met us');
	await add(storage, 2, 'r2 the source');
	await add(storage, 3, 'r1 us the source source');
	await add(storage, 4, 'r1 source the', -1, 3);
	await add(storage, 5, `r1 don't say "x" \\ | & ! (the) :* name`);
	t.deepEqual(await find(storage, [[['source']]]), [3, 4, 2, 1]);
	t.deepEqual(await find(storage, [[['r1']], [['source']]]), [3, 4, 1]);
	t.deepEqual(await find(storage, [[['the', 'source']]]), [3, 2, 1]);
	t.deepEqual(await find(storage, [[['r1'], ['r2']], [['the', 'source']]]), [3, 2, 1]);
	t.deepEqual(await find(storage, [[['source']]], [['met'], ['r2']]), [3, 4]);
	t.deepEqual(await find(storage, [[['sour']]]), []);
	t.deepEqual(await find(storage, [[['source']]], [], {limit: 2}), [3, 4]);
	t.deepEqual(await find(storage, [[['source']]], [], {before: storage.search.idOf({anchor: 3, minor: -1})}), [2, 1]);
	for (const word of [`'`, '"', '\\', `x' | 'y`, 'a"b', ') OR (', '*', ':'])
		await t.notThrowsAsync(find(storage, [[[word]]]));
	t.deepEqual(await find(storage, [[['name']]]), [5]);
});

onBoth('all scripts are kept apart from each other and found', async (t, database) => {
	const storage = await database.open();
	const texts = ['新 聞', 'خبرنگار ناشناس', 'हिन्दी समाचार', 'żółw ćma', '𝒳 𠜎', '東 京 都'];
	for (const [index, text] of texts.entries()) await add(storage, index + 1, text);
	for (const [index, text] of texts.entries()) t.deepEqual(await find(storage, [[text.split(' ')]]), [index + 1], text);
	t.deepEqual(await find(storage, [[['東', '都']]]), []);
});

onBoth('an entry is added once and removed', async (t, database) => {
	const storage = await database.open();
	await add(storage, 1, 'one');
	await add(storage, 1, 'two');
	t.deepEqual([await find(storage, [[['one']]]), await find(storage, [[['two']]])], [[1], []]);
	const id = storage.search.idOf({anchor: 1, minor: 0})!;
	await write(storage, (batch) => storage.search.remove(batch, [id, id + 1]));
	t.deepEqual(await find(storage, [[['one']]]), []);
	await add(storage, 1, 'two');
	t.deepEqual(await find(storage, [[['two']]]), [1]);
	t.is(storage.search.idOf({anchor: 1, minor: -70_000}), undefined);
	await add(storage, 2, 'far', -70_000);
	t.deepEqual(await find(storage, [[['far']]]), []);
});

onBoth('long and repetitive texts are taken, their beginning indexed', async (t, database) => {
	const storage = await database.open();
	await add(storage, 1, `${'same '.repeat(3_000)}end`);
	await add(storage, 2, `${Array.from({length: 1_500}, (_, index) => `w${index}`).join(' ')} ${'ä'.repeat(64)}`);
	t.deepEqual(await find(storage, [[['same', 'same']]]), [1]);
	t.deepEqual(await find(storage, [[['ä'.repeat(64)]]]), [2]);
	const rooms = Array.from({length: 1_000}, (_, index) => [`room${index}`]);
	t.deepEqual(await find(storage, [[...rooms, ['w7']], [['w8']]]), [2]);
});

onSqlite('what was removed is gone from the file', async (t, database) => {
	const storage = await database.open();
	await add(storage, 1, 'whistleblowername and others');
	await add(storage, 2, 'others');
	const file = database.url.slice('sqlite:'.length);
	const holds = () => ['', '-wal'].some((suffix) => readFileSync(file + suffix).includes('istleblowernam'));
	t.true(holds());
	await write(storage, (batch) => storage.search.remove(batch, [storage.search.idOf({anchor: 1, minor: 0})!]));
	await database.close(storage);
	t.false(readFileSync(file).includes('istleblowernam'));
});

onBoth('complaints are kept, of what exists and of what does not', async (t, database) => {
	const storage = await database.open();
	const report = {
		kind: 'user',
		target: '@nobody:a.example',
		roomId: null,
		reporter: alice,
		reason: '',
		receivedTs: 1,
	} as const;
	await write(storage, (batch) => {
		storage.reports.add(batch, report);
		storage.reports.add(batch, {...report, kind: 'event', target: '$e', roomId: room, reporter: bob, reason: 'spam\0'});
	});
	const [second, first] = await storage.reports.list({}, {limit: 9});
	t.like(second, {kind: 'event', target: '$e', roomId: room, reporter: bob, reason: 'spam\0'});
	t.like(first, report);
	t.deepEqual(
		(await storage.reports.list({}, {offset: 1, limit: 9})).map(({id}) => id),
		[first!.id],
	);
});
