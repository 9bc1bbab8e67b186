import test from 'ava';
import {request} from '../../../harness/index.ts';
import {errorOf, newsroom, noRoom, type Person} from './newsroom.ts';

const ask = (person: Person, id: string, base = '/_matrix/client/v1/room_summary/') =>
	request(person.app, 'GET', `${base}${encodeURIComponent(id)}`, {
		token: person.session.access_token,
	});

test('who may enter a room is told what it is, by its id and by an alias', async (t) => {
	const {alice, bob} = await newsroom(t);
	const space = await alice.create({preset: 'public_chat'});
	const roomId = await alice.create({
		room_alias_name: 'desk',
		name: 'The desk',
		room_version: '10',
		visibility: 'public',
		initial_state: [
			{
				type: 'm.room.join_rules',
				content: {join_rule: 'restricted', allow: [{type: 'm.room_membership', room_id: space}]},
			},
			{type: 'm.room.encryption', content: {algorithm: 'm.megolm.v1.aes-sha2'}},
		],
	});
	await bob.join(space);
	const expected = {
		room_id: roomId,
		name: 'The desk',
		canonical_alias: '#desk:news.example',
		num_joined_members: 1,
		guest_can_join: false,
		world_readable: false,
		join_rule: 'restricted',
		allowed_room_ids: [space],
		encryption: 'm.megolm.v1.aes-sha2',
		room_version: '10',
	};
	for (const id of [roomId, '#desk:news.example']) t.deepEqual((await ask(bob, id)).body, expected);
	t.deepEqual((await ask(alice, roomId)).body, {...expected, membership: 'join'});
	t.is((await ask(bob, roomId, '/_matrix/client/unstable/im.nheko.summary/summary/')).status, 200);
});

test('a room that is closed and one that is not there are the same', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({room_alias_name: 'quiet'});
	const expected = errorOf(await ask(bob, noRoom(roomId)));
	t.deepEqual([expected.status, expected.errcode], [404, 'M_NOT_FOUND']);
	for (const id of [roomId, '#quiet:news.example', '#nothing:news.example']) {
		t.deepEqual(errorOf(await ask(bob, id)), expected, id);
	}
	await alice.do('POST', `/rooms/${encodeURIComponent(roomId)}/invite`, {user_id: bob.id});
	t.is((await ask(bob, roomId)).body['membership'], 'invite');
});

test('what is no room and no alias is refused', async (t) => {
	const {alice} = await newsroom(t);
	t.is((await ask(alice, 'nothing')).status, 400);
});
