import test from 'ava';
import {errorOf, newsroom, noRoom, room, VERSIONS} from './newsroom.ts';

interface Chunk {
	readonly chunk: readonly {readonly type: string; readonly state_key?: string}[];
}

test('anybody joins a public room by its id, in either way, and sees who they are there', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Bob'});
	const roomId = await alice.create({preset: 'public_chat'});
	t.deepEqual(await bob.do('POST', `${room(roomId)}/join`, {reason: 'to listen'}), {room_id: roomId});
	t.deepEqual(await carol.do('POST', `/join/${encodeURIComponent(roomId)}`), {room_id: roomId});
	t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {
		displayname: 'Bob',
		membership: 'join',
		reason: 'to listen',
	});
});

test('what else a join says stands in the member event, but not what only the server decides', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const body = {foo: 'bar', membership: 'ban', join_authorised_via_users_server: alice.id, third_party_signed: {}};
	await bob.do('POST', `${room(roomId)}/join`, body);
	t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {foo: 'bar', membership: 'join'});
});

test('a stranger gets one answer, whether the room is private or not there', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of ['11', '12']) {
		const roomId = await alice.create({room_version: version});
		const [real, unreal] = await Promise.all(
			[roomId, noRoom(roomId)].map((id) => bob.ask('POST', `/join/${encodeURIComponent(id)}`, {})),
		);
		t.deepEqual(errorOf(real!), errorOf(unreal!));
		t.deepEqual([real!.status, real!.body['errcode']], [403, 'M_FORBIDDEN']);
		t.deepEqual(real!.headers.get('content-length'), unreal!.headers.get('content-length'));
	}
});

test('who is invited joins, who is banned does not, in every room version', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, invite: [bob.id]});
		await bob.join(roomId);
		await alice.do('POST', `${room(roomId)}/ban`, {user_id: carol.id});
		const banned = await carol.ask('POST', `${room(roomId)}/join`, {});
		t.deepEqual([banned.status, banned.body['errcode']], [403, 'M_FORBIDDEN'], version);
	}
});

test('members of a room named by a restricted one may enter it by a member with the power to invite', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	for (const [version, rule] of [
		['8', 'restricted'],
		['10', 'knock_restricted'],
		['12', 'restricted'],
	]) {
		const guild = await alice.create({preset: 'public_chat'});
		await bob.join(guild);
		const restricted = {join_rule: rule, allow: [{type: 'm.room_membership', room_id: guild}, {type: 'x'}, 5]};
		const roomId = await alice.create({
			room_version: version,
			initial_state: [{type: 'm.room.join_rules', content: restricted}],
		});
		await bob.join(roomId);
		const member = await alice.state(roomId, 'm.room.member', bob.id);
		t.is(member['join_authorised_via_users_server'], alice.id, version);
		// C7: whoever changes their name there does not take the authorisation along.
		await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: `Bob ${version}`});
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {
			displayname: `Bob ${version}`,
			membership: 'join',
		});
		const refused = await carol.ask('POST', `${room(roomId)}/join`, {});
		t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_FORBIDDEN'], version);
		// Only the room decides who authorises, whatever a client says.
		const forged = {membership: 'join', join_authorised_via_users_server: alice.id};
		const path = `${room(roomId)}/state/m.room.member/${carol.id}`;
		t.is((await carol.ask('PUT', path, forged)).status, 403);
	}
});

test('an alias leads into a room for who may know of it, and is unknown to others', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const hidden = await alice.create({preset: 'public_chat', room_alias_name: 'hidden'});
	await alice.create({preset: 'public_chat', visibility: 'public', room_alias_name: 'shown'});
	const join = (person: typeof bob, name: string) =>
		person.ask('POST', `/join/${encodeURIComponent(`#${name}:news.example`)}`, {});
	t.is((await join(bob, 'shown')).status, 200);
	const [real, unreal] = [await join(carol, 'hidden'), await join(carol, 'nothing')];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [404, 'M_NOT_FOUND']);
	await alice.do('POST', `${room(hidden)}/invite`, {user_id: carol.id});
	t.is((await join(carol, 'hidden')).status, 200);
});

test('colleagues on a server that knows its people find each other’s rooms by alias', async (t) => {
	const {alice, bob} = await newsroom(t, {config: {privacy: 'server'}});
	await alice.create({preset: 'public_chat', room_alias_name: 'desk'});
	await bob.join('#desk:news.example');
	t.pass();
});

test('however often somebody joins at once, they join once', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const answers = await Promise.all(Array.from({length: 64}, () => bob.ask('POST', `${room(roomId)}/join`, {})));
	t.true(answers.every(({status}) => status === 200));
	const {chunk} = await alice.do<Chunk>('GET', `${room(roomId)}/messages?dir=b&limit=200`);
	t.is(chunk.filter(({type, state_key: key}) => type === 'm.room.member' && key === bob.id).length, 1);
});

test('ids that are none, bodies that are none and servers that are none are refused', async (t) => {
	const {alice} = await newsroom(t);
	const ask = async (path: string, body: unknown = {}) => {
		const answer = await alice.ask('POST', path, body);
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await ask('/join/nonsense'), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await ask(`/rooms/${encodeURIComponent('#a:news.example')}/join`), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await ask(`/join/${encodeURIComponent('!a:news.example')}?via=%20`), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await ask(`/join/${encodeURIComponent('!a:news.example')}`, {reason: 5}), [400, 'M_BAD_JSON']);
	t.deepEqual(await ask('/join/%E0%A4%A'), [400, 'M_INVALID_PARAM']);
});
