import test from 'ava';
import {errorOf, newsroom, noRoom, room, VERSIONS} from './newsroom.ts';
import {sync} from './sync-answers.ts';

test('a member invites, with a reason, in every room version; twice is once', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version});
		t.deepEqual(await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id, reason: 'come'}), {});
		const member = await alice.do<{event_id: string}>(
			'GET',
			`${room(roomId)}/state/m.room.member/${bob.id}?format=event`,
		);
		await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id, reason: 'again'});
		const again = await alice.do<{event_id: string; content: object}>(
			'GET',
			`${room(roomId)}/state/m.room.member/${bob.id}?format=event`,
		);
		t.is(again.event_id, member.event_id, version);
		t.deepEqual(again.content, {membership: 'invite', reason: 'come'});
	}
});

test('inviting somebody shows no more of them than the inviter knows (row 15)', async (t) => {
	const {alice, bob} = await newsroom(t);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Bob'});
	const roomId = await alice.create();
	const [real, unreal] = [bob.id, '@nobody:news.example'];
	const [first, second] = [
		await alice.ask('POST', `${room(roomId)}/invite`, {user_id: real}),
		await alice.ask('POST', `${room(roomId)}/invite`, {user_id: unreal}),
	];
	t.deepEqual([first.status, first.text], [second.status, second.text]);
	t.deepEqual(await alice.state(roomId, 'm.room.member', real), {membership: 'invite'});
	t.deepEqual(await alice.state(roomId, 'm.room.member', unreal), {membership: 'invite'});
	// Who shares a room knows the name already.
	await bob.join(roomId);
	const other = await alice.create({invite: [bob.id]});
	t.deepEqual(await alice.state(other, 'm.room.member', bob.id), {displayname: 'Bob', membership: 'invite'});
});

test('who takes no invites is told of only to those who may know them (row 17)', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	// In a public room anybody might know of them.
	const shared = await alice.create({invite: [bob.id]});
	await bob.join(shared);
	const blocks = (content: object) =>
		bob.do('PUT', `/user/${encodeURIComponent(bob.id)}/account_data/m.invite_permission_config`, content);
	await blocks({default_action: 'block'});
	const roomId = await alice.create();
	const refused = [
		await alice.ask('POST', `${room(roomId)}/invite`, {user_id: bob.id}),
		await alice.ask('PUT', `${room(roomId)}/state/m.room.member/${encodeURIComponent(bob.id)}`, {membership: 'invite'}),
		await alice.ask('POST', '/createRoom', {invite: [carol.id, bob.id]}),
	];
	for (const {status, body} of refused) t.deepEqual([status, body['errcode']], [403, 'M_INVITE_BLOCKED']);
	t.is((await alice.ask('GET', `${room(roomId)}/state/m.room.member/${encodeURIComponent(bob.id)}`)).status, 404);
	// A stranger hears nothing of it, and the invite lies where bob does not see it.
	const foreign = await carol.create();
	t.is((await carol.ask('POST', `${room(foreign)}/invite`, {user_id: bob.id})).status, 200);
	t.deepEqual(await carol.state(foreign, 'm.room.member', bob.id), {membership: 'invite'});
	t.is((await sync(bob)).rooms?.invite, undefined);
	await blocks({});
	t.deepEqual(Object.keys((await sync(bob)).rooms?.invite ?? {}), [foreign]);
	t.is((await alice.ask('POST', `${room(roomId)}/invite`, {user_id: bob.id})).status, 200);
	await blocks({default_action: 'allow'});
	t.deepEqual(Object.keys((await sync(bob)).rooms?.invite ?? {}).toSorted(), [foreign, roomId].toSorted());
	await blocks({default_action: 'block'});
	t.is((await sync(bob)).rooms?.invite, undefined, 'also those that came before');
});

test('nobody invites into a room that they are not in, nor beyond their power, nor who is banned or there', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', power_level_content_override: {invite: 50}});
	const ask = (person: typeof bob, id: string, target: string) =>
		person.ask('POST', `${room(id)}/invite`, {user_id: target});
	const [real, unreal] = [await ask(bob, roomId, carol.id), await ask(bob, noRoom(roomId), carol.id)];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.is(real.body['errcode'], 'M_FORBIDDEN');
	await bob.join(roomId);
	t.is((await ask(bob, roomId, carol.id)).status, 403);
	t.is((await ask(alice, roomId, bob.id)).status, 403);
	await alice.do('POST', `${room(roomId)}/ban`, {user_id: carol.id});
	t.is((await ask(alice, roomId, carol.id)).status, 403);
});

test('nobody is invited but by a user id', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const ask = async (body: unknown) => {
		const answer = await alice.ask('POST', `${room(roomId)}/invite`, body);
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await ask({}), [400, 'M_MISSING_PARAM']);
	t.deepEqual(await ask({user_id: 'bob'}), [400, 'M_BAD_JSON']);
	t.deepEqual(await ask({user_id: 5}), [400, 'M_BAD_JSON']);
	t.deepEqual(await ask({medium: 'email', address: 'bob@mail.example', id_server: 'x'}), [403, 'M_THREEPID_DENIED']);
});

test('somebody of a server that cannot be reached is not invited', async (t) => {
	const {alice} = await newsroom(t, {config: {federation: {mode: 'off'}}});
	const roomId = await alice.create();
	const answer = await alice.ask('POST', `${room(roomId)}/invite`, {user_id: '@dan:far.example'});
	t.deepEqual([answer.status, answer.body['errcode']], [502, 'M_UNKNOWN']);
	t.is((await alice.ask('GET', `${room(roomId)}/state/m.room.member/@dan:far.example`)).status, 404);
	// A room is made all the same.
	const other = await alice.create({invite: ['@dan:far.example']});
	t.is((await alice.ask('GET', `${room(other)}/state`)).status, 200);
});
