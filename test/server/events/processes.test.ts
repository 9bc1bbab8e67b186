/** Two applications on one PostgreSQL: what is held of events in one is dropped when the other changes it. */
import test from 'ava';
import {findPostgres, PostgresServer, startApp} from '../../harness/index.ts';
import {bundleOf, edit, idsOf, ignore, readV1, redact, reply} from '../api/client-server/conversation.ts';
import {newsroom, Person} from '../api/client-server/newsroom.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

onPostgres('what one process is told, the other tells at once with the event', async (t) => {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const config = {database: await server.createDatabase('aggregations')};
	const {alice, bob} = await newsroom(t, {config});
	const other = new Person(await startApp(t, {config}), bob.session);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const root = await alice.say(roomId, 'root');
	t.deepEqual(await bundleOf(other, roomId, root), {});
	for (let count = 1; count <= 5; count += 1) {
		const replied = await reply(alice, roomId, root, `r${count}`);
		const changed = await edit(alice, roomId, root, `e${count}`);
		const told = await bundleOf(other, roomId, root);
		t.is(told['m.replace']?.event_id, changed);
		t.like(told['m.thread'], {count, current_user_participated: false});
		t.is(told['m.thread']?.latest_event.event_id, replied);
	}
	const own = await reply(other, roomId, root);
	t.is((await bundleOf(bob, roomId, root))['m.thread']?.latest_event.event_id, own);
	await redact(other, roomId, own);
	t.is((await bundleOf(alice, roomId, root))['m.thread']?.count, 5);
	t.deepEqual(idsOf((await readV1(other, roomId, '/threads')).chunk), [root]);
	await ignore(bob, [alice]);
	t.deepEqual(await bundleOf(other, roomId, root), {});
});
