import test from 'ava';
import {newsroom, type Person} from './newsroom.ts';
import {sync} from './sync-answers.ts';

const status = (person: Pick<Person, 'id'>): string => `/presence/${encodeURIComponent(person.id)}/status`;

test('presence is told to those who share a room, and to nobody else', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const [{next_batch: bobSince}, {next_batch: carolSince}] = [await sync(bob), await sync(carol)];
	const waiting = sync(bob, bobSince, {timeout: 10_000});
	t.is((await alice.ask('PUT', status(alice), {presence: 'online', status_msg: 'here'})).status, 200);
	const [event] = (await waiting).presence?.events ?? [];
	t.is(event?.type, 'm.presence');
	t.is(event?.sender, alice.id);
	t.is(event?.content['presence'], 'online');
	t.is(event?.content['status_msg'], 'here');
	t.true(event?.content['currently_active']);
	t.is((await sync(carol, carolSince)).presence, undefined);
	t.is((await bob.do('GET', status(alice)))['presence'], 'online');
	t.is((await alice.ask('PUT', status(alice), {presence: 'busy'})).status, 400);
});

test('whoever comes is told who is there, and they of who came, once', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	for (const person of [alice, bob, carol]) await person.ask('PUT', status(person), {presence: 'online'});
	const [{next_batch: aliceSince}, {next_batch: bobSince}] = [await sync(alice), await sync(bob)];
	await bob.join(roomId);
	const toldOf = (answer: Awaited<ReturnType<typeof sync>>) => answer.presence?.events.map(({sender}) => sender);
	const toBob = await sync(bob, bobSince);
	t.deepEqual(toldOf(toBob), [alice.id], 'and not of who is in another room');
	const toAlice = await sync(alice, aliceSince);
	t.deepEqual(toldOf(toAlice), [bob.id]);
	t.is(toldOf(await sync(bob, toBob.next_batch)), undefined);
	t.is(toldOf(await sync(alice, toAlice.next_batch)), undefined);
});

test('a stranger gets one answer, whether there is somebody or not', async (t) => {
	const {alice, carol} = await newsroom(t);
	await alice.ask('PUT', status(alice), {presence: 'online'});
	const real = await carol.ask('GET', status(alice));
	const none = await carol.ask('GET', status({id: '@nobody:news.example'}));
	t.is(real.status, 403);
	t.is(real.text, none.text);
});

test('where presence is off, none is told', async (t) => {
	const {alice, bob} = await newsroom(t, {config: {presence: 'off'}});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await alice.ask('PUT', status(alice), {presence: 'online'});
	t.is((await sync(bob)).presence, undefined);
	t.is((await bob.do('GET', status(alice)))['presence'], 'offline');
});
