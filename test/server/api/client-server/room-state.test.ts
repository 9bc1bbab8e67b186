import test from 'ava';
import {errorOf, newsroom, noRoom, room, VERSIONS} from './newsroom.ts';

interface Sent {
	readonly event_id: string;
}

test('state is set and read in all spellings of its path', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const at = (rest: string) => `${room(roomId)}/state/${rest}`;
	await alice.do('PUT', at('m.room.topic'), {topic: 'one'});
	t.deepEqual(await alice.do('GET', at('m.room.topic/')), {topic: 'one'});
	await alice.do('PUT', at('m.room.topic/'), {topic: 'two'});
	t.deepEqual(await alice.do('GET', at('m.room.topic')), {topic: 'two'});
	await alice.do('PUT', at(`m.note/${encodeURIComponent('a/b: ü')}`), {text: 'three'});
	t.deepEqual(await alice.do('GET', at(`m.note/${encodeURIComponent('a/b: ü')}`)), {text: 'three'});
	const event = await alice.do<{type: string; state_key: string; content: object}>(
		'GET',
		at('m.room.topic?format=event'),
	);
	t.deepEqual([event.type, event.state_key, event.content], ['m.room.topic', '', {topic: 'two'}]);
	const missing = await alice.ask('GET', at('m.note/none'));
	t.deepEqual([missing.status, missing.body['errcode']], [404, 'M_NOT_FOUND']);
	const wrong = await alice.ask('GET', at('m.room.topic?format=xml'));
	t.deepEqual([wrong.status, wrong.body['errcode']], [400, 'M_INVALID_PARAM']);
});

test('setting what is set already makes no event; another person’s makes one', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const levels = {state_default: 0, users_default: 0};
		const roomId = await alice.create({
			room_version: version,
			preset: 'public_chat',
			power_level_content_override: levels,
		});
		await bob.join(roomId);
		const first = await alice.setState(roomId, 'm.note', {b: 1, a: [1, {c: 2}]});
		t.is(await alice.setState(roomId, 'm.note', {a: [1, {c: 2}], b: 1}), first, version);
		t.not(await bob.setState(roomId, 'm.note', {b: 1, a: [1, {c: 2}]}), first, version);
	}
});

test('what was redacted can be set again', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const first = await alice.setState(roomId, 'm.room.topic', {topic: 'again'});
	await alice.do('PUT', `${room(roomId)}/redact/${encodeURIComponent(first)}/1`, {});
	t.deepEqual(await alice.state(roomId, 'm.room.topic'), {});
	t.not(await alice.setState(roomId, 'm.room.topic', {topic: 'again'}), first);
	t.deepEqual(await alice.state(roomId, 'm.room.topic'), {topic: 'again'});
});

test('power levels decide who sets what, and state keys that are user ids are their own', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', power_level_content_override: {events: {'m.own': 0}}});
	await bob.join(roomId);
	const put = async (person: typeof bob, type: string, key: string, content: unknown = {}) => {
		const path = `${room(roomId)}/state/${type}/${encodeURIComponent(key)}`;
		const answer = await person.ask('PUT', path, content);
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await put(bob, 'm.room.topic', '', {topic: 'x'}), [403, 'M_FORBIDDEN']);
	t.is((await put(bob, 'm.own', bob.id))[0], 200);
	t.deepEqual(await put(bob, 'm.own', carol.id), [403, 'M_FORBIDDEN']);
	t.deepEqual(await put(alice, 'm.room.create', ''), [400, 'M_BAD_JSON']);
	t.deepEqual(await put(alice, 'm.x', 'é'.repeat(128)), [413, 'M_TOO_LARGE']);
	t.deepEqual(await put(alice, 'm.x', '', []), [400, 'M_BAD_JSON']);
	// C3: levels in forms that the version does not know.
	for (const levels of [
		{ban: '50'},
		{ban: 50.5},
		{users: {[bob.id]: null}},
		{events: []},
		{users: {[alice.id]: 100}},
	]) {
		t.deepEqual(await put(alice, 'm.room.power_levels', '', levels), [400, 'M_BAD_JSON'], JSON.stringify(levels));
	}
	t.deepEqual(await put(bob, 'm.room.power_levels', '', {ban: '50'}), [403, 'M_FORBIDDEN']);
});

test('a room has one create event, and no member can send it another', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat'});
		await bob.join(roomId);
		for (const person of [alice, bob]) {
			const answer = await person.ask('PUT', `${room(roomId)}/state/m.room.create`, {room_version: version, more: 1});
			t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_BAD_JSON'], version);
		}
	}
});

test('a stranger sets and reads nothing, whether the room is there or not', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	for (const [method, rest, body] of [
		['PUT', 'state/m.room.topic', {topic: 'x'}],
		['PUT', 'state/m.room.create', {}],
		['PUT', 'state/m.room.member/@carol:news.example', {membership: 'invite'}],
		['PUT', 'state/m.room.member/@carol:news.example', {membership: 'join'}],
		['GET', 'state/m.room.topic', undefined],
		['GET', 'state', undefined],
	] as const) {
		const real = await bob.ask(method, `${room(roomId)}/${rest}`, body);
		const unreal = await bob.ask(method, `${room(noRoom(roomId))}/${rest}`, body);
		t.deepEqual(errorOf(real), errorOf(unreal), rest);
		t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN'], rest);
	}
});

test('memberships may be set as state, and go the same ways', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create();
	const put = (person: typeof bob, target: string, content: object) =>
		person.ask<Sent & {errcode?: string}>('PUT', `${room(roomId)}/state/m.room.member/${target}`, content);
	t.is((await put(alice, bob.id, {membership: 'invite', reason: 'r'})).status, 200);
	const joined = await put(bob, bob.id, {membership: 'join', displayname: 'Bob here'});
	t.is(joined.status, 200);
	t.is((await put(bob, bob.id, {membership: 'join', displayname: 'Bob here'})).body.event_id, joined.body.event_id);
	t.is((await put(bob, bob.id, {membership: 'join', displayname: 'Robert'})).status, 200);
	t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {displayname: 'Robert', membership: 'join'});
	t.is((await put(alice, bob.id, {membership: 'leave'})).status, 200);
	t.is((await put(alice, bob.id, {membership: 'ban'})).status, 200);
	t.is((await put(alice, bob.id, {membership: 'leave'})).status, 200);
	t.is((await alice.state(roomId, 'm.room.member', bob.id))['membership'], 'leave');
	t.is((await put(alice, carol.id, {membership: 'join'})).status, 403);
	t.is((await put(alice, alice.id, {membership: 'leave'})).status, 200);
});

test('A11: member events of a wrong form are refused where they are made', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	for (const [key, content] of [
		[alice.id, {membership: 5}],
		[alice.id, {membership: 'dance'}],
		[alice.id, {}],
		[alice.id, {membership: 'join', displayname: 5}],
		[alice.id, {membership: 'join', avatar_url: {}}],
		['alice', {membership: 'join'}],
		['', {membership: 'join'}],
	] as const) {
		const answer = await alice.ask('PUT', `${room(roomId)}/state/m.room.member/${encodeURIComponent(key)}`, content);
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_BAD_JSON'], JSON.stringify(content));
	}
	t.is((await alice.ask('GET', `${room(roomId)}/state`)).status, 200);
});

test('F2: a picture of a person or a room that would lead a client elsewhere is not taken', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const bad = [
		'mxc://../../_matrix/client/v3/logout',
		'mxc://news.example/../secret',
		'mxc://news.example/a/b',
		'mxc://news.example/%2e%2e',
		'mxc://news.example',
		'MXC://news.example/..',
		'mxc:news.example/a',
	];
	const put = (type: string, stateKey: string, content: object) =>
		alice.ask('PUT', `${room(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`, content);
	for (const uri of bad) {
		for (const {status, body} of [
			await put('m.room.member', alice.id, {membership: 'join', avatar_url: uri}),
			await put('m.room.avatar', '', {url: uri}),
			await alice.ask('POST', '/createRoom', {initial_state: [{type: 'm.room.avatar', content: {url: uri}}]}),
			await alice.ask('PUT', `/profile/${encodeURIComponent(alice.id)}/avatar_url`, {avatar_url: uri}),
		]) {
			t.is(status, 400, uri);
			t.true(body['errcode'] === 'M_BAD_JSON' || body['errcode'] === 'M_INVALID_PARAM', uri);
		}
	}
	t.is((await put('m.room.avatar', '', {url: 'mxc://news.example/abc'})).status, 200);
	t.is((await put('m.room.avatar', '', {})).status, 200);
	t.is((await put('m.room.member', alice.id, {membership: 'join', avatar_url: 'mxc://news.example/abc'})).status, 200);
});

test('canonical aliases must be aliases and name the room; old ones need not', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create({room_alias_name: 'here'});
	await alice.create({room_alias_name: 'there'});
	const put = async (content: object) => {
		const answer = await alice.ask('PUT', `${room(roomId)}/state/m.room.canonical_alias`, content);
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await put({alias: '#there:news.example'}), [400, 'M_BAD_ALIAS']);
	t.deepEqual(await put({alias: '#none:news.example'}), [400, 'M_BAD_ALIAS']);
	t.deepEqual(await put({alt_aliases: ['#here:news.example', '#none:news.example']}), [400, 'M_BAD_ALIAS']);
	t.deepEqual(await put({alias: 'here'}), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await put({alt_aliases: [5]}), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await put({alt_aliases: 'x'}), [400, 'M_INVALID_PARAM']);
	t.is((await put({alias: '#here:news.example', alt_aliases: ['#here:news.example']}))[0], 200);
	// What stands there already is not looked at again, and may go.
	await alice.do('DELETE', `/directory/room/${encodeURIComponent('#here:news.example')}`);
	t.is((await put({}))[0], 200);
});
