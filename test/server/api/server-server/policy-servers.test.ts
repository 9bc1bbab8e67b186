/** Rooms whose events a policy server recommends, or does not. */
import test, {type ExecutionContext} from 'ava';
import {
	encodeBase64,
	generateSigningKey,
	type JsonObject,
	readStrictJson,
	type SigningKey,
} from '../../../../crypto/index.ts';
import {type Pdu, parsePdu, signPdu, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path, request, type SignedPeer, until} from '../../../harness/index.ts';
import {bodies, hear, say, setState, startShared} from './world.ts';

const SIGN = '/_matrix/policy/v1/sign';
const KEY_ID = 'ed25519:policy_server';

type Shared = Awaited<ReturnType<typeof startShared>>;

interface Policed extends Shared {
	readonly key: SigningKey;
	/** The events that it was asked to sign. */
	readonly asked: JsonObject[];
	/** How it answers; default: with its signature. */
	verdict: (event: JsonObject) => {status?: number; body: JsonObject} | undefined;
}

/** Signs as a policy server does. */
function recommend(pdu: Pdu, server: string, key: SigningKey): Pdu {
	return signPdu(pdu, server as never, {keyId: KEY_ID, sign: (bytes: Uint8Array) => key.sign(bytes)} as never);
}

function signatureOf(event: JsonObject, server: string, key: SigningKey, version = '11'): JsonObject {
	const parsed = parsePdu(event, version as never);
	if (!parsed.ok) throw new Error(parsed.fault.reason);
	const signatures = recommend(parsed.pdu, server, key).signatures;
	return {[server]: {[KEY_ID]: signatures[server as never]![KEY_ID]!}};
}

/** A room that a server of bob's watches over. */
async function startPoliced(t: ExecutionContext, options: Parameters<typeof startShared>[1] = {}): Promise<Policed> {
	const host = await startShared(t, options);
	const key = generateSigningKey();
	const policed: Policed = {...host, key, asked: [], verdict: () => undefined};
	host.peer.answer = ({method, url, body}) => {
		if (method !== 'POST' || url !== SIGN) return url.includes('/send/') ? {body: {pdus: {}}} : undefined;
		const event = readStrictJson(body) as JsonObject;
		policed.asked.push(event);
		return policed.verdict(event) ?? {body: signatureOf(event, host.peer.name, key, options.version)};
	};
	await setPolicy(policed);
	return policed;
}

const setPolicy = (host: Policed, content: JsonObject = policyOf(host.peer, host.key)) =>
	setState(host, host.roomId, 'm.room.policy', content);

const policyOf = (peer: SignedPeer, key: SigningKey): JsonObject => ({
	via: peer.name,
	public_keys: {ed25519: encodeBase64(key.publicKey)},
});

async function stored({app}: Shared, eventId: string): Promise<JsonObject> {
	const {inbound} = app.application.services.federation;
	return {...(await inbound.engine.findEvent(eventId as never))?.pdu.json};
}

function trySay({app, alice}: Shared, roomId: string, body: string) {
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/send/m.room.message/${path(body)}`;
	return request(app, 'PUT', uri, {token: alice.access_token, body: {msgtype: 'm.text', body}});
}

const refused = {status: 400, body: {errcode: 'M_FORBIDDEN', error: 'The message appears to contain possible spam'}};

for (const version of ['6', '11', '12']) {
	test(`in a room of version ${version} an event is signed by the policy server before anybody sees it`, async (t) => {
		const host = await startPoliced(t, {version});
		const {peer, roomId, asked} = host;
		t.is(asked.length, 0, 'the event that names it is sent without');
		const {event_id: eventId} = await say(host, roomId, 'hello');
		t.is(asked.length, 1);
		t.like(asked[0], {type: 'm.room.message', content: {body: 'hello'}});
		t.is(asked[0]!['unsigned'], undefined);
		const event = await stored(host, eventId);
		const {signatures} = event as {signatures: Record<string, Record<string, string>>};
		t.deepEqual(Object.keys(signatures).toSorted(), [peer.name, 'news.example'].toSorted());
		t.deepEqual(Object.keys(signatures[peer.name]!), [KEY_ID]);
		const sent = await until(
			() =>
				peer.requests
					.filter(({url}) => url.includes('/send/'))
					.flatMap(({body}) => (JSON.parse(body.toString()) as {pdus: JsonObject[]}).pdus)
					.find(({content}) => (content as JsonObject)['body'] === 'hello'),
			'the message at the peer',
		);
		t.deepEqual(sent['signatures'], JSON.parse(JSON.stringify(signatures)));
		// Asking for the same again sends nothing, and asks nothing.
		t.is((await say(host, roomId, 'hello')).event_id, eventId);
		t.is(asked.length, 1);
	});
}

test('what the policy server refuses is not sent, and its words reach the client', async (t) => {
	const host = await startPoliced(t);
	const {roomId} = host;
	host.verdict = () => refused;
	const answer = await trySay(host, roomId, 'spam');
	t.deepEqual([answer.status, answer.body], [refused.status, refused.body]);
	t.deepEqual(await bodies(host, roomId), []);
	host.verdict = () => ({status: 429, body: {errcode: 'M_LIMIT_EXCEEDED', error: 'Slowly', retry_after_ms: 1500}});
	const limited = await trySay(host, roomId, 'fast');
	t.deepEqual(
		[limited.status, limited.body],
		[429, {errcode: 'M_LIMIT_EXCEEDED', error: 'Slowly', retry_after_ms: 1500}],
	);
	t.is(limited.headers.get('retry-after'), '2');
	// Its 401 is about us, and not about the person.
	host.verdict = () => ({status: 401, body: {errcode: 'M_UNAUTHORIZED', error: 'Who are you?'}});
	t.is((await trySay(host, roomId, 'unknown')).status, 403);
	host.verdict = () => undefined;
	t.is((await trySay(host, roomId, 'spam')).status, 200, 'a refused attempt is no attempt');
	t.deepEqual(await bodies(host, roomId), ['spam']);
});

test('a policy server that does not answer holds one event up, and not each', async (t) => {
	const host = await startPoliced(t);
	const {app, roomId, asked} = host;
	host.verdict = () => ({status: 500, body: {}});
	for (const body of ['one', 'two', 'three']) {
		const answer = await trySay(host, roomId, body);
		t.deepEqual([answer.status, answer.body['errcode']], [502, 'M_UNKNOWN'], body);
	}
	t.is(asked.length, 1);
	host.verdict = () => undefined;
	app.advance(30_000);
	t.is((await trySay(host, roomId, 'four')).status, 200);
	t.deepEqual(await bodies(host, roomId), ['four']);
});

test('an answer that is no signature by the key that the room names recommends nothing', async (t) => {
	const host = await startPoliced(t);
	const {peer, roomId} = host;
	const answers: Record<string, (event: JsonObject) => JsonObject> = {
		'another key': (event) => signatureOf(event, peer.name, generateSigningKey()),
		'another server': (event) => signatureOf(event, 'elsewhere.example', host.key),
		'another event': (event) => signatureOf({...event, origin_server_ts: 5}, peer.name, host.key),
		'the key of the server': (event) => {
			const {signatures} = peer.countersign(event, '11') as {signatures: JsonObject};
			return {[peer.name]: signatures[peer.name]!};
		},
		nothing: () => ({}),
		'no signature': () => ({[peer.name]: {[KEY_ID]: 'x'}}),
		'no text': () => ({[peer.name]: {[KEY_ID]: 5}}),
	};
	for (const [what, answer] of Object.entries(answers)) {
		host.verdict = (event) => ({body: answer(event)});
		const said = await trySay(host, roomId, what);
		t.deepEqual([said.status, said.body['errcode']], [403, 'M_FORBIDDEN'], what);
	}
	t.deepEqual(await bodies(host, roomId), []);
});

test('a policy server is asked while it is named rightly and somebody of it is in the room', async (t) => {
	const host = await startPoliced(t);
	const {peer, roomId, asked, key, bob} = host;
	const right = policyOf(peer, key);
	for (const content of [
		{},
		{...right, via: 5},
		{...right, via: 'no server name'},
		{...right, via: 'elsewhere.example'},
		{via: peer.name},
		{...right, public_keys: []},
		{...right, public_keys: {ed25519: 5}},
		{...right, public_keys: {curve25519: encodeBase64(key.publicKey)}},
	]) {
		await setPolicy(host, content);
		t.is((await trySay(host, roomId, JSON.stringify(content))).status, 200, JSON.stringify(content));
	}
	t.is(asked.length, 0);
	await setPolicy(host, {...right, public_keys: {ed25519: 'no key'}});
	t.is((await trySay(host, roomId, 'by no key')).status, 403);
	t.is(asked.length, 0, 'nothing that it could say would do');
	await setPolicy(host);
	await setState(host, roomId, 'm.room.topic', {topic: 'x'});
	await setState(host, roomId, 'm.room.policy', right, 'another key');
	t.deepEqual(
		asked.map(({type}) => type),
		['m.room.topic', 'm.room.policy'],
	);
	// A room gets rid of it whatever it says, and it of a room.
	host.verdict = () => refused;
	await setPolicy(host, {});
	t.is((await trySay(host, roomId, 'without')).status, 200);
	host.verdict = () => undefined;
	await setPolicy(host);
	t.is((await peer.sendMember(await peer.makeMember('leave', roomId, bob))).status, 200);
	const before = asked.length;
	t.is((await trySay(host, roomId, 'alone')).status, 200);
	t.is(asked.length, before);
});

test('of several people who speak at once each is asked about once, and all are heard', async (t) => {
	const host = await startPoliced(t);
	const {roomId, asked} = host;
	const said = Array.from({length: 20}, (_, index) => `message ${index}`);
	const answers = await Promise.all(said.map((body) => trySay(host, roomId, body)));
	t.deepEqual(new Set(answers.map(({status}) => status)), new Set([200]));
	t.deepEqual((await bodies(host, roomId)).map(String).toSorted(), said.toSorted());
	t.is(asked.length, said.length);
	// Who spoke at once did not know of the others; a few more events bring the ends together.
	for (const body of ['after', 'all', 'of them']) t.is((await trySay(host, roomId, body)).status, 200);
	const extremities = (await host.app.application.services.federation.inbound.engine.findRoom(roomId))?.extremities;
	t.is(extremities?.length, 1);
});

test('an event from outside is taken with the signature that it brings, and asked about without', async (t) => {
	const host = await startPoliced(t);
	const {peer, room, roomId, asked, bob, key} = host;
	const brought = recommend(peer.message(room, bob, 'brought'), peer.name, key);
	await peer.send('t1', [toFederationEvent(brought)]);
	await hear(host, roomId, 'brought');
	t.is(asked.length, 0);
	const plain = peer.message(room, bob, 'plain');
	await peer.send('t2', [toFederationEvent(plain)]);
	await hear(host, roomId, 'plain');
	t.deepEqual(
		asked.map(({content}) => (content as JsonObject)['body']),
		['plain'],
	);
	const {signatures} = (await stored(host, plain.eventId)) as {signatures: Record<string, JsonObject>};
	t.true(Object.hasOwn(signatures[peer.name]!, KEY_ID) && Object.hasOwn(signatures[peer.name]!, peer.key.keyId));
	// By a key that was, or was never, the room's: asked for anew.
	const stale = recommend(peer.message(room, bob, 'stale'), peer.name, generateSigningKey());
	await peer.send('t3', [toFederationEvent(stale)]);
	await hear(host, roomId, 'stale');
	t.is(asked.length, 2);
});

test('an event from outside that the policy server refuses is soft-failed', async (t) => {
	const host = await startPoliced(t);
	const {app, peer, room, roomId, bob} = host;
	const before = [...room.extremities];
	const spam = peer.message(room, bob, 'spam');
	host.verdict = () => refused;
	await peer.send('t1', [toFederationEvent(spam)]);
	const {inbound} = app.application.services.federation;
	const row = await until(async () => (await inbound.engine.findEvent(spam.eventId))?.row, 'the event');
	t.true(row.softFailed);
	t.is(row.rejected, null);
	host.verdict = () => undefined;
	room.extremities = before;
	await peer.send('t2', [toFederationEvent(peer.message(room, bob, 'no spam'))]);
	await hear(host, roomId, 'no spam');
	t.deepEqual(await bodies(host, roomId), ['no spam']);
	// The signature of the policy server alone is none of the sender's server.
	const unsigned = recommend(peer.message(room, bob, 'unsigned'), peer.name, host.key);
	const {signatures, ...json} = toFederationEvent(unsigned) as JsonObject & {signatures: Record<string, JsonObject>};
	const only = {[peer.name]: {[KEY_ID]: signatures[peer.name]![KEY_ID]!}};
	await peer.send('t3', [{...json, signatures: only}]);
	await until(() => host.app.application.services.federation.transactions.staging.waiting === 0, 'nothing staged');
	t.is(await inbound.engine.findEvent(unsigned.eventId), undefined);
});

test('who joins by this server is asked about, and given the event as it was signed', async (t) => {
	const host = await startPoliced(t);
	const {peer, roomId, asked} = host;
	const carol = await peer.makeMember('join', roomId, peer.userId('carol'));
	const answer = await peer.sendMember<{event: {signatures: Record<string, object>}}>(carol);
	t.is(answer.status, 200);
	t.true(Object.hasOwn(answer.body.event.signatures[peer.name]!, KEY_ID));
	t.deepEqual(
		asked.map(({type}) => type),
		['m.room.member'],
	);
	host.verdict = () => refused;
	const dave = await peer.makeMember('join', roomId, peer.userId('dave'));
	const refusal = await peer.sendMember(dave);
	t.deepEqual([refusal.status, refusal.body['errcode']], [403, 'M_FORBIDDEN']);
});

test('an invite of somebody elsewhere is asked about before they hear of it', async (t) => {
	const host = await startPoliced(t);
	const {app, alice, peer, roomId, asked} = host;
	const answer = peer.answer;
	peer.answer = (question) => {
		if (!question.url.includes('/invite/')) return answer(question);
		const {event} = readStrictJson(question.body) as {event: JsonObject};
		return {body: {event: peer.countersign(event, '11')}};
	};
	const invite = (userId: string) =>
		request(app, 'POST', `/_matrix/client/v3/rooms/${path(roomId)}/invite`, {
			token: alice.access_token,
			body: {user_id: userId},
		});
	host.verdict = () => refused;
	const refusal = await invite(peer.userId('carol'));
	t.deepEqual([refusal.status, refusal.body], [refused.status, refused.body]);
	t.false(peer.requests.some(({url}) => url.includes('/invite/')));
	host.verdict = () => undefined;
	t.is((await invite(peer.userId('carol'))).status, 200);
	t.is(asked.length, 2);
	const member = `/_matrix/client/v3/rooms/${path(roomId)}/state/m.room.member/${path(peer.userId('carol'))}`;
	t.like(await call(app, 'GET', member, {token: alice.access_token}), {membership: 'invite'});
});

test('this server is no policy server: a room that names it is told so by the event it cannot send', async (t) => {
	const host = await startPoliced(t);
	await setPolicy(host, {...policyOf(host.peer, host.key), via: 'news.example'});
	const answer = await trySay(host, host.roomId, 'to ourselves');
	t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN']);
	const asked = await host.peer.request('POST', SIGN, {body: {type: 'm.room.message'}});
	t.deepEqual([asked.status, asked.body['errcode']], [404, 'M_UNRECOGNIZED']);
	await setPolicy(host, {});
	t.is((await trySay(host, host.roomId, 'again')).status, 200);
});
