/** Section A of the list of threats, sent by a server that signs what it sends. */
import test, {type ExecutionContext} from 'ava';
import {canonicalJson, type JsonObject, type JsonValue} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {request, until} from '../../../harness/index.ts';
import {bodies, hear, say, startShared} from '../server-server/world.ts';
import {bodyOf, type Endpoint, endpointsOf, type Names, pathOf} from './every-endpoint.ts';
import {brokenBodies, mutationsOf} from './hostile-json.ts';

type Shared = Awaited<ReturnType<typeof startShared>>;

/** A partner, to whom every endpoint is open. */
const asPartner = (names: readonly string[]) => ({federation: {mode: 'partners', partners: names}});

const endpoints = endpointsOf('federation').filter(({auth, body}) => auth === 'server' && body !== undefined);

const namesOf = ({roomId, bob}: Shared): Names => ({roomId, userId: bob, eventId: `$${'a'.repeat(43)}`});

/** Member events as honest servers send them, so that each mutation of one is one fault. */
function memberBodies({peer, room, bob, alice}: Shared): Readonly<Record<string, object>> {
	const member = (membership: string, userId: string = bob): JsonObject =>
		toFederationEvent(peer.build(room, {type: 'm.room.member', sender: bob, stateKey: userId, content: {membership}}));
	return {
		sendInviteV2: {
			room_version: room.version,
			event: member('invite', alice.user_id),
			invite_room_state: [{type: 'm.room.create', state_key: '', sender: bob, content: {}}],
		},
		sendJoinV2: member('join'),
		sendKnock: member('knock'),
		sendLeaveV2: member('leave'),
	};
}

/** Endpoints that need nothing of their body, so that keys which they do not know are nothing to them; and what they answer. */
const needNothing: Readonly<Record<string, number>> = {queryPublicRooms: 200, exchangeThirdPartyInvite: 403};

async function checkAlive(t: ExecutionContext, host: Shared): Promise<void> {
	const {app, peer, room, roomId, bob} = host;
	const {staging} = app.application.services.federation.transactions;
	await until(() => staging.waiting === 0, 'nothing that waits for a room', 60_000);
	const alive = peer.message(room, bob, 'still here');
	t.is((await peer.send('alive', [toFederationEvent(alive)])).status, 200);
	await hear(host, roomId, 'still here');
	t.is((await request(app, 'GET', '/_matrix/client/versions')).status, 200);
	t.false(/A request failed unexpectedly|An EDU failed/u.test(app.readLog()));
}

for (const [row, texts] of Object.entries(brokenBodies)) {
	test(`${row}: a broken body of another server is refused at every endpoint, and changes nothing`, async (t) => {
		const host = await startShared(t, {}, asPartner);
		const {stream} = host.app.application.storage;
		const before = stream.head();
		for (const endpoint of endpoints) {
			// An empty body is none, and one without a body is signed otherwise.
			const sent = texts.filter((text) => text !== '');
			const answers = sent.map(async (text) => {
				const what = `${endpoint.id} ${text.toString().slice(0, 50)}`;
				const {status, body} = await host.peer.request(endpoint.method, pathOf(endpoint, namesOf(host)), {text});
				if (status === needNothing[endpoint.id]) return;
				// Members' events are looked for by what they say, and a body that says nothing is of nobody.
				const errcodes = ['M_BAD_JSON', 'M_NOT_JSON', 'M_INVALID_PARAM', 'M_NOT_FOUND'];
				t.true((status === 400 || status === 404) && errcodes.includes(body['errcode'] as string), what);
			});
			await Promise.all(answers);
		}
		t.is(stream.head(), before);
		await checkAlive(t, host);
	});
}

for (const version of ['10', '12']) {
	test(`A9: an odd value anywhere in a server's question or member event is refused, in a room of version ${version}`, async (t) => {
		const host = await startShared(t, {version}, asPartner);
		const samples = memberBodies(host);
		const ask = async (endpoint: Endpoint, text: string): Promise<void> => {
			const {status} = await host.peer.request(endpoint.method, pathOf(endpoint, namesOf(host)), {text});
			if (status >= 500 || status === 401) t.fail(`${endpoint.id} ${text.slice(0, 200)}: ${status}`);
			if (samples[endpoint.id] !== undefined && status === 200) t.fail(`${endpoint.id} took ${text.slice(0, 200)}`);
		};
		for (const endpoint of endpoints.filter(({id}) => id !== 'sendTransaction')) {
			const texts = [...mutationsOf(samples[endpoint.id] ?? bodyOf(endpoint, namesOf(host)))];
			for (let start = 0; start < texts.length; start += 16) {
				await Promise.all(texts.slice(start, start + 16).map((text) => ask(endpoint, text)));
			}
		}
		await checkAlive(t, host);
	});
}

for (const version of ['10', '12']) {
	test(`A9, A12: an odd value anywhere in a PDU costs only that PDU, in a room of version ${version}`, async (t) => {
		const host = await startShared(t, {version});
		const {peer, room, roomId, bob} = host;
		const message = {type: 'm.room.message', sender: bob, content: {msgtype: 'm.text', body: 'odd'}};
		const topic = {type: 'm.room.topic', sender: bob, stateKey: '', content: {topic: 'odd'}};
		const pdus = [message, topic].flatMap((event) => [
			...mutationsOf(JSON.parse(canonicalJson(toFederationEvent(peer.build(room, event))))),
		]);
		// `pdus` stands twice in the text then, which is a defect of the transaction itself.
		const text = `{"pdus":[${pdus.slice(0, 2).join(',')}],"pdus":[]}`;
		t.is((await peer.request('PUT', '/_matrix/federation/v1/send/twice', {text})).status, 400);
		for (let start = 0; start < pdus.length; start += 49) {
			const body = `{"pdus":[${pdus.slice(start, start + 49).join(',')}]}`;
			t.is((await peer.request('PUT', `/_matrix/federation/v1/send/p${start}`, {text: body})).status, 200);
		}
		await checkAlive(t, host);
		// What is not hashed may be changed on the way, and a content that was changed is taken away; nothing odd is shown.
		t.false(
			(await bodies(host, roomId)).some((body) => body !== undefined && body !== 'odd' && !body.startsWith('still')),
		);
	});
}

test('A9, A12: an odd value anywhere in an EDU costs only that EDU', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer, roomId, bob} = host;
	const {event_id: eventId} = await say(host, roomId, 'read this');
	const device = {user_id: bob, device_id: 'D', algorithms: ['a'], keys: {'ed25519:D': 'a'}, signatures: {}};
	const key = (usage: string, name: string) => ({user_id: bob, usage: [usage], keys: {[`ed25519:${name}`]: name}});
	const edus: Readonly<Record<string, object>> = {
		'm.typing': {room_id: roomId, user_id: bob, typing: true},
		'm.receipt': {[roomId]: {'m.read': {[bob]: {event_ids: [eventId], data: {ts: 1, thread_id: 'main'}}}}},
		'm.presence': {push: [{user_id: bob, presence: 'online', last_active_ago: 1, currently_active: true}]},
		'm.direct_to_device': {sender: bob, type: 'm.x', message_id: 'm1', messages: {[alice.user_id]: {'*': {a: 1}}}},
		'm.device_list_update': {user_id: bob, device_id: 'D', stream_id: 5, prev_id: [4], deleted: false, keys: device},
		'm.signing_key_update': {user_id: bob, master_key: key('master', 'a'), self_signing_key: key('self_signing', 'b')},
	};
	const odd = Object.entries(edus).flatMap(([type, content]) => [...mutationsOf({edu_type: type, content})]);
	const last: JsonValue = {
		edu_type: 'm.direct_to_device',
		content: {sender: bob, type: 'm.last', message_id: 'last', messages: {[alice.user_id]: {'*': {a: 1}}}},
	};
	for (let start = 0; start < odd.length; start += 99) {
		const text = `{"pdus":[],"edus":[${[...odd.slice(start, start + 99), canonicalJson(last)].join(',')}]}`;
		t.is((await peer.request('PUT', `/_matrix/federation/v1/send/e${start}`, {text})).status, 200);
	}
	const range = {after: 0, upto: app.application.storage.stream.head(), limit: 1000};
	await until(
		async () =>
			(await app.application.storage.toDevice.list(alice.user_id as never, alice.device_id as never, range)).some(
				({type}) => type === 'm.last',
			),
		'the last of the EDUs',
	);
	await checkAlive(t, host);
});
