/** What `federation.mode` says, of every endpoint for servers and every question to them. */
import test, {type ExecutionContext} from 'ava';
import {type JsonObject, signJson} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path, request, type SignedPeer, until} from '../../../harness/index.ts';
import {bodyOf, type Endpoint, endpointsOf, uriOf} from '../hostile/every-endpoint.ts';
import {hear, startHost} from './world.ts';

/** Endpoints that anybody may ask, because it is by them that servers find each other; they say nothing of people. */
const UNSIGNED: ReadonlySet<string> = new Set([
	'getServerKey',
	'perspectivesKeyQuery',
	'bulkPerspectivesKeyQuery',
	'exchangeOpenIdToken',
	'onBindThirdPartyIdentifier',
	'getVersion',
]);

const endpoints = endpointsOf('federation');

/** Sends what an endpoint takes; `send` decides how. */
const questionOf = (endpoint: Endpoint, userId: string) => {
	const names = {
		roomId: '!nowhere:news.example',
		eventId: `$${'a'.repeat(43)}`,
		userId,
		user_id: '@alice:news.example',
		room_alias: '#nothing:news.example',
		event_id: `$${'a'.repeat(43)}`,
		v: `$${'a'.repeat(43)}`,
		queryType: 'weather',
		txnId: `txn-${endpoint.id}`,
	};
	const body = endpoint.body === undefined ? undefined : (bodyOf(endpoint, names) as JsonObject);
	return {method: endpoint.method, uri: uriOf(endpoint, names), body};
};

test('every endpoint for servers asks for a signature, but for those by which servers find each other', (t) => {
	const unsigned = endpoints.filter(({auth}) => auth !== 'server').map(({id}) => id);
	t.deepEqual(unsigned.toSorted(), [...UNSIGNED].toSorted());
});

test('with mode partners every signed endpoint is for partners, and refuses every other server alike', async (t) => {
	const {app, peers} = await startHost(t, 2, ([first]) => ({federation: {mode: 'partners', partners: [first]}}));
	const [partner, stranger] = peers as [(typeof peers)[0], (typeof peers)[0]];
	const refusals = new Set<string>();
	for (const endpoint of endpoints.filter(({id}) => !UNSIGNED.has(id))) {
		const asked = questionOf(endpoint, stranger.userId('bob'));
		const refused = await stranger.request(asked.method, asked.uri, {body: asked.body});
		t.is(refused.status, 403, endpoint.id);
		refusals.add(refused.text);
		const unsigned = await request(app, asked.method, asked.uri, {body: asked.body});
		t.is(unsigned.status, 401, endpoint.id);
		const own = questionOf(endpoint, partner.userId('bob'));
		const answered = await partner.request(own.method, own.uri, {body: own.body});
		t.false(refusals.has(answered.text), `${endpoint.id} ${answered.text}`);
		t.not(answered.status, 401, endpoint.id);
	}
	t.is(refusals.size, 1);
	t.is(stranger.requests.length, 0, 'nobody asked it for keys');
});

test('with mode open every server that signs is heard, and none that does not', async (t) => {
	const {app, peer} = await startHost(t);
	for (const endpoint of endpoints.filter(({id}) => !UNSIGNED.has(id))) {
		const {method, uri, body} = questionOf(endpoint, peer.userId('bob'));
		const answered = await peer.request(method, uri, {body});
		t.not(answered.body['error'], 'This server does not federate with yours', endpoint.id);
		t.not(answered.status, 401, endpoint.id);
		t.is((await request(app, method, uri, {body})).status, 401, endpoint.id);
	}
});

test('with mode off no endpoint for servers is there', async (t) => {
	const {app, peer} = await startHost(t, 1, () => ({federation: {mode: 'off'}}));
	for (const endpoint of endpoints) {
		const {method, uri, body} = questionOf(endpoint, peer.userId('bob'));
		const signed = await peer.request(method, uri, {body});
		const unsigned = await request(app, method, uri, {body});
		for (const answer of [signed, unsigned]) {
			t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_UNRECOGNIZED'], endpoint.id);
		}
	}
	t.is(peer.requests.length, 0);
});

test('whatever people ask for, a server that is no partner is asked nothing', async (t) => {
	for (const mode of ['off', 'partners'] as const) {
		const {app, alice, peers} = await startHost(t, 2, ([first]) => ({federation: {mode, partners: [first]}}));
		const stranger = peers[1]!;
		const token = alice.access_token;
		const carol = stranger.userId('carol');
		const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
			token,
			body: {},
		});
		const far = `!far:${stranger.name}`;
		const asked: readonly [string, string, JsonObject?][] = [
			['POST', `/join/${path(far)}?server_name=${path(stranger.name)}&via=${path(stranger.name)}`, {}],
			['POST', `/knock/${path(far)}?via=${path(stranger.name)}`, {}],
			['POST', `/join/${path(`#far:${stranger.name}`)}`, {}],
			['GET', `/directory/room/${path(`#far:${stranger.name}`)}`],
			['GET', `/publicRooms?server=${path(stranger.name)}`],
			['POST', `/rooms/${path(roomId)}/invite`, {user_id: carol}],
			['POST', '/createRoom', {invite: [carol]}],
			['GET', `/profile/${path(carol)}`],
			['POST', '/keys/query', {device_keys: {[carol]: []}}],
			['POST', '/keys/claim', {one_time_keys: {[carol]: {D: 'signed_curve25519'}}}],
			['PUT', '/sendToDevice/m.x/1', {messages: {[carol]: {'*': {n: 1}}}}],
			['POST', '/user_directory/search', {search_term: carol}],
		];
		for (const [method, uri, body] of asked) {
			const answer = await request(app, method, `/_matrix/client/v3${uri}`, {token, body});
			t.not(answer.status, 500, uri);
		}
		const media = `/_matrix/client/v1/media/download/${path(stranger.name)}/abcdef`;
		t.is((await request(app, 'GET', media, {token})).status, 404);
		const tree = `/_matrix/client/v1/rooms/${path(far)}/hierarchy`;
		t.true((await request(app, 'GET', tree, {token})).status >= 400);
		t.deepEqual(
			stranger.requests.map(({url}) => url),
			[],
			mode,
		);
	}
});

/** A room of alice on a server whose one partner passes on what carol of a third server does. */
async function startRelayed(t: ExecutionContext, notaries: (partner: string) => readonly string[] = () => []) {
	const host = await startHost(t, 2, ([first]) => ({
		federation: {mode: 'partners', partners: [first], trusted_key_servers: notaries(first!)},
	}));
	const [partner, stranger] = host.peers as [SignedPeer, SignedPeer];
	const roomId = await host.createRoom();
	const [bob, carol] = [partner.userId('bob'), stranger.userId('carol')];
	const room = await partner.join(roomId, bob);
	const content = {membership: 'join'};
	const join = stranger.append(room, {type: 'm.room.member', sender: carol, stateKey: carol, content});
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/joined_members`;
	const listJoined = async () => {
		const {joined} = await call<{joined: object}>(host.app, 'GET', uri, {token: host.alice.access_token});
		return Object.keys(joined);
	};
	return {host, partner, stranger, roomId, room, bob, carol, join, listJoined};
}

test('what somebody of no partner says is dropped at once, with one line in the log, where nobody gives their keys', async (t) => {
	const {host, partner, stranger, roomId, room, bob, carol, join, listJoined} = await startRelayed(t);
	const {staging} = host.app.application.services.federation.transactions;
	const before = room.state.get(`m.room.member ${bob}`)!.eventId;
	await partner.send('t1', [toFederationEvent(join), toFederationEvent(stranger.message(room, carol, 'unheard'))]);
	await until(() => staging.waiting === 0, 'nothing staged');
	t.is(host.app.readLog().split('no partner are dropped').length, 2);
	t.false((await listJoined()).includes(carol));
	t.is(stranger.requests.length, 0);
	room.extremities = [before];
	await partner.send('t2', [toFederationEvent(partner.message(room, bob, 'heard'))]);
	await hear(host, roomId, 'heard');
});

test('what somebody of no partner says counts where a partner gives their keys as a notary', async (t) => {
	const {partner, stranger, join, carol, listJoined} = await startRelayed(t, (first) => [first]);
	partner.answer = ({url}) =>
		url.startsWith('/_matrix/key/v2/query')
			? {body: {server_keys: [signJson(stranger.document(), partner.name, partner.key)]}}
			: undefined;
	await partner.send('t1', [toFederationEvent(join)]);
	await until(async () => (await listJoined()).includes(carol), 'carol in the room');
	t.is(stranger.requests.length, 0);
});
