import test from 'ava';
import {newsroom, type Person, room} from './newsroom.ts';
import {sync} from './sync-answers.ts';

const typing = (person: Person, roomId: string, body: object) =>
	person.ask('PUT', `${room(roomId)}/typing/${encodeURIComponent(person.id)}`, body);

test('who types is shown to the room until they stop, send nothing more, or leave', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	let {next_batch: since} = await sync(alice);
	const next = async () => {
		const answer = await sync(alice, since, {timeout: 10_000});
		since = answer.next_batch;
		return answer.rooms?.join?.[roomId]?.ephemeral?.events;
	};
	const waiting = next();
	t.is((await typing(bob, roomId, {typing: true, timeout: 30_000})).status, 200);
	t.deepEqual(await waiting, [{type: 'm.typing', content: {user_ids: [bob.id]}}]);
	t.is((await sync(alice, since)).rooms, undefined, 'told once');
	await typing(bob, roomId, {typing: true, timeout: 30_000});
	t.is((await sync(alice, since)).rooms, undefined, 'typing on is no news');
	await typing(bob, roomId, {typing: false});
	t.deepEqual(await next(), [{type: 'm.typing', content: {user_ids: []}}]);
	await typing(bob, roomId, {typing: true, timeout: 1});
	// Their time may be up before the answer is made.
	let told = await next();
	while (told?.[0]?.content['user_ids']?.toString() === bob.id) told = await next();
	t.deepEqual(told, [{type: 'm.typing', content: {user_ids: []}}], 'the time is up');
	await typing(bob, roomId, {typing: true});
	t.deepEqual((await next())?.[0]?.content, {user_ids: [bob.id]});
	await bob.do('POST', `${room(roomId)}/leave`, {});
	t.deepEqual((await next())?.[0]?.content, {user_ids: []});
});

test('nobody types where they are not, and all else is refused', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create();
	t.is((await typing(bob, roomId, {typing: true})).status, 403);
	t.is((await typing(alice, roomId, {})).status, 400);
	t.is((await typing(alice, roomId, {typing: 'yes'})).status, 400);
	t.is((await typing(alice, roomId, {typing: true, timeout: -5})).status, 200);
	t.is((await typing(alice, roomId, {typing: true, timeout: 2 ** 53})).status, 400);
});

test('who typed at an earlier process is told anew, and a filter may leave it out', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {next_batch: since} = await sync(alice);
	await typing(bob, roomId, {typing: true});
	const [version, pos] = since.split('.');
	const other = `${version}.${pos}.other.77`;
	const shown = (await sync(alice, other)).rooms?.join?.[roomId]?.ephemeral?.events;
	t.deepEqual(shown, [{type: 'm.typing', content: {user_ids: [bob.id]}}]);
	const filter = {room: {ephemeral: {not_types: ['m.typing']}}};
	t.is((await sync(alice, since, {filter})).rooms, undefined);
});
