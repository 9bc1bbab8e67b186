import Sqlite from 'better-sqlite3';
import {Client} from 'pg';
import {ConflictError, type Snapshot, type StateChange, type Storage} from '../../storage/index.ts';
import {createSeededRandom} from '../harness/index.ts';
import {onBoth} from './databases.ts';
import {addLive, alice, eventId, room, write} from './rows.ts';

const create = {type: 'm.room.create', stateKey: ''};
const member = (index: number) => ({type: 'm.room.member', stateKey: `@user${index}:a.example`});
const range = (count: number) => Array.from({length: count}, (_, index) => index);

/** Makes a state from another and stores it. */
async function change(storage: Storage, from: Snapshot, changes: readonly StateChange[]): Promise<Snapshot> {
	await storage.ids.reserve(8 * changes.length);
	await from.load(changes);
	const next = from.with(changes);
	await write(storage, (batch) => storage.state.save(batch, next));
	return next;
}

/** Bytes that the stored nodes take as rows. */
async function sizeOfNodes(url: string): Promise<number> {
	if (url.startsWith('sqlite:')) {
		const db = new Sqlite(url.slice('sqlite:'.length), {readonly: true});
		// Header, room and node id of a row: the most that SQLite takes for them.
		const size = db.prepare<[], number>('select coalesce(sum(length(body) + 16), 0) from trie_nodes').pluck().get();
		db.close();
		return size ?? 0;
	}
	const client = new Client({connectionString: url});
	await client.connect();
	const {rows} = await client.query<{size: string}>(
		'select coalesce(sum(pg_column_size(n.*)), 0) as size from trie_nodes n',
	);
	await client.end();
	return Number(rows[0]?.size);
}

onBoth('a state is what its changes made it, and reads back after a restart', async (t, database) => {
	const storage = await database.open();
	const expected = new Map<string, number>();
	const random = createSeededRandom(7);
	let snapshot = storage.state.open(room, 0);
	const roots: number[] = [];
	for (const _ of range(30)) {
		const changes = range(20).map(() => {
			const key = member(random.below(200));
			const eventNid = random.below(5) === 0 ? null : random.below(1_000_000);
			if (eventNid === null) expected.delete(key.stateKey);
			else expected.set(key.stateKey, eventNid);
			return {...key, eventNid};
		});
		snapshot = await change(storage, snapshot, changes);
		roots.push(snapshot.root);
	}
	await database.close(storage);
	const again = await database.open();
	const entries = await again.state.entries(room, snapshot.root);
	t.deepEqual(
		Object.fromEntries(entries.map((entry) => [entry.stateKey, entry.eventNid])),
		Object.fromEntries(expected),
	);
	const opened = again.state.open(room, snapshot.root);
	await opened.load(range(210).map((index) => member(index)));
	for (const index of range(210)) {
		t.is(opened.get('m.room.member', member(index).stateKey), expected.get(member(index).stateKey));
	}
	const before = new Map(
		(await again.state.entries(room, roots[10]!)).map((entry) => [entry.stateKey, entry.eventNid]),
	);
	for (const {stateKey, before: was, after} of await again.state.diff(room, roots[10]!, snapshot.root)) {
		t.is(was, before.get(stateKey) ?? null);
		if (after === null) before.delete(stateKey);
		else before.set(stateKey, after);
	}
	t.deepEqual(Object.fromEntries(before), Object.fromEntries(expected));
	t.deepEqual(await again.state.diff(room, snapshot.root, snapshot.root), []);
});

onBoth('a key that was not loaded is never taken for an absent one', async (t, database) => {
	const storage = await database.open();
	const first = await change(
		storage,
		storage.state.open(room, 0),
		range(100).map((index) => ({...member(index), eventNid: index + 1})),
	);
	const opened = storage.state.open(room, first.root);
	t.throws(() => opened.get('m.room.member', member(5).stateKey));
	t.false(opened.isLoaded('m.room.member', member(5).stateKey));
	await opened.load([member(5), create]);
	t.is(opened.get('m.room.member', member(5).stateKey), 6);
	t.is(opened.get('m.room.create', ''), undefined);
	const next = opened.with([{...create, eventNid: 900}]);
	t.is(next.get('m.room.create', ''), 900);
	t.is(next.get('m.room.member', member(5).stateKey), 6);
	t.is(opened.get('m.room.create', ''), undefined);
	t.is(opened.with([{...member(5), eventNid: 6}]).root, opened.root);
	t.deepEqual(await next.differenceFrom(opened), [{...create, before: null, after: 900}]);
	t.is((await next.entries()).length, 101);
});

onBoth('what a failed batch did not store is stored by the next', async (t, database) => {
	const storage = await database.open();
	const empty = storage.state.open(room, 0);
	await empty.load([create, member(1)]);
	const first = empty.with([{...create, eventNid: 1}]);
	const failing = storage.batch();
	storage.state.save(failing, first);
	storage.rooms.expectHead(failing, room, 5);
	await t.throwsAsync(storage.commit(failing), {instanceOf: ConflictError});
	const second = first.with([{...member(1), eventNid: 2}]);
	await write(storage, (batch) => storage.state.save(batch, second));
	t.is((await storage.state.entries(room, second.root)).length, 2);
});

onBoth('processes that intern one new state key build on one id, or one of them is told', async (t, database) => {
	const storages = await Promise.all(range(2).map(() => database.open()));
	const outcomes = await Promise.allSettled(
		storages.map(async (storage, index) => {
			const empty = storage.state.open(room, 0);
			await empty.load([create]);
			const snapshot = empty.with([{...create, eventNid: index + 1}]);
			await write(storage, (batch) => {
				storage.state.save(batch, snapshot);
				addLive(storage, batch, {eventId: eventId(index), sender: alice, type: create.type, stateKey: ''});
			});
			return snapshot.root;
		}),
	);
	for (const [index, outcome] of outcomes.entries()) {
		if (outcome.status === 'rejected') {
			t.is((outcome.reason as ConflictError).condition, 'intern');
			continue;
		}
		const entries = await storages[1 - index]!.state.entries(room, outcome.value);
		t.deepEqual(entries, [{...create, eventNid: index + 1}]);
	}
	t.true(outcomes.some(({status}) => status === 'fulfilled'));
	// Whoever lost builds anew and succeeds.
	const again = await change(storages[1]!, storages[1]!.state.open(room, 0), [{...create, eventNid: 9}]);
	t.deepEqual(await storages[0]!.state.entries(room, again.root), [{...create, eventNid: 9}]);
});

for (const [members, bytesMax] of [
	[100, 300],
	[50_000, 800],
] as const) {
	onBoth(`a change of state in a room of ${members} stores less than ${bytesMax} bytes`, async (t, database) => {
		const storage = await database.open();
		const all = range(members).map((index) => ({...member(index), eventNid: 1_000_000 + index}));
		let snapshot = await change(storage, storage.state.open(room, 0), all);
		const before = await sizeOfNodes(database.url);
		const changes = 100;
		for (const index of range(changes)) {
			snapshot = await change(storage, snapshot, [{...member((index * 7919) % members), eventNid: 2_000_000 + index}]);
		}
		const perChange = ((await sizeOfNodes(database.url)) - before) / changes;
		t.log(`${perChange.toFixed(0)} bytes for each change`);
		t.true(perChange < bytesMax);
		const same = await change(storage, snapshot, []);
		t.is(same.root, snapshot.root);
	});
}
