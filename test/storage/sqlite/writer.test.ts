import Sqlite from 'better-sqlite3';
import test from 'ava';
import type {EncodedBatch} from '../../../storage/driver.ts';
import {migrations} from '../../../storage/sqlite/migrations/index.ts';
import {flatten, MessageReader} from '../../../storage/sqlite/protocol.ts';
import {GroupWriter} from '../../../storage/sqlite/writer.ts';

const insertMeta = 0;
const failing = 1;
const statements = ['insert into meta (name, value) values (?, ?)', 'insert into no_such_table values (?)'];

const insert = (name: string, value = '', expect = -1) => ({
	statement: insertMeta,
	params: [name, value] as unknown[],
	rows: undefined as readonly (readonly unknown[])[] | undefined,
	expect,
	condition: undefined,
	wantsRows: false,
	positions: [],
});
const change = ['profile', null, 'x', null, 0, null];
const batchOf = (...plain: readonly ReturnType<typeof insert>[]): EncodedBatch => ({
	plain,
	positioned: [],
	changes: [change],
});

function open() {
	const db = new Sqlite(':memory:');
	for (const {sql} of migrations) db.exec(sql);
	return {db, writer: new GroupWriter(db, statements)};
}

test('a batch travels to the writer as it is', (t) => {
	const batch: EncodedBatch = {
		plain: [insert('a'), {...insert('b'), wantsRows: true, expect: 1}, {...insert('d'), rows: [['x'], ['y']]}],
		positioned: [{...insert('c'), positions: [1, 0, 0, 2], params: [0, 0]}],
		changes: [change, ['event', 1, null, 5, 1, '{"a":1}']],
	};
	const flat: unknown[] = [];
	flatten(flat, 7, batch);
	flatten(flat, 8, batchOf());
	const reader = new MessageReader(flat);
	t.deepEqual(reader.readBatch(), {sequence: 7, batch});
	t.deepEqual(reader.readBatch(), {sequence: 8, batch: batchOf()});
	t.true(reader.isAtEnd);
});

test('an operation of several rows runs for each, and what it changed is counted together', (t) => {
	const {db} = open();
	const each = (expect: number, ...names: string[]) => ({
		...insert('', '', expect),
		statement: 2,
		params: ['shared'],
		rows: names.map((name) => [name]),
	});
	const writing = new GroupWriter(db, [...statements, 'insert into meta (value, name) values (?, ?)']);
	const results = writing.write([
		{sequence: 1, batch: batchOf(each(2, 'a', 'b'))},
		{sequence: 2, batch: batchOf(each(3, 'c', 'd'))},
		{sequence: 3, batch: batchOf(each(-1))},
		{sequence: 4, batch: batchOf(each(2, 'e', 'a'))},
	]);
	t.deepEqual(
		results.map(({failure}) => failure?.code),
		[undefined, 'conflict', undefined, 'duplicate'],
	);
	const names = db.prepare("select name from meta where value = 'shared' order by name").pluck().all();
	t.deepEqual(names, ['a', 'b']);
});

test('a full disk fails the group quickly, and the next group is written when there is space', (t) => {
	const {db, writer} = open();
	const pages = db.pragma('page_count', {simple: true}) as number;
	db.pragma(`max_page_count = ${pages + 3}`);
	const large = 'x'.repeat(100_000);
	const group = [
		{sequence: 1, batch: batchOf(insert('small'))},
		{sequence: 2, batch: batchOf(insert('large', large))},
	];
	const results = writer.write(group);
	t.deepEqual(
		results.map(({failure}) => failure?.code),
		['unavailable', 'unavailable'],
	);
	t.is(db.prepare('select count(*) from meta').pluck().get(), 0);
	db.pragma('max_page_count = 1000000');
	t.deepEqual(writer.write(group), [
		{sequence: 1, firstPos: 1},
		{sequence: 2, firstPos: 2},
	]);
	t.is(db.prepare('select pos from stream_head').pluck().get(), 2);
});

test('a failed batch takes its savepoint back and names its operation', (t) => {
	const {writer} = open();
	const results = writer.write([
		{sequence: 1, batch: batchOf(insert('a'))},
		{sequence: 2, batch: batchOf(insert('b'), insert('a'))},
		{sequence: 3, batch: batchOf(insert('b'), insert('c', '', 5))},
		{sequence: 4, batch: batchOf(insert('b'))},
	]);
	t.like(results[1]?.failure, {code: 'duplicate', table: 'meta', operation: 1});
	t.like(results[2]?.failure, {code: 'conflict', operation: 1});
	t.is(results[3]?.firstPos, 2);
});

test('a statement that the database refuses fails its batch alone', (t) => {
	const {writer} = open();
	const [first, second, third] = writer.write([
		{sequence: 1, batch: batchOf({...insert('x'), statement: failing})},
		{sequence: 2, batch: batchOf({...insert('y'), params: [{}, '']})},
		{sequence: 3, batch: batchOf(insert('a'))},
	]);
	t.deepEqual([first?.failure?.code, second?.failure?.code, third?.failure?.code], ['refused', 'refused', undefined]);
	t.is(third?.firstPos, 1);
});
