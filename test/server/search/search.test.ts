import test from 'ava';
import {type App, findPostgres, PostgresServer, startApp, until} from '../../harness/index.ts';
import {newsroom, type Person} from '../api/client-server/newsroom.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

const count = async (app: App, person: Person, term: string): Promise<number> => {
	const {search, filters} = app.application.services;
	const wish = {term, keys: ['content.body'], order: 'recent', groupBy: [], token: undefined} as const;
	return (await search.find(person.id as never, {...wish, filter: filters.checkRoomEventFilter(undefined)})).count;
};

test('what was said while nobody indexed is found after a restart', async (t) => {
	const {app, alice} = await newsroom(t);
	const roomId = await alice.create();
	await alice.say(roomId, 'before the end');
	await app.application.stop();
	const again = await app.restart();
	t.is(await count(again, alice, 'end'), 1);
	const {storage} = again.application;
	const cursor = await storage.cursors.find('search');
	t.is(cursor?.acked, storage.stream.head());
});

test('what is said is indexed soon, without anybody searching', async (t) => {
	const {app, alice} = await newsroom(t);
	await alice.say(await alice.create(), 'indexed');
	const {search} = app.application.storage;
	const find = async () => (await search.list({all: [[['indexed']]], none: []}, {limit: 1})).length > 0;
	await until(find, 'the word in the index');
	t.pass();
});

onPostgres('two processes index each event once, and both find what either was told', async (t) => {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const config = {database: await server.createDatabase('search')};
	const {app, alice} = await newsroom(t, {config});
	const other = await startApp(t, {config});
	const roomId = await alice.create();
	for (let index = 0; index < 10; index += 1) {
		await Promise.all(Array.from({length: 5}, (_, offset) => alice.say(roomId, `lead ${index * 5 + offset}`)));
		const counts = await Promise.all([count(app, alice, 'lead'), count(other, alice, 'lead')]);
		t.deepEqual(counts, [(index + 1) * 5, (index + 1) * 5]);
	}
});
