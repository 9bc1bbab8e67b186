import test from 'ava';
import {generateSigningKey, type JsonObject, type RoomId} from '../../../../crypto/index.ts';
import {type Pdu, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, type KnownRoom, path, type SignedPeer, until} from '../../../harness/index.ts';
import {type Host, hear, joinedMembers, setState, startHost, startShared} from './world.ts';

const NOWHERE = '!nowhere:news.example' as RoomId;
const ALL = 'ver=1&ver=6&ver=10&ver=11&ver=12';

function makeUri(membership: string, roomId: string, userId: string, query = `?${ALL}`): string {
	return `/_matrix/federation/v1/make_${membership}/${path(roomId)}/${path(userId)}${query}`;
}

async function membershipOf({app, alice}: Host, roomId: string, userId: string): Promise<string> {
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/state/m.room.member/${path(userId)}`;
	return (await call<{membership: string}>(app, 'GET', uri, {token: alice.access_token})).membership;
}

/** A member event of a stranger who knows no more than a room's id. */
function strangersEvent(
	peer: SignedPeer,
	roomId: RoomId,
	membership: string,
	version: KnownRoom['version'] = '11',
): Pdu {
	const room: KnownRoom = {
		roomId,
		version,
		state: new Map(),
		extremities: [`$${'a'.repeat(43)}` as never],
		depth: 5,
	};
	const sender = peer.userId('mallory');
	return peer.build(room, {type: 'm.room.member', sender, stateKey: sender, content: {membership}});
}

for (const version of ['11', '12'] as const) {
	test(`a user of a partner server joins a room of version ${version} and leaves it`, async (t) => {
		const host = await startShared(t, {version});
		const {peer, roomId, bob} = host;
		t.is(await membershipOf(host, roomId, bob), 'join');
		const leave = await peer.makeMember('leave', roomId, bob);
		t.is((await peer.sendMember(leave)).status, 200);
		t.is(await membershipOf(host, roomId, bob), 'leave');
	});
}

for (const version of ['11', '12'] as const) {
	test(`row 40: a closed room of version ${version} and none are the same to a stranger server`, async (t) => {
		const host = await startHost(t);
		const {peer} = host;
		const roomId = await host.createRoom({version, preset: 'private_chat'});
		const mallory = peer.userId('mallory');
		for (const membership of ['join', 'knock', 'leave'] as const) {
			for (const query of ['', '?ver=1', `?${ALL}`]) {
				const [real, none] = await Promise.all([
					peer.request('GET', makeUri(membership, roomId, mallory, query)),
					peer.request('GET', makeUri(membership, NOWHERE, mallory, query)),
				]);
				t.deepEqual([real.status, real.text], [none.status, none.text], `make_${membership}${query}`);
				t.is(real.status, 404);
			}
			const [real, none] = await Promise.all([
				peer.sendMember(strangersEvent(peer, roomId, membership, version)),
				peer.sendMember(strangersEvent(peer, NOWHERE, membership)),
			]);
			t.deepEqual([real.status, real.text], [none.status, none.text], `send_${membership}`);
			const [broken, nothing] = await Promise.all([
				peer.sendMember(strangersEvent(peer, roomId, membership, version), {json: {}}),
				peer.sendMember(strangersEvent(peer, NOWHERE, membership), {json: {}}),
			]);
			t.deepEqual([broken.status, broken.text], [nothing.status, nothing.text], `send_${membership} of no event`);
			t.is(broken.status, 400);
		}
	});
}

test('row 40: a template to leave is for those who have a membership, also in a public room', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const answer = await host.peer.request('GET', makeUri('leave', roomId, host.peer.userId('mallory'), ''));
	t.is(answer.status, 404);
});

test('a server asks for templates for its own people only', async (t) => {
	const host = await startHost(t, 2);
	const roomId = await host.createRoom();
	const foreign = host.peers[1]!.userId('carol');
	for (const membership of ['join', 'knock', 'leave']) {
		const answer = await host.peer.request('GET', makeUri(membership, roomId, foreign));
		t.is(answer.status, 403, membership);
	}
});

test('a server that does not know the version of an open room is told which it is', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom({version: '11'});
	for (const query of ['', '?ver=1&ver=10']) {
		const answer = await host.peer.request('GET', makeUri('join', roomId, host.peer.userId('bob'), query));
		t.is(answer.status, 400);
		t.like(answer.body, {errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '11'});
	}
});

test('a join that was refused gives nothing of the room when it is sent again', async (t) => {
	const host = await startShared(t);
	const {peer, roomId, room} = host;
	const carol = peer.userId('carol');
	await setState(host, roomId, 'm.room.join_rules', {join_rule: 'knock'});
	// Bob's server knows the room, so its event names everything that it should; only the rule is against it.
	const join = peer.build(room, {type: 'm.room.member', sender: carol, stateKey: carol, content: {membership: 'join'}});
	for (let round = 0; round < 3; round += 1) {
		const answer = await peer.sendMember(join);
		t.is(answer.status, 403);
		t.false(answer.text.includes('"state"'));
	}
	const members = await joinedMembers(host, roomId);
	t.false(Object.hasOwn(members.joined, carol));
});

test('a join that is over gives nothing of the room when it is sent again', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	const roomId = await host.createRoom();
	const bob = peer.userId('bob');
	const join = await peer.makeMember('join', roomId, bob);
	t.is((await peer.sendMember(join)).status, 200);
	t.is((await peer.sendMember(join)).status, 200, 'the answer may have been lost');
	await call(app, 'POST', `/_matrix/client/v3/rooms/${path(roomId)}/kick`, {
		token: alice.access_token,
		body: {user_id: bob},
	});
	await setState(host, roomId, 'm.room.topic', {topic: 'between us'});
	const answer = await peer.sendMember(join);
	t.is(answer.status, 403);
	t.false(answer.text.includes('"state"'));
});

test('B1: a join without the right signature is refused', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const {peer} = host;
	const join = await peer.makeMember('join', roomId, peer.userId('bob'));
	const json = toFederationEvent(join);
	const forged: JsonObject = {...json, signatures: {[peer.name]: {[generateSigningKey().keyId]: 'A'.repeat(86)}}};
	for (const body of [{...json, signatures: {}}, forged]) {
		const answer = await peer.sendMember(join, {json: body});
		t.true(answer.status >= 400 && answer.status < 504, answer.text);
		t.false(answer.text.includes('"state"'));
	}
	t.deepEqual(Object.keys((await joinedMembers(host, roomId)).joined), [host.alice.user_id]);
});

test('an invited user joins a closed room, or turns the invite down', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	peer.answer = ({method, url, body}) => {
		if (method !== 'PUT' || !url.includes('/v2/invite/')) return undefined;
		const {event} = JSON.parse(body.toString()) as {event: JsonObject};
		return {body: {event: peer.countersign(event, '11')}};
	};
	const roomId = await host.createRoom({preset: 'private_chat'});
	const [bob, carol] = [peer.userId('bob'), peer.userId('carol')];
	for (const userId of [bob, carol]) {
		const uri = `/_matrix/client/v3/rooms/${path(roomId)}/invite`;
		await call(app, 'POST', uri, {token: alice.access_token, body: {user_id: userId}});
	}
	await peer.join(roomId, bob);
	t.is((await peer.sendMember(await peer.makeMember('leave', roomId, carol))).status, 200);
	t.is(await membershipOf(host, roomId, bob), 'join');
	t.is(await membershipOf(host, roomId, carol), 'leave');
	// Who has been named is told what is, and is not let in again.
	t.is((await peer.request('GET', makeUri('join', roomId, carol))).status, 403);
});

test('somebody knocks, is shown the room’s name but not its inside, and takes the knock back', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const initialState = [
		{type: 'm.room.join_rules', state_key: '', content: {join_rule: 'knock'}},
		{type: 'm.room.name', state_key: '', content: {name: 'The desk'}},
		{type: 'com.example.secret', state_key: '', content: {secret: true}},
	];
	const roomId = await host.createRoom({initialState});
	const bob = peer.userId('bob');
	const answer = await peer.sendMember<{knock_room_state: JsonObject[]}>(await peer.makeMember('knock', roomId, bob));
	t.is(answer.status, 200);
	const types = answer.body.knock_room_state.map(({type}) => type);
	t.true(types.includes('m.room.name') && types.includes('m.room.create'));
	t.false(answer.text.includes('secret'));
	// From v1.16 on these are whole events.
	t.true(answer.body.knock_room_state.every(({signatures}) => signatures !== undefined));
	t.is(await membershipOf(host, roomId, bob), 'knock');
	t.is((await peer.request('GET', makeUri('join', roomId, bob))).status, 403);
	t.is((await peer.sendMember(await peer.makeMember('leave', roomId, bob))).status, 200);
	t.is(await membershipOf(host, roomId, bob), 'leave');
});

test('C15: a knock opens the room’s inside to nobody', async (t) => {
	const host = await startHost(t, 2);
	const {peers} = host;
	const initialState = [{type: 'm.room.join_rules', state_key: '', content: {join_rule: 'knock'}}];
	const roomId = await host.createRoom({initialState});
	const [first, second] = [peers[0]!, peers[1]!];
	const knock = await first.makeMember('knock', roomId, first.userId('bob'));
	t.is((await first.sendMember(knock)).status, 200);
	for (const peer of [first, second]) {
		for (const uri of [
			`/_matrix/federation/v1/state/${path(roomId)}?event_id=${path(knock.eventId)}`,
			`/_matrix/federation/v1/state_ids/${path(roomId)}?event_id=${path(knock.eventId)}`,
			`/_matrix/federation/v1/backfill/${path(roomId)}?v=${path(knock.eventId)}&limit=10`,
			`/_matrix/federation/v1/event_auth/${path(roomId)}/${path(knock.eventId)}`,
		]) {
			t.is((await peer.request('GET', uri)).status, 403, uri);
		}
		t.is((await peer.request('GET', `/_matrix/federation/v1/event/${path(knock.eventId)}`)).status, 404);
	}
});

test('C7: a restricted join is vouched for if its condition is met, and signed by this server', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const newsroom = await host.createRoom();
	const allow = [{type: 'm.room_membership', room_id: newsroom}];
	const initialState = [{type: 'm.room.join_rules', state_key: '', content: {join_rule: 'restricted', allow}}];
	const desk = await host.createRoom({initialState});
	const bob = peer.userId('bob');
	const [closed, none] = [
		await peer.request('GET', makeUri('join', desk, bob)),
		await peer.request('GET', makeUri('join', NOWHERE, bob)),
	];
	t.deepEqual([closed.status, closed.text], [404, none.text]);
	await peer.join(newsroom, bob);
	const join = await peer.makeMember('join', desk, bob);
	t.is(join.content['join_authorised_via_users_server'], host.alice.user_id);
	// Without the voucher's name, or in the name of somebody who does not exist, it is refused.
	for (const name of [undefined, '@nobody:news.example', 5, '@', peer.userId('bob')]) {
		const {join_authorised_via_users_server: _voucher, ...content} = join.content;
		const forged = peer.sign({
			roomVersion: '11',
			roomId: desk,
			type: 'm.room.member',
			sender: bob,
			stateKey: bob,
			content: name === undefined ? content : {...content, join_authorised_via_users_server: name},
			depth: join.depth,
			originServerTs: Date.now(),
			prevEvents: join.prevEvents,
			authEvents: join.authEvents,
		});
		const refused = await peer.sendMember(forged);
		t.true(refused.status === 403 || refused.status === 400, `${String(name)} ${refused.text}`);
	}
	const answer = await peer.sendMember<{event: {signatures: Record<string, object>}}>(join);
	t.is(answer.status, 200);
	t.deepEqual(Object.keys(answer.body.event.signatures).toSorted(), [peer.name, 'news.example'].toSorted());
	t.is(await membershipOf(host, desk, bob), 'join');
});

test('C7: a restricted join whose condition is not met is refused also when it is not asked about before', async (t) => {
	const host = await startShared(t);
	const {peer, roomId, room, alice} = host;
	const closed = await host.createRoom({preset: 'private_chat'});
	const carol = peer.userId('carol');
	const allow = [{type: 'm.room_membership', room_id: closed}];
	const {event_id: rules} = await setState(host, roomId, 'm.room.join_rules', {join_rule: 'restricted', allow});
	const content = {membership: 'join', join_authorised_via_users_server: alice.user_id};
	const join = peer.build(room, {type: 'm.room.member', sender: carol, stateKey: carol, content});
	const authEvents = join.authEvents
		.filter((eventId) => eventId !== room.state.get('m.room.join_rules ')?.eventId)
		.concat(rules as never, room.state.get(`m.room.member ${alice.user_id}`)!.eventId);
	const named = peer.build(
		room,
		{type: 'm.room.member', sender: carol, stateKey: carol, content},
		{authEvents, prevEvents: [rules as never]},
	);
	const answer = await peer.sendMember(named);
	t.is(answer.status, 403);
	t.is(await joinedMembers(host, roomId).then(({joined}) => Object.hasOwn(joined, carol)), false);
});

test('C9: the access list of a room shuts a server out of every endpoint that the specification names', async (t) => {
	const host = await startShared(t);
	const {peer, roomId, room, bob} = host;
	const [eventId] = room.extremities;
	const invite = peer.build(room, {
		type: 'm.room.member',
		sender: bob,
		stateKey: '@alice:news.example',
		content: {membership: 'invite'},
	});
	const carol = peer.userId('carol');
	const join = await peer.makeMember('join', roomId, carol);
	const leave = await peer.makeMember('leave', roomId, bob);
	const content = {membership: 'knock'};
	const knock = peer.build(room, {type: 'm.room.member', sender: carol, stateKey: carol, content});
	await setState(host, roomId, 'm.room.server_acl', {allow: ['*'], deny: ['127.*'], allow_ip_literals: true});
	const federation = '/_matrix/federation';
	const inRoom = path(roomId);
	const endpoints: [string, string, JsonObject?][] = [
		['GET', makeUri('join', roomId, carol)],
		['GET', makeUri('leave', roomId, bob)],
		['GET', makeUri('knock', roomId, carol)],
		['PUT', `${federation}/v2/send_join/${inRoom}/${path(join.eventId)}`, toFederationEvent(join)],
		['PUT', `${federation}/v2/send_leave/${inRoom}/${path(leave.eventId)}`, toFederationEvent(leave)],
		['PUT', `${federation}/v1/send_knock/${inRoom}/${path(knock.eventId)}`, toFederationEvent(knock)],
		[
			'PUT',
			`${federation}/v2/invite/${inRoom}/${path(invite.eventId)}`,
			{event: toFederationEvent(invite), room_version: '11', invite_room_state: []},
		],
		['GET', `${federation}/v1/state/${inRoom}?event_id=${path(eventId!)}`],
		['GET', `${federation}/v1/state_ids/${inRoom}?event_id=${path(eventId!)}`],
		['GET', `${federation}/v1/backfill/${inRoom}?v=${path(eventId!)}&limit=5`],
		['GET', `${federation}/v1/event_auth/${inRoom}/${path(eventId!)}`],
		['POST', `${federation}/v1/get_missing_events/${inRoom}`, {earliest_events: [], latest_events: [eventId!]}],
		['GET', `${federation}/v1/timestamp_to_event/${inRoom}?ts=${Date.now()}&dir=b`],
	];
	for (const [method, uri, body] of endpoints) {
		const answer = await peer.request(method, uri, {body});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN'], uri);
	}
	// An event asked for by its id alone is none: which room it is of is not said.
	for (const id of [eventId!, `$${'a'.repeat(43)}`]) {
		t.is((await peer.request('GET', `${federation}/v1/event/${path(id)}`)).status, 404, id);
	}
});

test('a join is passed on to the other servers of the room', async (t) => {
	const host = await startHost(t, 2);
	const [first, second] = [host.peers[0]!, host.peers[1]!];
	const received: JsonObject[] = [];
	first.answer = ({url, body}) => {
		if (!url.includes('/send/')) return undefined;
		received.push(...(JSON.parse(body.toString()) as {pdus: JsonObject[]}).pdus);
		return {body: {pdus: {}}};
	};
	const roomId = await host.createRoom();
	await first.join(roomId, first.userId('bob'));
	const carol = second.userId('carol');
	await second.join(roomId, carol);
	const relayed = await until(() => received.find(({state_key: key}) => key === carol), 'the join of carol');
	t.true(Object.hasOwn(relayed['signatures'] as object, second.name));
	const room = await second.join(await host.createRoom(), second.userId('dave'));
	await second.send('t1', [toFederationEvent(second.message(room, second.userId('dave'), 'not yours'))]);
	await hear(host, room.roomId, 'not yours');
	t.false(received.some(({sender}) => sender === second.userId('dave')));
});
