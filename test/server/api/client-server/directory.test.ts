import test from 'ava';
import {request} from '../../../harness/index.ts';
import {errorOf, newsroom, noRoom, room} from './newsroom.ts';

const aliasAt = (name: string, server = 'news.example') =>
	`/directory/room/${encodeURIComponent(`#${name}:${server}`)}`;

test('a member names a room; the name leads to it, and is listed', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	t.deepEqual(await alice.do('PUT', aliasAt('desk'), {room_id: roomId}), {});
	t.deepEqual(await alice.do('GET', aliasAt('desk')), {room_id: roomId, servers: ['news.example']});
	t.deepEqual(await alice.do('GET', `${room(roomId)}/aliases`), {aliases: ['#desk:news.example']});
});

test('a name is given once, also at once, and only to a room that one is in', async (t) => {
	const {alice, bob} = await newsroom(t);
	const [first, second] = [await alice.create(), await bob.create()];
	const answers = await Promise.all(
		Array.from({length: 16}, (_, index) =>
			index % 2 === 0
				? alice.ask('PUT', aliasAt('one'), {room_id: first})
				: bob.ask('PUT', aliasAt('one'), {room_id: second}),
		),
	);
	t.is(answers.filter(({status}) => status === 200).length, 1);
	for (const answer of answers.filter(({status}) => status !== 200)) {
		t.deepEqual([answer.status, answer.body['errcode']], [409, 'M_UNKNOWN']);
	}
	const [real, unreal] = [
		await bob.ask('PUT', aliasAt('two'), {room_id: first}),
		await bob.ask('PUT', aliasAt('two'), {room_id: noRoom(first)}),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN']);
});

test('names that are none, of another server, or of no room are refused', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const put = async (path: string, body: unknown) => {
		const answer = await alice.ask('PUT', path, body);
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await put('/directory/room/desk', {room_id: roomId}), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await put(aliasAt('desk', 'far.example'), {room_id: roomId}), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await put(aliasAt('desk'), {room_id: 'room'}), [400, 'M_BAD_JSON']);
	t.deepEqual(await put(aliasAt('desk'), {}), [400, 'M_BAD_JSON']);
	t.deepEqual(await put(aliasAt('x'.repeat(300)), {room_id: roomId}), [400, 'M_INVALID_PARAM']);
});

test('rows 26 and 28: a stranger looks up and removes a hidden name no more than one that is not there', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	await alice.create({preset: 'public_chat', room_alias_name: 'hidden'});
	await alice.create({visibility: 'public', room_alias_name: 'shown'});
	for (const method of ['GET', 'DELETE']) {
		const [real, unreal] = [await bob.ask(method, aliasAt('hidden')), await bob.ask(method, aliasAt('nothing'))];
		t.deepEqual(errorOf(real), errorOf(unreal), method);
		t.deepEqual([real.status, real.body['errcode']], [404, 'M_NOT_FOUND'], method);
	}
	const anonymous = (name: string) => request(app, 'GET', `/_matrix/client/v3${aliasAt(name)}`);
	t.is((await anonymous('shown')).status, 200);
	t.deepEqual(errorOf(await anonymous('hidden')), errorOf(await anonymous('nothing')));
	t.is((await anonymous('hidden')).status, 404);
	// Who may know the name is told that it is not theirs.
	const refused = await bob.ask('DELETE', aliasAt('shown'));
	t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_FORBIDDEN']);
});

test('a removed name goes from the room’s canonical ones where its remover may change those', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', room_alias_name: 'main'});
	await bob.join(roomId);
	await alice.do('PUT', aliasAt('alt'), {room_id: roomId});
	await bob.do('PUT', aliasAt('own'), {room_id: roomId});
	const content = {alias: '#main:news.example', alt_aliases: ['#alt:news.example', '#own:news.example']};
	await alice.setState(roomId, 'm.room.canonical_alias', content);
	// Its creator may remove a name, but has not the power to change the canonical ones.
	t.deepEqual(await bob.do('DELETE', aliasAt('own')), {});
	t.deepEqual(await alice.state(roomId, 'm.room.canonical_alias'), content);
	await alice.do('DELETE', aliasAt('main'));
	t.deepEqual(await alice.state(roomId, 'm.room.canonical_alias'), {alt_aliases: content.alt_aliases});
	await alice.do('DELETE', aliasAt('alt'));
	t.is((await alice.ask('GET', aliasAt('alt'))).status, 404);
});

test('names are listed for members, and where anybody may read', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', room_alias_name: 'a'});
	const list = (id: string) => bob.ask('GET', `${room(id)}/aliases`);
	const [real, unreal] = [await list(roomId), await list(noRoom(roomId))];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.is(real.status, 403);
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'world_readable'});
	t.deepEqual((await list(roomId)).body, {aliases: ['#a:news.example']});
});
