import test from 'ava';
import {type ClientEvent, errorOf, newsroom, noRoom, type Person, room, VERSIONS} from './newsroom.ts';

interface Members {
	readonly chunk: readonly ClientEvent[];
}

const membersOf = async (person: Person, roomId: string, query = '') =>
	(await person.do<Members>('GET', `${room(roomId)}/members${query}`)).chunk
		.map(({state_key: key, content}) => [key, content['membership']])
		.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

test('a member reads the whole state, in every room version', async (t) => {
	const {alice} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, name: 'N'});
		const state = await alice.do<readonly ClientEvent[]>('GET', `${room(roomId)}/state`);
		t.deepEqual(
			state.map(({type}) => type).toSorted(),
			[
				'm.room.create',
				'm.room.guest_access',
				'm.room.history_visibility',
				'm.room.join_rules',
				'm.room.member',
				'm.room.name',
				'm.room.power_levels',
			],
			version,
		);
		t.true(state.every((event) => event.room_id === roomId && event.state_key !== undefined));
	}
});

test('E2: who has left sees the room as it was then, and who was never in it sees nothing', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'before'});
	await bob.join(roomId);
	const seen = await alice.say(roomId, 'seen');
	await bob.do('POST', `${room(roomId)}/leave`);
	await alice.setState(roomId, 'm.room.name', {name: 'after'});
	await carol.join(roomId);
	const unseen = await alice.say(roomId, 'unseen');

	t.deepEqual(await bob.state(roomId, 'm.room.name'), {name: 'before'});
	const state = await bob.do<readonly ClientEvent[]>('GET', `${room(roomId)}/state`);
	t.deepEqual(state.find(({type}) => type === 'm.room.name')?.content, {name: 'before'});
	t.deepEqual(await membersOf(bob, roomId), [
		[alice.id, 'join'],
		[bob.id, 'leave'],
	]);
	t.is((await bob.ask('GET', `${room(roomId)}/joined_members`)).status, 403);
	t.is((await bob.ask('GET', `${room(roomId)}/event/${seen}`)).status, 200);
	t.is((await bob.ask('GET', `${room(roomId)}/event/${unseen}`)).status, 404);

	// A ban afterwards shows no more than the leave did.
	await alice.do('POST', `${room(roomId)}/ban`, {user_id: bob.id});
	t.deepEqual(await bob.state(roomId, 'm.room.name'), {name: 'before'});
	t.is((await bob.ask('GET', `${room(roomId)}/event/${unseen}`)).status, 404);
});

test('an invite alone opens nothing', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({invite: [bob.id]});
	for (const path of ['state', 'members', 'messages?dir=b', 'state/m.room.create', 'joined_members', 'aliases']) {
		const answer = await bob.ask('GET', `${room(roomId)}/${path}`);
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN'], path);
	}
	await bob.do('POST', `${room(roomId)}/leave`);
	t.is((await bob.ask('GET', `${room(roomId)}/state`)).status, 403);
});

test('row 31: a stranger gets one answer everywhere, whether the room is there or not', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of ['11', '12']) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat', room_alias_name: `r${version}`});
		const eventId = encodeURIComponent(await alice.say(roomId, 'x'));
		for (const path of [
			'/state',
			'/state/m.room.name',
			'/state/m.room.name/',
			'/members',
			'/members?membership=join',
			'/joined_members',
			'/messages?dir=b',
			'/messages?dir=f&from=t1_0',
			`/context/${eventId}`,
			'/aliases',
		]) {
			const real = await bob.ask('GET', room(roomId) + path);
			const unreal = await bob.ask('GET', room(noRoom(roomId)) + path);
			t.deepEqual(errorOf(real), errorOf(unreal), path);
			t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN'], path);
		}
	}
});

test('an event is not there for a stranger, whether the room is or not', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const eventId = encodeURIComponent(await alice.say(roomId, 'x'));
	const [real, unreal] = [
		await bob.ask('GET', `${room(roomId)}/event/${eventId}`),
		await bob.ask('GET', `${room(noRoom(roomId))}/event/${eventId}`),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [404, 'M_NOT_FOUND']);
});

test('anybody reads what was said while anybody could', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const before = await alice.say(roomId, 'before');
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'world_readable'});
	const during = await alice.say(roomId, 'while');
	t.is((await bob.ask('GET', `${room(roomId)}/event/${during}`)).status, 200);
	t.is((await bob.ask('GET', `${room(roomId)}/event/${before}`)).status, 404);
	t.is((await bob.ask('GET', `${room(roomId)}/state`)).status, 200);
	t.is((await bob.ask('GET', `${room(roomId)}/members`)).status, 200);
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'shared'});
	t.is((await bob.ask('GET', `${room(roomId)}/event/${during}`)).status, 404);
});

test('members are listed by membership, and as they were at a point', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', invite: [carol.id]});
	await bob.join(roomId);
	const {start} = await alice.do<{start: string}>('GET', `${room(roomId)}/messages?dir=b&limit=1`);
	await bob.do('POST', `${room(roomId)}/leave`);
	t.deepEqual(await membersOf(alice, roomId, '?membership=join'), [[alice.id, 'join']]);
	t.deepEqual(await membersOf(alice, roomId, '?not_membership=leave'), [
		[alice.id, 'join'],
		[carol.id, 'invite'],
	]);
	t.deepEqual(await membersOf(alice, roomId, '?membership=leave&not_membership=join'), [
		[bob.id, 'leave'],
		[carol.id, 'invite'],
	]);
	t.deepEqual(await membersOf(alice, roomId, `?membership=join&at=${start}`), [
		[alice.id, 'join'],
		[bob.id, 'join'],
	]);
	for (const query of ['?membership=dance', '?at=nonsense', '?at=t-1_0', `?at=t${'9'.repeat(30)}_0`]) {
		const answer = await alice.ask('GET', `${room(roomId)}/members${query}`);
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], query);
	}
});

test('before everything that a sync shows of a new room, its creator is in it, and nobody who came later', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	interface Answer {
		readonly rooms: {readonly join: Readonly<Record<string, {readonly timeline: {readonly prev_batch: string}}>>};
	}
	const {prev_batch: start} = (await alice.do<Answer>('GET', '/sync')).rooms.join[roomId]!.timeline;
	await bob.join(roomId);
	const {chunk} = await alice.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/members?at=${start}`);
	t.deepEqual(
		chunk.map(({state_key: userId}) => userId),
		[alice.id],
	);
});

test('joined members come with name and avatar, and without what was redacted', async (t) => {
	const {alice, bob} = await newsroom(t);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Bob'});
	await bob.do('PUT', `/profile/${bob.id}/avatar_url`, {avatar_url: 'mxc://news.example/a'});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	t.deepEqual(await alice.do('GET', `${room(roomId)}/joined_members`), {
		joined: {[alice.id]: {}, [bob.id]: {display_name: 'Bob', avatar_url: 'mxc://news.example/a'}},
	});
	const member = await alice.do<ClientEvent>('GET', `${room(roomId)}/state/m.room.member/${bob.id}?format=event`);
	await alice.do('PUT', `${room(roomId)}/redact/${encodeURIComponent(member.event_id)}/1`, {});
	t.deepEqual(await alice.do('GET', `${room(roomId)}/joined_members`), {joined: {[alice.id]: {}, [bob.id]: {}}});
});

test('an event is shown to who may see it; other rooms’ and unknown ones are not found', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const other = await alice.create();
	const eventId = await alice.say(other, 'elsewhere');
	await bob.join(roomId);
	for (const id of [eventId, '$nonsense', `$${'A'.repeat(43)}`, '$a:news.example']) {
		const answer = await bob.ask('GET', `${room(roomId)}/event/${encodeURIComponent(id)}`);
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_NOT_FOUND'], id);
	}
	const wrong = await bob.ask('GET', `${room(roomId)}/event/nonsense`);
	t.deepEqual([wrong.status, wrong.body['errcode']], [400, 'M_INVALID_PARAM']);
});

test('what was said before somebody came is theirs as the room’s visibility has it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const shown = async (visibility: string) => {
		const roomId = await alice.create({
			initial_state: [{type: 'm.room.history_visibility', content: {history_visibility: visibility}}],
		});
		const events = [await alice.say(roomId, 'before the invite')];
		await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id});
		events.push(await alice.say(roomId, 'before the join'));
		await bob.join(roomId);
		events.push(await alice.say(roomId, 'after the join'));
		return Promise.all(
			events.map(async (id) => (await bob.ask('GET', `${room(roomId)}/event/${encodeURIComponent(id)}`)).status),
		);
	};
	t.deepEqual(await shown('joined'), [404, 404, 200]);
	t.deepEqual(await shown('invited'), [404, 200, 200]);
	t.deepEqual(await shown('shared'), [200, 200, 200]);
	t.deepEqual(await shown('world_readable'), [200, 200, 200]);
	t.deepEqual(await shown('nonsense'), [200, 200, 200]);
});

test('joined rooms are those one is in now', async (t) => {
	const {alice, bob} = await newsroom(t);
	const [stays, leaves] = [await alice.create({invite: [bob.id]}), await alice.create()];
	await alice.do('POST', `${room(leaves)}/leave`);
	t.deepEqual(await alice.do('GET', '/joined_rooms'), {joined_rooms: [stays]});
	t.deepEqual(await bob.do('GET', '/joined_rooms'), {joined_rooms: []});
	const anonymous = await fetch(`${alice.app.url}/_matrix/client/v3/joined_rooms`);
	t.is(anonymous.status, 401);
});

test('a changed name is told in every room, once', async (t) => {
	const {alice, bob} = await newsroom(t);
	const rooms = [
		await alice.create({preset: 'public_chat'}),
		await alice.create({room_version: '1', preset: 'public_chat'}),
	];
	for (const roomId of rooms) await bob.join(roomId);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Robert'});
	for (const roomId of rooms) {
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {displayname: 'Robert', membership: 'join'});
	}
	const before = await alice.do<ClientEvent>('GET', `${room(rooms[0]!)}/state/m.room.member/${bob.id}?format=event`);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Robert'});
	const after = await alice.do<ClientEvent>('GET', `${room(rooms[0]!)}/state/m.room.member/${bob.id}?format=event`);
	t.is(after.event_id, before.event_id);
});
