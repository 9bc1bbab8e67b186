import test from 'ava';
import type {EventId, JsonObject, UserId} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {path, request, until} from '../../../harness/index.ts';
import {foreignRoom, memberOf, sendInvite} from './foreign-rooms.ts';
import {hear, say, setState, startHost, startShared} from './world.ts';

const federation = '/_matrix/federation/v1';
const message = (sender: UserId, body: string) => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body},
});
const UNKNOWN_EVENT = `$${'z'.repeat(43)}`;

interface Pdus {
	readonly pdus: readonly JsonObject[];
}

function questionsOf(roomId: string, eventId: string): [string, string, JsonObject?][] {
	return [
		['GET', `${federation}/state/${path(roomId)}?event_id=${path(eventId)}`],
		['GET', `${federation}/state_ids/${path(roomId)}?event_id=${path(eventId)}`],
		['GET', `${federation}/backfill/${path(roomId)}?v=${path(eventId)}&limit=10`],
		['GET', `${federation}/event_auth/${path(roomId)}/${path(eventId)}`],
		['POST', `${federation}/get_missing_events/${path(roomId)}`, {earliest_events: [], latest_events: [eventId]}],
	];
}

test('row 41: a server that is not in a room is told the same of it, of its events and of none', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const roomId = await host.createRoom();
	const {event_id: eventId} = await say(host, roomId, 'between us');
	const real = questionsOf(roomId, eventId);
	const others = [
		questionsOf(roomId, UNKNOWN_EVENT),
		questionsOf('!nowhere:news.example', eventId),
		questionsOf('!nowhere:news.example', UNKNOWN_EVENT),
	];
	for (const [index, [method, uri, body]] of real.entries()) {
		const answer = await peer.request(method, uri, {body});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN'], uri);
		for (const other of others) {
			const [otherMethod, otherUri, otherBody] = other[index]!;
			const second = await peer.request(otherMethod, otherUri, {body: otherBody});
			t.deepEqual([second.status, second.text], [answer.status, answer.text], otherUri);
		}
	}
});

test('row 43: an event of a room that a server is not in is none', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const {event_id: eventId} = await say(host, roomId, 'between us');
	const [real, none] = await Promise.all(
		[eventId, UNKNOWN_EVENT].map((id) => host.peer.request('GET', `${federation}/event/${path(id)}`)),
	);
	t.deepEqual([real!.status, real!.text], [none!.status, none!.text]);
	t.is(real!.status, 404);
});

test('row 42: a server that is not in a room learns of no event by its time', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	await say(host, roomId, 'between us');
	const ask = (room: string) =>
		host.peer.request('GET', `${federation}/timestamp_to_event/${path(room)}?ts=${Date.now()}&dir=b`);
	const [real, none] = [await ask(roomId), await ask('!nowhere:news.example')];
	t.deepEqual([real.status, real.text], [none.status, none.text]);
	t.false(real.text.includes('event_id'));
});

test('a server in the room is given its events, its state and what it misses', async (t) => {
	const host = await startShared(t);
	const {peer, roomId, room} = host;
	const ids: string[] = [];
	for (const body of ['one', 'two', 'three']) ids.push((await say(host, roomId, body)).event_id);
	const event = await peer.request<Pdus>('GET', `${federation}/event/${path(ids[0]!)}`);
	t.like(event.body.pdus[0], {content: {body: 'one'}});
	const back = await peer.request<Pdus>('GET', `${federation}/backfill/${path(roomId)}?v=${path(ids[2]!)}&limit=3`);
	t.deepEqual(
		back.body.pdus.map(({content}) => (content as JsonObject)['body']),
		['three', 'two', 'one'],
	);
	const body = {earliest_events: room.extremities, latest_events: [ids[2]!], limit: 10, min_depth: 0};
	const missing = await peer.request<{events: JsonObject[]}>(
		'POST',
		`${federation}/get_missing_events/${path(roomId)}`,
		{body},
	);
	t.deepEqual(
		missing.body.events.map(({content}) => (content as JsonObject)['body']),
		['one', 'two'],
	);
	const state = await peer.request<Pdus & {auth_chain: JsonObject[]}>(
		'GET',
		`${federation}/state/${path(roomId)}?event_id=${path(ids[0]!)}`,
	);
	t.true(state.body.pdus.some(({type}) => type === 'm.room.power_levels'));
	t.true(state.body.auth_chain.some(({type}) => type === 'm.room.create'));
	const stateIds = await peer.request<{pdu_ids: string[]; auth_chain_ids: string[]}>(
		'GET',
		`${federation}/state_ids/${path(roomId)}?event_id=${path(ids[0]!)}`,
	);
	t.is(stateIds.body.pdu_ids.length, state.body.pdus.length);
	t.is(stateIds.body.auth_chain_ids.length, state.body.auth_chain.length);
	for (const uri of [
		`${federation}/state/${path(roomId)}?event_id=${path(UNKNOWN_EVENT)}`,
		`${federation}/event_auth/${path(roomId)}/${path(UNKNOWN_EVENT)}`,
		`${federation}/event/${path(UNKNOWN_EVENT)}`,
	]) {
		t.is((await peer.request('GET', uri)).status, 404, uri);
	}
});

test('questions that make no sense are refused, never failed at', async (t) => {
	const {peer, roomId, room} = await startShared(t);
	const id = path(room.extremities[0]!);
	const wrong: [string, string, JsonObject?][] = [
		['GET', `${federation}/state/${path(roomId)}`],
		['GET', `${federation}/state/${path(roomId)}?event_id=x`],
		['GET', `${federation}/state/nonsense?event_id=${id}`],
		['GET', `${federation}/backfill/${path(roomId)}?limit=5`],
		['GET', `${federation}/backfill/${path(roomId)}?v=${id}&limit=x`],
		['GET', `${federation}/event/x`],
		['POST', `${federation}/get_missing_events/${path(roomId)}`, {}],
		['POST', `${federation}/get_missing_events/${path(roomId)}`, {earliest_events: [5], latest_events: []}],
	];
	for (const [method, uri, body] of wrong) {
		const {status} = await peer.request(method, uri, {body});
		t.true(status === 400 || status === 404, `${uri} ${status}`);
	}
	for (const limit of ['-5', '0', '999999999']) {
		const answer = await peer.request<Pdus>('GET', `${federation}/backfill/${path(roomId)}?v=${id}&limit=${limit}`);
		t.true(answer.status === 200 && answer.body.pdus.length <= 100, limit);
	}
});

test('C14: an event of one room cannot be asked for by way of another', async (t) => {
	const host = await startShared(t);
	const {peer, roomId} = host;
	const closed = await host.createRoom({preset: 'private_chat'});
	const {event_id: secret} = await say(host, closed, 'between us');
	for (const [method, uri, body] of questionsOf(roomId, secret)) {
		const answer = await peer.request<{pdus?: []; events?: []}>(method, uri, {body});
		t.false(answer.text.includes('between us'), uri);
		t.true(answer.status === 404 || (answer.body.pdus ?? answer.body.events ?? []).length === 0, answer.text);
	}
});

test('C14: what was said before a server came is redacted for it where the room’s history says so', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const visibility = {type: 'm.room.history_visibility', state_key: '', content: {history_visibility: 'joined'}};
	const roomId = await host.createRoom({initialState: [visibility]});
	const {event_id: before} = await say(host, roomId, 'before they came');
	await peer.join(roomId, peer.userId('bob'));
	const {event_id: after} = await say(host, roomId, 'after they came');
	const back = await peer.request<Pdus>('GET', `${federation}/backfill/${path(roomId)}?v=${path(after)}&limit=10`);
	t.true(back.text.includes('after they came'));
	t.false(back.text.includes('before they came'));
	t.false((await peer.request('GET', `${federation}/event/${path(before)}`)).text.includes('before they came'));
	const body = {earliest_events: [], latest_events: [after], limit: 10};
	const missing = await peer.request('POST', `${federation}/get_missing_events/${path(roomId)}`, {body});
	t.false(missing.text.includes('before they came'));
});

test('C14: a server whose last user has left is told nothing more', async (t) => {
	const host = await startShared(t);
	const {peer, roomId, bob} = host;
	t.is((await peer.sendMember(await peer.makeMember('leave', roomId, bob))).status, 200);
	const {event_id: after} = await say(host, roomId, 'after they went');
	for (const [method, uri, body] of questionsOf(roomId, after)) {
		t.is((await peer.request(method, uri, {body})).status, 403, uri);
	}
});

test('A12: a run of rejected events does not end the history for a server', async (t) => {
	const host = await startShared(t);
	const {peer, roomId, room, bob} = host;
	await setState(host, roomId, 'm.room.topic', {topic: 'by alice'});
	await say(host, roomId, 'early');
	const early = await say(host, roomId, 'last of alice');
	room.extremities = [early.event_id as never];
	room.depth += 10;
	for (let index = 0; index < 5; index += 1) {
		const refused = peer.append(room, {type: 'm.room.power_levels', sender: bob, stateKey: '', content: {users: {}}});
		room.state.delete('m.room.power_levels ');
		await peer.send(`r${index}`, [toFederationEvent(refused)]);
	}
	const {staging} = host.app.application.services.federation.transactions;
	await until(() => staging.waiting === 0, 'nothing staged');
	const levels = (
		await peer.request<Pdus>('GET', `${federation}/state/${path(roomId)}?event_id=${path(early.event_id)}`)
	).body.pdus.find(({type}) => type === 'm.room.power_levels');
	t.truthy(levels);
	const answer = await peer.request<Pdus>(
		'GET',
		`${federation}/backfill/${path(roomId)}?v=${path(room.extremities[0]!)}&limit=3`,
	);
	t.true(answer.status === 200);
	t.true(answer.text.includes('last of alice') && answer.text.includes('early'));
	await say(host, roomId, 'after all');
	await hear(host, roomId, 'after all');
});

test('a server in the room finds the event nearest to a time, in either direction', async (t) => {
	const host = await startShared(t);
	const {app, peer, roomId} = host;
	const near = (ts: number, dir: string) =>
		peer.request('GET', `${federation}/timestamp_to_event/${path(roomId)}?ts=${ts}&dir=${dir}`);
	app.advance(60_000);
	const {event_id: eventId} = await say(host, roomId, 'late');
	const {body: found} = await near(2 ** 50, 'b');
	t.is(found['event_id'], eventId);
	const ts = Number(found['origin_server_ts']);
	t.is((await near(ts - 1_000, 'f')).body['event_id'], eventId);
	t.not((await near(ts - 1_000, 'b')).body['event_id'], eventId);
	for (const answer of [await near(ts + 1_000, 'f'), await near(0, 'b')]) {
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_NOT_FOUND']);
	}
	for (const query of ['ts=x&dir=f', 'ts=1&dir=x', 'dir=b']) {
		const answer = await peer.request('GET', `${federation}/timestamp_to_event/${path(roomId)}?${query}`);
		t.is(answer.status, 400, query);
	}
});

test('C14: an event of before a server was in the room is none that it finds by its time, where history is for members', async (t) => {
	const host = await startHost(t);
	const {app, peer} = host;
	const hidden = {type: 'm.room.history_visibility', content: {history_visibility: 'joined'}};
	const roomId = await host.createRoom({initialState: [hidden]});
	const near = (ts: number, dir: string) =>
		peer.request('GET', `${federation}/timestamp_to_event/${path(roomId)}?ts=${ts}&dir=${dir}`);
	app.advance(60_000);
	const {event_id: before} = await say(host, roomId, 'before');
	app.advance(60_000);
	await peer.join(roomId, peer.userId('bob'));
	const ts = Date.now() + 30_000;
	t.not((await near(ts, 'f')).body['event_id'], before);
	t.is((await near(ts, 'f')).status, 200);
	t.not((await near(ts + 60_000, 'b')).body['event_id'], before);
});

test('C14: an event of a room that nobody here is in is given to no server, whoever brought it', async (t) => {
	const host = await startHost(t, 2);
	const {app, peer, peers, alice} = host;
	const foreign = foreignRoom(peer);
	const invite = memberOf(peer, foreign, alice.user_id);
	t.is((await sendInvite(peer, foreign, invite)).status, 200);
	t.truthy(await app.application.storage.events.findById(invite.eventId));
	for (const server of peers) {
		for (const [method, uri, body] of questionsOf(foreign.roomId, invite.eventId)) {
			const answer = await server.request(method, uri, {body});
			t.true(answer.status === 403 || answer.status === 404, `${uri} ${answer.status}`);
		}
		const near = `${federation}/timestamp_to_event/${path(foreign.roomId)}?ts=${invite.originServerTs}&dir=b`;
		const byTime = await server.request('GET', near);
		t.true(byTime.status === 403 || byTime.status === 404, `${byTime.status}`);
	}
});

test('C14: what rests on an event that a server may not see, and what was refused here, shows it nothing', async (t) => {
	const host = await startHost(t);
	const {app, peer} = host;
	const visibility = {type: 'm.room.history_visibility', state_key: '', content: {history_visibility: 'joined'}};
	const roomId = await host.createRoom({initialState: [visibility]});
	const {event_id: early} = await say(host, roomId, 'between us, early');
	const closed = await host.createRoom({preset: 'private_chat'});
	const {event_id: elsewhere} = await say(host, closed, 'between us, elsewhere');
	const bob = peer.userId('bob');
	const room = await peer.join(roomId, bob);
	// Bob's server has only heard of these; it names them as what its own events follow on, or rest on.
	const own = [early, elsewhere].flatMap((secret) => [
		peer.build(room, message(bob, 'following'), {prevEvents: [secret as EventId]}),
		peer.build(room, message(bob, 'resting'), {authEvents: [secret as EventId]}),
	]);
	await peer.send(
		't1',
		own.map((pdu) => toFederationEvent(pdu)),
	);
	const {staging} = app.application.services.federation.transactions;
	await until(() => staging.waiting === 0 || app.readLog().includes('A staged event failed'), 'all were looked at');
	for (const eventId of [early, elsewhere, ...own.map((pdu) => pdu.eventId)]) {
		for (const [method, uri, body] of questionsOf(roomId, eventId)) {
			t.false((await peer.request(method, uri, {body})).text.includes('between us'), uri);
		}
		t.false((await peer.request('GET', `${federation}/event/${path(eventId)}`)).text.includes('between us'));
	}
});

test('C14: a state that a server claims holds nothing of another room, and shows it nothing', async (t) => {
	const host = await startShared(t);
	const {app, peer, roomId, room, bob} = host;
	const closed = await host.createRoom({preset: 'private_chat'});
	const {event_id: topic} = await setState(host, closed, 'm.room.topic', {topic: 'between us'});
	const ids = [...room.state.values()].map(({eventId}) => eventId);
	peer.answer = ({url}) => {
		if (url.includes('get_missing_events')) return {body: {events: []}};
		if (url.includes('state_ids')) return {body: {pdu_ids: [...ids, topic], auth_chain_ids: [...ids, topic]}};
		return undefined;
	};
	const orphan = peer.build(room, message(bob, 'orphan'), {prevEvents: [UNKNOWN_EVENT as EventId]});
	await peer.send('t1', [toFederationEvent(orphan)]);
	const {staging} = app.application.services.federation.transactions;
	await until(() => staging.waiting === 0, 'the orphan was looked at');
	t.true(peer.requests.some(({url}) => url.includes('state_ids')));
	for (const [method, uri, body] of questionsOf(roomId, orphan.eventId)) {
		const {text} = await peer.request(method, uri, {body});
		t.false(text.includes('between us') || text.includes(topic), uri);
	}
	await say(host, roomId, 'after all');
	await hear(host, roomId, 'after all');
});

test('C14: what is known only because something rests on it is shown to no server whole, for who may see it is not known', async (t) => {
	const host = await startHost(t, 2);
	const {app, peer, peers} = host;
	const visibility = {type: 'm.room.history_visibility', state_key: '', content: {history_visibility: 'joined'}};
	const roomId = await host.createRoom({initialState: [visibility]});
	const [bob, carol] = [peer.userId('bob'), peers[1]!.userId('carol')];
	const room = await peer.join(roomId, bob);
	const early = peer.build(room, message(bob, 'among the first'));
	await peers[1]!.join(roomId, carol);
	const resting = peer.build(room, message(bob, 'resting'), {authEvents: [...early.authEvents, early.eventId]});
	peer.answer = ({url}) => {
		if (url.includes('event_auth')) {
			const chain = [...room.state.values(), early].map((pdu) => toFederationEvent(pdu));
			return {body: {auth_chain: chain}};
		}
		return url.includes(path(early.eventId))
			? {body: {origin: peer.name, origin_server_ts: 1, pdus: [toFederationEvent(early)]}}
			: undefined;
	};
	await peer.send('t1', [toFederationEvent(resting)]);
	const {staging} = app.application.services.federation.transactions;
	await until(() => staging.waiting === 0, 'it was looked at');
	t.like(await app.application.storage.events.findById(early.eventId), {outlier: true, rejected: null});
	const answer = await peers[1]!.request('GET', `${federation}/event/${path(early.eventId)}`);
	t.false(answer.text.includes('among the first'), answer.text);
	// Nor to people here, who may have come later.
	const at = `/_matrix/client/v3/rooms/${path(roomId)}`;
	for (const uri of [`/event/${path(early.eventId)}`, `/context/${path(early.eventId)}`]) {
		const {status, text} = await request(app, 'GET', at + uri, {token: host.alice.access_token});
		t.is(status, 404, text);
	}
});
