import test from 'ava';
import {type ClientEvent, errorOf, newsroom, type Person, room, VERSIONS} from './newsroom.ts';

async function eventsOf(person: Person, roomId: string): Promise<ClientEvent[]> {
	const {chunk} = await person.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/messages?dir=f&limit=100`);
	return chunk;
}

test('a room begins with the events that the specification names, in its order', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		room_alias_name: 'desk',
		name: 'The desk',
		topic: 'Deadlines',
		invite: [bob.id],
		initial_state: [{type: 'm.room.encryption', state_key: '', content: {algorithm: 'm.megolm.v1.aes-sha2'}}],
	});
	const events = await eventsOf(alice, roomId);
	t.deepEqual(
		events.map(({type, state_key: key}) => [type, key]),
		[
			['m.room.create', ''],
			['m.room.member', alice.id],
			['m.room.power_levels', ''],
			['m.room.canonical_alias', ''],
			['m.room.join_rules', ''],
			['m.room.history_visibility', ''],
			['m.room.guest_access', ''],
			['m.room.encryption', ''],
			['m.room.name', ''],
			['m.room.topic', ''],
			['m.room.member', bob.id],
		],
	);
	t.deepEqual(events[9]!.content, {topic: 'Deadlines', 'm.topic': {'m.text': [{body: 'Deadlines'}]}});
	t.deepEqual(await alice.state(roomId, 'm.room.canonical_alias'), {alias: '#desk:news.example'});
});

test('rooms that somebody makes alike in one moment are as many', async (t) => {
	const {alice} = await newsroom(t);
	const made = await Promise.all(Array.from({length: 20}, () => alice.create({name: 'The desk'})));
	t.is(new Set(made).size, 20);
});

test('each preset sets join rule, visibility of history and guest access', async (t) => {
	const {alice} = await newsroom(t);
	const settings = async (wish: object) => {
		const roomId = await alice.create({...wish});
		return [
			(await alice.state(roomId, 'm.room.join_rules'))['join_rule'],
			(await alice.state(roomId, 'm.room.history_visibility'))['history_visibility'],
			(await alice.state(roomId, 'm.room.guest_access'))['guest_access'],
		];
	};
	t.deepEqual(await settings({preset: 'private_chat'}), ['invite', 'shared', 'can_join']);
	t.deepEqual(await settings({preset: 'trusted_private_chat'}), ['invite', 'shared', 'can_join']);
	t.deepEqual(await settings({preset: 'public_chat'}), ['public', 'shared', 'forbidden']);
	t.deepEqual(await settings({}), ['invite', 'shared', 'can_join']);
	t.deepEqual(await settings({visibility: 'public'}), ['public', 'shared', 'forbidden']);
	t.deepEqual(
		await settings({
			preset: 'public_chat',
			initial_state: [{type: 'm.room.join_rules', content: {join_rule: 'knock'}}],
		}),
		['knock', 'shared', 'forbidden'],
	);
});

test('rooms of every version are made, their creators named as the version wants', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({
			room_version: version,
			preset: 'trusted_private_chat',
			invite: [bob.id],
			creation_content: {room_version: '99', creator: '@mallory:news.example', 'm.federate': false},
		});
		const create = await alice.state(roomId, 'm.room.create');
		const levels = await alice.state(roomId, 'm.room.power_levels');
		t.is(create['room_version'], version);
		t.is(create['m.federate'], false);
		t.is(create['creator'], Number(version) <= 10 ? alice.id : undefined, version);
		if (version === '12') {
			t.regex(roomId, /^![\w-]{43}$/);
			t.deepEqual(create['additional_creators'], [bob.id]);
			t.deepEqual(levels['users'], {});
			t.is((levels['events'] as Record<string, number>)['m.room.tombstone'], 150);
		} else {
			t.true(roomId.endsWith(':news.example'), version);
			t.deepEqual(levels['users'], {[alice.id]: 100, [bob.id]: 100});
			t.is((levels['events'] as Record<string, number>)['m.room.tombstone'], 100);
		}
		await bob.join(roomId);
		await bob.say(roomId, `hello from ${version}`);
	}
});

test('power levels are overridden key by key; from version 12 on the end of a room stays out of reach', async (t) => {
	const {alice} = await newsroom(t);
	const override = {events: {'m.room.name': 75}, state_default: 175};
	const roomId = await alice.create({power_level_content_override: override});
	const levels = await alice.state(roomId, 'm.room.power_levels');
	t.deepEqual(levels['events'], {'m.room.name': 75, 'm.room.tombstone': 225});
	t.is(levels['state_default'], 175);
	t.is(levels['ban'], 50);
	const old = await alice.create({room_version: '11', power_level_content_override: {invite: 60}});
	t.is((await alice.state(old, 'm.room.power_levels'))['invite'], 60);
});

test('who may bring others in: everybody in a private room, those with power in one that began as public', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	for (const [preset, status] of [
		['private_chat', 200],
		['public_chat', 403],
	] as const) {
		const roomId = await alice.create({preset, invite: [bob.id]});
		await bob.join(roomId);
		t.is((await bob.ask('POST', `${room(roomId)}/invite`, {user_id: carol.id})).status, status, preset);
		await alice.do('POST', `${room(roomId)}/invite`, {
			user_id: preset === 'public_chat' ? carol.id : '@eve:news.example',
		});
	}
});

test('invites of a direct chat say so, and hold nothing of whom the creator does not know', async (t) => {
	const {alice, bob} = await newsroom(t);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Bob'});
	const roomId = await alice.create({is_direct: true, invite: [bob.id, '@nobody:news.example']});
	t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {is_direct: true, membership: 'invite'});
	t.deepEqual(await alice.state(roomId, 'm.room.member', '@nobody:news.example'), {
		is_direct: true,
		membership: 'invite',
	});
});

test('what cannot be made is refused with the specification’s error, and leaves nothing behind', async (t) => {
	const {alice} = await newsroom(t);
	await alice.create({room_alias_name: 'taken'});
	const refused = async (wish: unknown, status: number, errcode: string) => {
		const answer = await alice.ask('POST', '/createRoom', wish);
		t.deepEqual([answer.status, answer.body['errcode']], [status, errcode], JSON.stringify(wish));
	};
	await refused({room_alias_name: 'taken'}, 400, 'M_ROOM_IN_USE');
	await refused({room_alias_name: 'with:colon'}, 400, 'M_INVALID_PARAM');
	await refused({room_alias_name: ''}, 400, 'M_INVALID_PARAM');
	await refused({room_version: 'nonsense'}, 400, 'M_UNSUPPORTED_ROOM_VERSION');
	await refused({room_version: 12}, 400, 'M_BAD_JSON');
	await refused({invite: ['bob']}, 400, 'M_BAD_JSON');
	await refused({preset: 'no_chat'}, 400, 'M_BAD_JSON');
	await refused({initial_state: [{type: 5, content: {}}]}, 400, 'M_BAD_JSON');
	await refused({invite_3pid: [{medium: 'email', address: 'a@b.example'}]}, 403, 'M_THREEPID_DENIED');
	// C6: the creator among the levels, creators that are none.
	await refused({power_level_content_override: {users: {[alice.id]: 100}}}, 400, 'M_INVALID_ROOM_STATE');
	await refused({creation_content: {additional_creators: ['bob']}}, 400, 'M_INVALID_ROOM_STATE');
	// C3: levels that are none.
	await refused({power_level_content_override: {ban: '50'}}, 400, 'M_INVALID_ROOM_STATE');
	await refused(
		{power_level_content_override: {users: {[alice.id]: 20}}, room_version: '11', name: 'x'},
		400,
		'M_INVALID_ROOM_STATE',
	);
	await refused({initial_state: [{type: 'm.room.create', content: {}}]}, 400, 'M_INVALID_ROOM_STATE');
	await refused(
		{initial_state: [{type: 'm.room.member', state_key: '@b:x.example', content: {membership: 'join'}}]},
		400,
		'M_INVALID_ROOM_STATE',
	);
	await refused({initial_state: [{type: 'm.note', content: {text: 'x'.repeat(70_000)}}]}, 413, 'M_TOO_LARGE');
	await refused({initial_state: [{type: 'm.note', content: {n: 1.5}}]}, 400, 'M_BAD_JSON');
	t.is((await alice.do<{joined_rooms: string[]}>('GET', '/joined_rooms')).joined_rooms.length, 1);
	const anonymous = await fetch(`${alice.app.url}/_matrix/client/v3/createRoom`, {method: 'POST', body: '{}'});
	t.is(anonymous.status, 401);
});

test('of many who want one alias at once one gets it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const answers = await Promise.all(
		Array.from({length: 16}, (_, index) =>
			(index % 2 === 0 ? alice : bob).ask('POST', '/createRoom', {room_alias_name: 'one'}),
		),
	);
	t.is(answers.filter(({status}) => status === 200).length, 1);
	const others = answers.filter(({status}) => status !== 200).map((answer) => errorOf(answer).errcode);
	t.deepEqual(new Set(others), new Set(['M_ROOM_IN_USE']));
});
