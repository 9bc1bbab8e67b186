import test from 'ava';
import {generateSigningKey, type JsonObject} from '../../../../crypto/index.ts';
import {type Pdu, parsePdu} from '../../../../federation/rooms/index.ts';
import {call, path, register, type SignedPeer} from '../../../harness/index.ts';
import {type Host, startHost} from './world.ts';

interface JoinAnswer {
	readonly members_omitted?: boolean;
	readonly state: readonly JsonObject[];
	readonly auth_chain: readonly JsonObject[];
	readonly servers_in_room?: readonly string[];
}

const WITHOUT_MEMBERS = '?omit_members=true';

/** Joins by a peer, and gives the answer. */
async function joinBy(peer: SignedPeer, roomId: string, query = WITHOUT_MEMBERS, name = 'bob') {
	const join = await peer.makeMember('join', roomId, peer.userId(name));
	const answer = await peer.sendMember<JoinAnswer>(join, {query});
	return {join, ...answer};
}

const read = (events: readonly JsonObject[], version: Pdu['roomVersion'] = '11'): Pdu[] =>
	events.map((json) => {
		const parsed = parsePdu(json, version);
		if (!parsed.ok) throw new Error(parsed.fault.reason);
		return parsed.pdu;
	});

const membersOf = (pdus: readonly Pdu[]): string[] =>
	pdus.flatMap(({type, stateKey}) => (type === 'm.room.member' && stateKey !== undefined ? [stateKey] : []));

/** Lets people of the server under test into a room. */
async function admit({app}: Host, roomId: string, names: readonly string[]): Promise<string[]> {
	const users: string[] = [];
	for (const name of names) {
		const {access_token: token, user_id: userId} = await register(app, name);
		await call(app, 'POST', `/_matrix/client/v3/rooms/${path(roomId)}/join`, {token, body: {}});
		users.push(userId);
	}
	return users;
}

const named = {type: 'm.room.name', state_key: '', content: {name: 'The newsroom'}};

for (const version of ['10', '11', '12'] as const) {
	test(`a server that takes less is given a room of version ${version} without its members, and all that the rest rests on`, async (t) => {
		const host = await startHost(t);
		const {peer, alice} = host;
		const roomId = await host.createRoom({version, initialState: [named]});
		await admit(host, roomId, ['carol', 'dave']);
		const answer = await joinBy(peer, roomId);
		t.is(answer.status, 200, answer.text);
		t.true(answer.body.members_omitted);
		const [state, chain] = [read(answer.body.state, version), read(answer.body.auth_chain, version)];
		t.deepEqual(membersOf(state), []);
		t.true(['m.room.create', 'm.room.power_levels', 'm.room.name'].every((type) => state.some((e) => e.type === type)));
		// Alice sent what is there, so her membership is known all the same; that of the others nobody needs.
		t.deepEqual(membersOf(chain), [alice.user_id]);
		const known = new Set([...state, ...chain].map(({eventId}) => eventId));
		const cited = [answer.join, ...state, ...chain].flatMap(({authEvents}) => authEvents);
		t.deepEqual(
			cited.filter((eventId) => !known.has(eventId)),
			[],
		);
		t.is(known.size, state.length + chain.length, 'nothing is told twice');
		t.deepEqual(answer.body.servers_in_room, ['news.example']);
	});
}

test('a room without a name comes with those whom it is called by, at most five', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const [, , , , late] = await admit(host, roomId, ['carol', 'dave', 'erin', 'frank', 'grace']);
	const {body} = await joinBy(host.peer, roomId);
	const members = membersOf(read(body.state));
	t.is(members.length, 5);
	t.true(members.includes(host.alice.user_id));
	t.is(members.includes(late ?? ''), false);
	t.deepEqual(membersOf(read(body.auth_chain)), [], 'what is in the state is not in the chain');
});

test('a small room without a name comes with everybody, and with nobody twice', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const [carol] = await admit(host, roomId, ['carol']);
	const {body} = await joinBy(host.peer, roomId);
	const members = membersOf(read(body.state));
	t.deepEqual([members.length, members.includes(host.alice.user_id), members.includes(carol ?? '')], [2, true, true]);
	t.deepEqual(body.auth_chain, []);
	t.deepEqual(body.servers_in_room, ['news.example'], 'the server that joins was not in the room before');
});

test('an invited person is told of the own invite', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	peer.answer = ({method, url, body}) => {
		if (method !== 'PUT' || !url.includes('/v2/invite/')) return undefined;
		const {event} = JSON.parse(body.toString()) as {event: JsonObject};
		return {body: {event: peer.countersign(event, '11')}};
	};
	const roomId = await host.createRoom({preset: 'private_chat', initialState: [named]});
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/invite`;
	await call(app, 'POST', uri, {token: alice.access_token, body: {user_id: peer.userId('bob')}});
	const {body} = await joinBy(peer, roomId);
	t.deepEqual(membersOf(read(body.state)), [peer.userId('bob')]);
});

function sorted({state, auth_chain: authChain, ...rest}: JoinAnswer): object {
	const textsOf = (events: readonly JsonObject[]): string[] => events.map((event) => JSON.stringify(event)).toSorted();
	return {...rest, state: textsOf(state), authChain: textsOf(authChain)};
}

test('every server that was in the room before is named, and one that has left is not', async (t) => {
	const host = await startHost(t, 3);
	const [one, two, three] = host.peers as [SignedPeer, SignedPeer, SignedPeer];
	const roomId = await host.createRoom({initialState: [named]});
	const room = await one.join(roomId, one.userId('bob'));
	await two.join(roomId, two.userId('carol'));
	t.is(room.roomId, roomId);
	t.is((await one.sendMember(await one.makeMember('leave', roomId, one.userId('bob')))).status, 200);
	const first = await joinBy(three, roomId);
	t.deepEqual([...(first.body.servers_in_room ?? [])].toSorted(), ['news.example', two.name].toSorted());
	// A second person of the same server, and the first one again, whose answer may have been lost.
	const second = await joinBy(three, roomId, WITHOUT_MEMBERS, 'dave');
	t.true(second.body.servers_in_room?.includes(three.name));
	const again = await three.sendMember<JoinAnswer>(first.join, {query: WITHOUT_MEMBERS});
	// Lists of events are sets: where two entries of a state are neighbours by chance, which comes first changes with others.
	t.deepEqual(sorted(again.body), sorted(first.body));
});

test('a server that asks for all members is given all', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom({initialState: [named]});
	const users = await admit(host, roomId, ['carol', 'dave']);
	for (const [index, query] of ['', '?omit_members=false'].entries()) {
		const {body} = await joinBy(host.peer, roomId, query, `bob${index}`);
		t.false(body.members_omitted);
		const members = membersOf(read(body.state));
		t.true([host.alice.user_id, ...users].every((userId) => members.includes(userId)));
	}
});

test('a wish that is neither yes nor no is refused, and nobody has joined', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const {status, body} = await joinBy(host.peer, roomId, '?omit_members=perhaps');
	t.is(status, 400);
	t.is((body as unknown as {errcode: string}).errcode, 'M_INVALID_PARAM');
	const members = await call<{joined: object}>(
		host.app,
		'GET',
		`/_matrix/client/v3/rooms/${path(roomId)}/joined_members`,
		{token: host.alice.access_token},
	);
	t.deepEqual(Object.keys(members.joined), [host.alice.user_id]);
});

test('row 40: who takes less is told no more of closed rooms, or of none', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const roomId = await host.createRoom({preset: 'private_chat'});
	const mallory = peer.userId('mallory');
	const answers = [];
	for (const id of [roomId, '!nowhere:news.example']) {
		const uri = `/_matrix/federation/v2/send_join/${path(id)}/${path(`$${'a'.repeat(43)}`)}${WITHOUT_MEMBERS}`;
		const content = {membership: 'join'};
		const body = {type: 'm.room.member', room_id: id, sender: mallory, state_key: mallory, content};
		answers.push(await peer.request('PUT', uri, {body}));
	}
	t.deepEqual([answers[0]?.status, answers[0]?.text], [answers[1]?.status, answers[1]?.text]);
	t.is(answers[0]?.status, 404);
});

test('B1: a join without the right signature is refused to who takes less as well', async (t) => {
	const host = await startHost(t);
	const {peer} = host;
	const roomId = await host.createRoom();
	const join = await peer.makeMember('join', roomId, peer.userId('bob'));
	const signatures = {[peer.name]: {[generateSigningKey().keyId]: 'A'.repeat(86)}};
	const answer = await peer.sendMember(join, {json: {...join.json, signatures}, query: WITHOUT_MEMBERS});
	t.true(answer.status >= 400 && answer.status < 504, answer.text);
	t.false(answer.text.includes('"state"'));
});
