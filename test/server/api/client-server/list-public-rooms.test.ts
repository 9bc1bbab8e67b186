import test from 'ava';
import {errorOf, newsroom, noRoom} from './newsroom.ts';

interface Directory {
	readonly chunk: readonly Readonly<Record<string, unknown>>[];
	readonly next_batch?: string;
}

test('the directory shows what a published room is, and no other room', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	await alice.create({preset: 'public_chat'});
	const roomId = await alice.create({
		visibility: 'public',
		name: 'The desk',
		topic: 'Deadlines',
		room_alias_name: 'desk',
		creation_content: {type: 'm.space'},
	});
	await bob.join(roomId);
	const expected = {
		canonical_alias: '#desk:news.example',
		guest_can_join: false,
		join_rule: 'public',
		name: 'The desk',
		num_joined_members: 2,
		room_id: roomId,
		room_type: 'm.space',
		topic: 'Deadlines',
		world_readable: false,
	};
	const anonymous = await fetch(`${app.url}/_matrix/client/v3/publicRooms`);
	t.deepEqual(await anonymous.json(), {chunk: [expected]});
	t.deepEqual(await bob.do('POST', '/publicRooms', {}), {chunk: [expected]});
});

test('the directory is searched by text and type, and read page by page', async (t) => {
	const {alice} = await newsroom(t);
	for (let index = 0; index < 5; index += 1) {
		await alice.create({visibility: 'public', name: `Room ${index}`, topic: index === 3 ? 'Élections' : 'Sport'});
	}
	await alice.create({visibility: 'public', name: 'Space', creation_content: {type: 'm.space'}});
	const names = async (body: object) =>
		(await alice.do<Directory>('POST', '/publicRooms', body)).chunk.map(({name}) => String(name)).toSorted();
	t.deepEqual(await names({filter: {generic_search_term: 'élections'}}), ['Room 3']);
	t.deepEqual(await names({filter: {generic_search_term: 'ROOM'}}), ['Room 0', 'Room 1', 'Room 2', 'Room 3', 'Room 4']);
	t.deepEqual(await names({filter: {room_types: ['m.space']}}), ['Space']);
	t.is((await names({filter: {room_types: [null]}})).length, 5);
	const seen: string[] = [];
	let since: string | undefined;
	do {
		const query = `?limit=2${since === undefined ? '' : `&since=${encodeURIComponent(since)}`}`;
		const page: Directory = await alice.do<Directory>('GET', `/publicRooms${query}`);
		seen.push(...page.chunk.map(({name}) => String(name)));
		since = page.next_batch;
	} while (since !== undefined);
	t.deepEqual(seen.toSorted(), ['Room 0', 'Room 1', 'Room 2', 'Room 3', 'Room 4', 'Space']);
	const wrong = await alice.ask('GET', '/publicRooms?since=nonsense');
	t.deepEqual([wrong.status, wrong.body['errcode']], [400, 'M_INVALID_PARAM']);
	t.is((await alice.ask('GET', '/publicRooms?server=news.example')).status, 200);
});

test('a room is published by who keeps its names; one that is not known is private', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const at = (id: string) => `/directory/list/room/${encodeURIComponent(id)}`;
	t.deepEqual(await bob.do('GET', at(roomId)), {visibility: 'private'});
	t.deepEqual(await bob.do('GET', at(noRoom(roomId))), {visibility: 'private'});
	const [real, unreal] = [await bob.ask('PUT', at(roomId), {}), await bob.ask('PUT', at(noRoom(roomId)), {})];
	t.deepEqual(errorOf(real), errorOf(unreal));
	await bob.join(roomId);
	t.is((await bob.ask('PUT', at(roomId), {})).status, 403);
	t.deepEqual(await alice.do('PUT', at(roomId), {}), {});
	t.deepEqual(await bob.do('GET', at(roomId)), {visibility: 'public'});
	await alice.do('PUT', at(roomId), {visibility: 'private'});
	t.deepEqual(await bob.do('GET', at(roomId)), {visibility: 'private'});
	t.is((await alice.ask('PUT', at(roomId), {visibility: 'secret'})).status, 400);
});
