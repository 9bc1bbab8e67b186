import test from 'ava';
import {newsroom, room, VERSIONS} from './newsroom.ts';

test('a member with the power puts others out, in every room version', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat'});
		await bob.join(roomId);
		t.deepEqual(await alice.do('POST', `${room(roomId)}/kick`, {user_id: bob.id, reason: 'late'}), {});
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {membership: 'leave', reason: 'late'});
	}
});

test('an invite is taken back, a knock refused', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({
		invite: [bob.id],
		initial_state: [{type: 'm.room.join_rules', content: {join_rule: 'knock'}}],
	});
	await carol.do('POST', `/knock/${encodeURIComponent(roomId)}`);
	for (const person of [bob, carol]) {
		await alice.do('POST', `${room(roomId)}/kick`, {user_id: person.id});
		t.is((await alice.state(roomId, 'm.room.member', person.id))['membership'], 'leave');
	}
});

test('who is not there cannot be put out, and who has no power puts nobody out', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const absent = await alice.ask('POST', `${room(roomId)}/kick`, {user_id: bob.id});
	t.deepEqual([absent.status, absent.body['errcode']], [403, 'M_FORBIDDEN']);
	await bob.join(roomId);
	await carol.join(roomId);
	const weak = await bob.ask('POST', `${room(roomId)}/kick`, {user_id: carol.id});
	t.deepEqual([weak.status, weak.body['errcode']], [403, 'M_FORBIDDEN']);
	// A ban does not end by a kick.
	await alice.do('POST', `${room(roomId)}/ban`, {user_id: carol.id});
	t.is((await alice.ask('POST', `${room(roomId)}/kick`, {user_id: carol.id})).status, 403);
	t.is((await alice.state(roomId, 'm.room.member', carol.id))['membership'], 'ban');
});
