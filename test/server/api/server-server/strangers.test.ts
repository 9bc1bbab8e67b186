/** What a server is told that has nothing to do with anybody here (rows 36 to 46 of the enumeration surface). */
import test from 'ava';
import type {EventId, JsonObject, RoomId} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path, register, until} from '../../../harness/index.ts';
import {countReads} from '../../../harness/read-counter.ts';
import {listAnswers, look, type Question, startStrange} from './strange-world.ts';
import {say, startHost, startShared} from './world.ts';

const federation = '/_matrix/federation/v1';

/** Questions about people, and what a stranger is answered whoever it is. */
const ABOUT_PEOPLE: Readonly<Record<string, {readonly status: number; readonly ask: (userId: string) => Question}>> = {
	'row 36: a profile': {
		status: 403,
		ask: (userId) => ({method: 'GET', uri: `${federation}/query/profile?user_id=${path(userId)}`}),
	},
	'row 36: a field of a profile': {
		status: 403,
		ask: (userId) => ({method: 'GET', uri: `${federation}/query/profile?user_id=${path(userId)}&field=displayname`}),
	},
	'row 37: devices': {
		status: 403,
		ask: (userId) => ({method: 'GET', uri: `${federation}/user/devices/${path(userId)}`}),
	},
	'row 38: device keys': {
		status: 200,
		ask: (userId) => ({method: 'POST', uri: `${federation}/user/keys/query`, body: {device_keys: {[userId]: []}}}),
	},
	'row 38: one-time keys': {
		status: 200,
		ask: (userId) => ({
			method: 'POST',
			uri: `${federation}/user/keys/claim`,
			body: {one_time_keys: {[userId]: {DEVICE: 'signed_curve25519'}}},
		}),
	},
};

test('rows 36 to 38: a strange server is told the same of people of every kind and of nobody', async (t) => {
	const host = await startStrange(t);
	const wellFormed = host.nobodies.slice(0, -2);
	for (const [row, {status, ask}] of Object.entries(ABOUT_PEOPLE)) {
		const answers = await listAnswers(host, [...Object.values(host.people), ...wellFormed], ask);
		t.is(answers.size, 1, `${row}: ${[...answers.values()].join(' ')}`);
		t.true([...answers.keys()][0]!.startsWith(`{"status":${status}`), [...answers.keys()][0]);
		t.false([...answers.keys()][0]!.includes('A name'));
	}
	// What is no name at all, or not of this server, is refused before anybody is looked for.
	for (const userId of [...host.nobodies.slice(-2), '@ua000:elsewhere.example']) {
		const {status} = await look(host, ABOUT_PEOPLE['row 36: a profile']!.ask(userId), userId);
		t.true(status === 400 || status === 403, userId);
	}
});

test('rows 36 to 38: whether somebody is here costs no read of the database more or less', async (t) => {
	const host = await startStrange(t);
	const reads = countReads(host.app.application.storage);
	const person = host.people['person 0']!;
	// The peer's own keys are read once.
	await look(host, ABOUT_PEOPLE['row 36: a profile']!.ask(person), person);
	for (const [row, {ask}] of Object.entries(ABOUT_PEOPLE)) {
		const costs: number[] = [];
		for (const name of [person, host.nobodies[0]!, host.people['deactivated']!, person, host.nobodies[1]!]) {
			costs.push(await reads.count(() => look(host, ask(name), name)));
		}
		t.is(new Set(costs).size, 1, `${row}: ${costs.join(' ')}`);
	}
});

test('row 36: a server that shares a room with somebody is given their profile, or the field that it asks for', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer} = host;
	const at = `/_matrix/client/v3/profile/${path(alice.user_id)}`;
	const token = alice.access_token;
	await call(app, 'PUT', `${at}/displayname`, {token, body: {displayname: 'Alice'}});
	const uri = `${federation}/query/profile?user_id=${path(alice.user_id)}`;
	t.deepEqual((await peer.request('GET', uri)).body, {displayname: 'Alice'});
	t.deepEqual((await peer.request('GET', `${uri}&field=displayname`)).body, {displayname: 'Alice'});
	t.deepEqual((await peer.request('GET', `${uri}&field=avatar_url`)).body, {});
	const other = await register(app, 'evelyn');
	t.is((await peer.request('GET', `${federation}/query/profile?user_id=${path(other.user_id)}`)).status, 403);
	const foreign = await peer.request('GET', `${federation}/query/profile?user_id=${path('@alice:elsewhere.example')}`);
	t.deepEqual([foreign.status, foreign.body['errcode']], [400, 'M_INVALID_PARAM']);
	t.is((await peer.request('GET', `${federation}/query/profile?user_id=alice`)).status, 400);
});

test('row 39: an alias of a room that is not published is none for a strange server', async (t) => {
	const host = await startHost(t, 2);
	const {app, alice, peer, peers} = host;
	const token = alice.access_token;
	const create = (name: string, visibility = 'private', preset = 'private_chat') =>
		call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
			token,
			body: {room_alias_name: name, visibility, preset},
		});
	const ask = (alias: string): Question => ({
		method: 'GET',
		uri: `${federation}/query/directory?room_alias=${path(alias)}`,
	});
	const aliases: string[] = [];
	for (let index = 0; index < 10; index += 1) {
		// Anybody may enter half of them, if they know where they are.
		await create(`ra${index}`, 'private', index % 2 === 0 ? 'private_chat' : 'public_chat');
		aliases.push(`#ra${index}:news.example`, `#rb${index}:news.example`);
	}
	const answers = await listAnswers(host, aliases, ask);
	t.is(answers.size, 1, [...answers.values()].join(' '));
	t.true([...answers.keys()][0]!.startsWith('{"status":404'));
	// Published, or with somebody of that server in it, it is what it is.
	const shown = await create('shown', 'public', 'public_chat');
	t.is((await peer.request('GET', ask('#shown:news.example').uri)).body['room_id'], shown.room_id);
	const entered = await create('entered', 'private', 'public_chat');
	await peer.join(entered.room_id, peer.userId('bob'));
	t.is((await peer.request('GET', ask('#entered:news.example').uri)).body['room_id'], entered.room_id);
	t.is((await peers[1]!.request('GET', ask('#entered:news.example').uri)).status, 404);
	const foreign = await peer.request('GET', ask('#ra0:elsewhere.example').uri);
	t.deepEqual([foreign.status, foreign.body['errcode']], [400, 'M_INVALID_PARAM']);
});

test('row 40: a room that lets no stranger in is none, whatever keeps it closed', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const bob = peer.userId('bob');
	const newsroom = await host.createRoom({preset: 'private_chat'});
	const rules = (rule: string, allow: readonly object[] = []): object => ({
		type: 'm.room.join_rules',
		state_key: '',
		content: {join_rule: rule, allow},
	});
	const known = [{type: 'm.room_membership', room_id: newsroom}];
	const elsewhere = [{type: 'm.room_membership', room_id: '!far:far.example'}];
	const rooms = [
		await host.createRoom({preset: 'private_chat'}),
		await host.createRoom({initialState: [rules('private')]}),
		await host.createRoom({initialState: [rules('restricted', known)]}),
		await host.createRoom({initialState: [rules('restricted', elsewhere)]}),
		await host.createRoom({initialState: [rules('restricted')]}),
		// No version knows this rule; version 6 knows no knocks, and version 7 no restricted rooms.
		await host.createRoom({initialState: [rules('org.example.rule')]}),
		await host.createRoom({version: '6', initialState: [rules('knock')]}),
		await host.createRoom({version: '7', initialState: [rules('restricted', known)]}),
		'!nowhere:news.example',
		`!${'a'.repeat(43)}`,
	];
	for (const way of ['join', 'knock', 'leave']) {
		for (const query of ['', '?ver=1', '?ver=6&ver=7&ver=11&ver=12']) {
			const ask = (roomId: string): Question => ({
				method: 'GET',
				uri: `${federation}/make_${way}/${path(roomId)}/${path(bob)}${query}`,
			});
			const answers = await listAnswers(host, rooms, ask);
			t.is(answers.size, 1, `make_${way}${query}: ${[...answers.keys()].join(' ')}`);
			t.true([...answers.keys()][0]!.startsWith('{"status":404'), way);
		}
	}
});

test('row 40: who meets the condition of a restricted room is told of it, as are servers that are in it', async (t) => {
	const host = await startHost(t, 2);
	const {peer} = host;
	const newsroom = await host.createRoom();
	const allow = [{type: 'm.room_membership', room_id: newsroom}];
	const rules = {type: 'm.room.join_rules', state_key: '', content: {join_rule: 'restricted', allow}};
	const desk = await host.createRoom({initialState: [rules]});
	const [bob, carol] = [peer.userId('bob'), peer.userId('carol')];
	await peer.join(newsroom, bob);
	await peer.join(desk, bob);
	const uri = (userId: string) => `${federation}/make_join/${path(desk)}/${path(userId)}?ver=11`;
	const refused = await peer.request('GET', uri(carol));
	t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_FORBIDDEN']);
	const [second] = host.peers.slice(1);
	t.is((await second!.request('GET', uri(second!.userId('dave')))).status, 404);
});

test('row 44: what is said in passing is answered alike, whoever it is about, and reaches nobody', async (t) => {
	const host = await startStrange(t);
	const {app, alice, peer} = host;
	const roomId = await host.createRoom({preset: 'private_chat'});
	const {event_id: eventId} = await say(host, roomId, 'between us');
	const bob = peer.userId('bob');
	const edus: Readonly<Record<string, (userId: string, room: string) => JsonObject>> = {
		'm.direct_to_device': (userId) => ({
			sender: bob,
			type: 'm.x',
			message_id: `of ${userId}`,
			messages: {[userId]: {'*': {n: 1}}},
		}),
		'm.typing': (_, room) => ({room_id: room, user_id: bob, typing: true}),
		'm.receipt': (_, room) => ({[room]: {'m.read': {[bob]: {event_ids: [eventId], data: {ts: 1}}}}}),
		'm.presence': (userId) => ({push: [{user_id: userId, presence: 'online', last_active_ago: 1}]}),
		'm.device_list_update': (userId) => ({user_id: userId, device_id: 'D', stream_id: 1, prev_id: []}),
	};
	let transactions = 0;
	for (const [type, content] of Object.entries(edus)) {
		const names = [alice.user_id, host.people['deactivated']!, ...host.nobodies.slice(0, 3)];
		const answers = await listAnswers(host, names, (name) => ({
			method: 'PUT',
			uri: `${federation}/send/${type}${(transactions += 1)}`,
			body: {
				origin: peer.name,
				origin_server_ts: 1,
				pdus: [],
				edus: [{edu_type: type, content: content(name, name === alice.user_id ? roomId : '!nowhere:news.example')}],
			},
		}));
		t.deepEqual([...answers.values()].length, 1, type);
	}
	const synced = await call(app, 'GET', '/_matrix/client/v3/sync', {token: alice.access_token});
	t.is(synced['to_device'], undefined);
	t.false(JSON.stringify(synced).includes(bob));
});

test('row 45: a strange server is shown no list of rooms, and no tree of a room that it may not know', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	const body = {visibility: 'public', preset: 'public_chat', name: 'Shown to us'};
	await call(app, 'POST', '/_matrix/client/v3/createRoom', {token: alice.access_token, body});
	for (const [method, asked] of [
		['GET', undefined],
		['POST', {}],
	] as const) {
		const answer = await peer.request(method, `${federation}/publicRooms`, {body: asked});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN']);
		t.false(answer.text.includes('Shown'));
	}
	const rooms = [
		await host.createRoom({preset: 'private_chat'}),
		await host.createRoom({preset: 'private_chat', version: '12'}),
		'!nowhere:news.example',
	];
	const answers = await listAnswers(host, rooms, (roomId) => ({
		method: 'GET',
		uri: `${federation}/hierarchy/${path(roomId)}`,
	}));
	t.is(answers.size, 1, [...answers.keys()].join(' '));
});

test('row 45: with privacy open the list is for every server', async (t) => {
	const host = await startHost(t, 1, () => ({privacy: 'open'}));
	t.is((await host.peer.request('GET', `${federation}/publicRooms`)).status, 200);
});

test('row 46: a question for the keys of another server tells nobody whom this one knows', async (t) => {
	const host = await startShared(t);
	const ask = (name: string): Question => ({method: 'GET', uri: `/_matrix/key/v2/query/${path(name)}`});
	const answers = await listAnswers(host, [host.peer.name, '127.9.9.9:8448', 'elsewhere.example'], ask);
	t.is(answers.size, 1, [...answers.keys()].join(' '));
});

test('rows 39 to 43: a refusal comes no sooner than the next tick of the grid', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const roomId = await host.createRoom({preset: 'private_chat'});
	const {event_id: eventId} = await say(host, roomId, 'between us');
	const questions = [roomId, '!nowhere:news.example'].flatMap((room) => [
		`${federation}/make_join/${path(room)}/${path(peer.userId('bob'))}?ver=11`,
		`${federation}/state_ids/${path(room)}?event_id=${path(eventId)}`,
		`${federation}/backfill/${path(room)}?v=${path(eventId)}&limit=1`,
		`${federation}/timestamp_to_event/${path(room)}?ts=1&dir=f`,
		`${federation}/hierarchy/${path(room)}`,
	]);
	questions.push(
		`${federation}/event/${path(eventId)}`,
		`${federation}/query/directory?room_alias=%23x%3Anews.example`,
	);
	for (const uri of questions) {
		const begun = performance.now();
		const {status} = await peer.request('GET', uri);
		t.true(status === 403 || status === 404, uri);
		t.true(performance.now() - begun > 19, `${uri} took ${performance.now() - begun} ms`);
	}
});

test('rows 41 to 43: what a room of ours costs a stranger is a few reads, as of none', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom({preset: 'private_chat'});
	const {event_id: eventId} = await say(host, roomId, 'between us');
	// The peer's own keys are read once, and its first request wakes what waits for it.
	await look(host, {method: 'GET', uri: `${federation}/event/${path(eventId)}`}, eventId);
	const reads = countReads(host.app.application.storage);
	for (const room of [roomId, '!nowhere:news.example']) {
		for (const uri of [
			`${federation}/state/${path(room)}?event_id=${path(eventId)}`,
			`${federation}/backfill/${path(room)}?v=${path(eventId)}&limit=100`,
			`${federation}/event_auth/${path(room)}/${path(eventId)}`,
			`${federation}/timestamp_to_event/${path(room)}?ts=1&dir=f`,
			`${federation}/event/${path(eventId)}`,
		]) {
			const cost = await reads.count(() => look(host, {method: 'GET', uri}, room));
			t.true(cost <= 4, `${uri} cost ${cost}`);
		}
	}
});

test('row 44: events of a room that a strange server is not in are answered, and asked about, as those of none', async (t) => {
	const host = await startHost(t, 2);
	const {peer} = host;
	const [, member] = host.peers;
	const [own, shared] = [await host.createRoom({preset: 'private_chat'}), await host.createRoom()];
	await member!.join(shared, member!.userId('carol'));
	const bob = peer.userId('bob');
	const unknown = [`$${'u'.repeat(43)}` as EventId];
	let transactions = 0;
	const questionOf = (roomId: string): Question => {
		const event = peer.sign({
			roomVersion: '11',
			roomId: roomId as RoomId,
			type: 'm.room.message',
			sender: bob,
			content: {msgtype: 'm.text', body: 'x'},
			depth: 9,
			originServerTs: Date.now(),
			prevEvents: unknown,
			authEvents: unknown,
		});
		const body = {origin: peer.name, origin_server_ts: 1, pdus: [toFederationEvent(event)], edus: []};
		return {method: 'PUT', uri: `${federation}/send/${(transactions += 1)}`, body};
	};
	const answers = await listAnswers(host, [own, shared, '!nowhere:news.example'], questionOf);
	t.is(answers.size, 1, [...answers.keys()].join(' '));
	t.true([...answers.keys()][0]!.includes('{\\"pdus\\":{}}'), [...answers.keys()][0]);
	const tries = () => host.app.readLog().split('its join is still to come').length - 1;
	await until(() => tries() >= 2, 'both rooms have looked at it');
	t.deepEqual(
		peer.requests.filter(({url}) => !url.startsWith('/_matrix/key/')),
		[],
	);
});
