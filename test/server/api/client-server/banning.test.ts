import test from 'ava';
import {errorOf, newsroom, noRoom, room, VERSIONS} from './newsroom.ts';

test('who is banned is out and stays out until the ban ends, in every room version', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat'});
		await bob.join(roomId);
		t.deepEqual(await alice.do('POST', `${room(roomId)}/ban`, {user_id: bob.id, reason: 'spam'}), {});
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {membership: 'ban', reason: 'spam'});
		t.is((await bob.ask('POST', `${room(roomId)}/join`)).status, 403, version);
		t.is((await bob.ask('POST', `${room(roomId)}/leave`)).status, 403, version);
		t.is((await alice.ask('POST', `${room(roomId)}/ban`, {user_id: bob.id})).status, 200, version);
		t.deepEqual(await alice.do('POST', `${room(roomId)}/unban`, {user_id: bob.id}), {});
		await bob.join(roomId);
	}
});

test('a ban that there is not cannot end', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create();
	const answer = await alice.ask('POST', `${room(roomId)}/unban`, {user_id: bob.id});
	t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_BAD_STATE']);
});

test('power and presence are needed, and accounts are not looked at (row 16)', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	for (const verb of ['ban', 'unban', 'kick']) {
		const [real, unreal] = await Promise.all(
			[roomId, noRoom(roomId)].map((id) => bob.ask('POST', `${room(id)}/${verb}`, {user_id: carol.id})),
		);
		t.deepEqual(errorOf(real!), errorOf(unreal!), verb);
		t.is(real!.body['errcode'], 'M_FORBIDDEN', verb);
	}
	await bob.join(roomId);
	t.is((await bob.ask('POST', `${room(roomId)}/ban`, {user_id: alice.id})).status, 403);
	const [known, unknown] = [
		await alice.ask('POST', `${room(roomId)}/ban`, {user_id: carol.id}),
		await alice.ask('POST', `${room(roomId)}/ban`, {user_id: '@nobody:news.example'}),
	];
	t.deepEqual([known.status, known.text], [unknown.status, unknown.text]);
	t.deepEqual(await alice.state(roomId, 'm.room.member', carol.id), {membership: 'ban'});
	for (const body of [{}, {user_id: 'carol'}, {user_id: carol.id, reason: 7}]) {
		const answer = await alice.ask('POST', `${room(roomId)}/ban`, body);
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_BAD_JSON']);
	}
});

test('whatever the order of an invite and a ban at once, the ban stands', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const path = room(roomId);
	const answers = await Promise.all(
		Array.from({length: 32}, (_, index) =>
			index % 2 === 0
				? bob.ask('POST', `${path}/invite`, {user_id: carol.id})
				: alice.ask('POST', `${path}/ban`, {user_id: carol.id}),
		),
	);
	t.true(answers.every(({status}) => status === 200 || status === 403));
	t.is((await alice.state(roomId, 'm.room.member', carol.id))['membership'], 'ban');
	t.is((await carol.ask('POST', `${path}/join`)).status, 403);
});
