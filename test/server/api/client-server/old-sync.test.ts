import test from 'ava';
import {type ClientEvent, errorOf, newsroom, noRoom, room} from './newsroom.ts';

const event = (id: string) => `/events/${encodeURIComponent(id)}`;

test('an event is found by its id alone, by who may see it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({});
	const id = await alice.say(roomId, 'hello');
	const found = await alice.do<ClientEvent>('GET', event(id));
	t.deepEqual([found.room_id, found.content['body']], [roomId, 'hello']);
	const [real, unreal, wrong] = [
		await bob.ask('GET', event(id)),
		await bob.ask('GET', event(`$${'A'.repeat(43)}`)),
		await bob.ask('GET', event('nothing')),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [404, 'M_NOT_FOUND']);
	t.true(wrong.status === 400 || wrong.status === 404);
});

interface Snapshot {
	readonly membership?: string;
	readonly visibility: string;
	readonly messages: {readonly chunk: readonly ClientEvent[]; readonly start?: string; readonly end: string};
	readonly state: readonly ClientEvent[];
	readonly account_data: readonly object[];
}

test('a room is given at once: state, newest events, and what is kept for it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({visibility: 'public'});
	for (const body of ['one', 'two', 'three']) await alice.say(roomId, body);
	const owner = encodeURIComponent(alice.id);
	await alice.do('PUT', `/user/${owner}${room(roomId)}/tags/work`, {order: 0.5});
	const snapshot = await alice.do<Snapshot>('GET', `${room(roomId)}/initialSync?limit=2`);
	t.deepEqual(
		snapshot.messages.chunk.map(({content}) => content['body']),
		['two', 'three'],
	);
	t.is(snapshot.membership, 'join');
	t.is(snapshot.visibility, 'public');
	t.true(snapshot.state.some(({type}) => type === 'm.room.create'));
	t.deepEqual(snapshot.account_data, [{type: 'm.tag', content: {tags: {work: {order: 0.5}}}}]);
	const {chunk} = await alice.do<{chunk: ClientEvent[]}>(
		'GET',
		`${room(roomId)}/messages?dir=b&limit=1&from=${snapshot.messages.start}`,
	);
	t.is(chunk[0]?.content['body'], 'one');
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'world_readable'});
	await alice.say(roomId, 'for all');
	const peek = await bob.do<Snapshot>('GET', `${room(roomId)}/initialSync`);
	t.is(peek.membership, undefined);
	t.is(peek.messages.chunk.at(-1)?.content['body'], 'for all');
});

test('a room that is closed and one that is not there are refused alike', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({});
	const [real, unreal] = [
		await bob.ask('GET', `${room(roomId)}/initialSync`),
		await bob.ask('GET', `${room(noRoom(roomId))}/initialSync`),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN']);
});
