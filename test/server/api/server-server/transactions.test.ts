import {connect} from 'node:net';
import test from 'ava';
import {
	canonicalJson,
	type EventId,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type UserId,
} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, request, until} from '../../../harness/index.ts';
import {bodies, hear, setState, startHost, startShared, timeline} from './world.ts';

for (const version of ['6', '10', '11', '12']) {
	test(`a message of a partner server reaches a room of version ${version}`, async (t) => {
		const host = await startShared(t, {version});
		const {peer, room, roomId, bob} = host;
		const pdu = peer.message(room, bob, 'hello');
		const {status, body} = await peer.send('t1', [toFederationEvent(pdu)]);
		t.is(status, 200);
		t.deepEqual(body, {pdus: {[pdu.eventId]: {}}});
		await hear(host, roomId, 'hello');
	});
}

test('B8: a transaction that comes again is answered alike and changes nothing', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const first = peer.message(room, bob, 'once');
	const answer = await peer.send('t1', [toFederationEvent(first)]);
	await hear(host, roomId, 'once');
	const again = await peer.send('t1', [toFederationEvent(first)]);
	t.is(again.text, answer.text);
	const twice = await Promise.all(
		[1, 2, 3].map(() => peer.send('t2', [toFederationEvent(peer.build(room, message(bob, 'twice')))])),
	);
	t.deepEqual(new Set(twice.map(({status}) => status)), new Set([200]));
	await hear(host, roomId, 'twice');
	t.deepEqual(
		(await bodies(host, roomId)).filter((body) => body === 'once'),
		['once'],
	);
});

const message = (sender: UserId, body: string) => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body} as JsonObject,
});

test('A9, A12: PDUs that are none, of whatever form, cost the others nothing', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const good = toFederationEvent(peer.message(room, bob, 'good'));
	const broken: JsonValue[] = [
		null,
		5,
		'text',
		[],
		{},
		{...good, room_id: 5},
		{...good, room_id: 'no room'},
		{...good, type: 7},
		{...good, content: 'text'},
		{...good, content: null},
		{...good, auth_events: [{}]},
		{...good, prev_events: Array.from({length: 21}, (_, index) => `$${String(index).padStart(43, 'a')}`)},
		{...good, hashes: null},
		{...good, signatures: []},
		{...good, depth: -1},
		{...good, sender: 'bob'},
		{...good, origin_server_ts: 'now'},
		{...good, content: {body: 'x'.repeat(66_000)}},
		{...good, state_key: 'k'.repeat(256)},
		{...good, type: 'é'.repeat(128)},
		{...good, room_id: '__proto__'},
	];
	const {status} = await peer.send('t1', [...broken, good]);
	t.is(status, 200);
	await hear(host, roomId, 'good');
	t.deepEqual(await bodies(host, roomId), ['good']);
});

/** Contents and whole events that no event may hold, by the row of the list of threats. */
const unholdable: Readonly<Record<string, readonly ((pdu: string) => string)[]>> = {
	A1: ['1e400', '-1e400'].map(withNumber),
	A2: ['1.0', '1e2', '-0', '0.5'].map(withNumber),
	A3: [
		withNumber('9007199254740992'),
		withNumber('-9223372036854775808'),
		(pdu) => pdu.replace(/"depth":\d+/u, '"depth":9223372036854775807'),
		(pdu) => pdu.replace(/"origin_server_ts":\d+/u, '"origin_server_ts":9007199254740992'),
	],
	A4: [
		withContent('{"a":1,"a":2}'),
		withContent('{"__proto__":{"a":1},"__proto__":{"a":2}}'),
		(pdu) => pdu.replace('"content"', '"type":"m.room.message","content"'),
	],
	A6: [withContent('{"a":"\\ud800"}'), withContent('{"\\udc00":1}')],
	A7: [600, 1_500, 20_000].map((depth) => withContent(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)),
};

function withContent(content: string): (pdu: string) => string {
	return (pdu) => pdu.replace(/"content":\{[^}]*\}/u, () => `"content":${content}`);
}

function withNumber(number: string): (pdu: string) => string {
	return withContent(`{"a":${number}}`);
}

for (const [row, changes] of Object.entries(unholdable)) {
	test(`${row}: what no event may hold loses only its own PDU`, async (t) => {
		const host = await startShared(t);
		const {peer, room, roomId, bob} = host;
		const send = (txnId: string, pdus: readonly string[], filler = 0) => {
			const edus = filler > 0 ? `[{"edu_type":"test.filler","content":{"filler":"${'x'.repeat(filler)}"}}]` : '[]';
			const text = `{"edus":${edus},"origin":"x","origin_server_ts":1,"pdus":[${pdus.join(',')}]}`;
			return peer.request<{pdus: object}>('PUT', `/_matrix/federation/v1/send/${txnId}`, {text});
		};
		const broken = changes.map((change, index) =>
			change(canonicalJson(toFederationEvent(peer.build(room, message(bob, `broken ${index}`))))),
		);
		for (const [index, pdu] of broken.entries()) {
			const {status, body} = await send(`n${index}`, [pdu]);
			t.deepEqual([status, body], [200, {pdus: {}}], pdu.slice(0, 100));
		}
		const good = peer.message(room, bob, 'good');
		const {status, body} = await send('all', [...broken, canonicalJson(toFederationEvent(good)), ...broken]);
		t.deepEqual([status, body], [200, {pdus: {[good.eventId]: {}}}]);
		await hear(host, roomId, 'good');
		t.deepEqual(await bodies(host, roomId), ['good']);
		// A long body is read in parts, and comes to the same.
		const other = peer.message(room, bob, 'other');
		const long = await send('long', [...broken, canonicalJson(toFederationEvent(other)), ...broken], 500_000);
		t.deepEqual([long.status, long.body], [200, {pdus: {[other.eventId]: {}}}]);
	});
}

test('A1: nothing is kept of an event without a canonical form of a room that is not here', async (t) => {
	const {app, peer, alice} = await startHost(t);
	// The end of an invite is taken though its room is not here.
	const roomId = `!elsewhere:${peer.name}` as RoomId;
	const {engine} = app.application.services.federation.inbound;
	const invite = peer.sign({
		roomVersion: '10',
		roomId,
		type: 'm.room.member',
		sender: peer.userId('bob'),
		stateKey: alice.user_id,
		content: {membership: 'invite'},
		depth: 5,
		originServerTs: Date.now(),
		prevEvents: [`$${'a'.repeat(43)}` as EventId],
		authEvents: [],
	});
	await engine.setOutsideMembership({pdu: invite, strippedState: []});
	const retraction = (n: string) =>
		`{"type":"m.room.member","state_key":"${alice.user_id}","room_id":"${roomId}","content":{"n":${n}}}`;
	for (const n of ['1e400', '-1e999', '1.5', '[[1e400]]']) {
		const {status} = await peer.request('PUT', `/_matrix/federation/v1/send/${n.length}`, {
			text: `{"pdus":[${retraction(n)}]}`,
		});
		t.is(status, 200, n);
	}
	t.is((await app.application.storage.federation.listStaged({limit: 10})).length, 0);
});

test('A5: keys of an event are in the order of code points, whatever UTF-16 says', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const pdu = peer.message(room, bob, 'in order', {
		content: {body: 'in order', msgtype: 'm.text', '\u{FF5E}': 1, '\u{1F600}': 2, '\u{E000}': 3, '\u{10FFFF}': 4},
	});
	// Fullwidth tilde, then the emoji: UTF-16 units have it the other way round.
	const written = '{"body":"in order","msgtype":"m.text","\u{E000}":3,"\u{FF5E}":1,"\u{1F600}":2,"\u{10FFFF}":4}';
	t.true(canonicalJson(toFederationEvent(pdu)).includes(written));
	await peer.send('t1', [toFederationEvent(pdu)]);
	await hear(host, roomId, 'in order');
	// Kept whole: under another order the hash would not have matched, and the content be gone.
	const [event] = await timeline(host, roomId);
	t.deepEqual(event?.content as unknown, pdu.content);
});

test('A13: what a peer writes beside an event is not shown as the word of this server', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const pdu = peer.message(room, bob, 'hello');
	const unsigned = {age: -5, transaction_id: 'x', redacted_because: {}, 'm.relations': {a: 1}};
	await peer.send('t1', [{...toFederationEvent(pdu), unsigned}]);
	await hear(host, roomId, 'hello');
	const [event] = await timeline(host, roomId);
	t.is(event?.event_id, pdu.eventId);
	const shown = (event as {unsigned?: object}).unsigned ?? {};
	for (const key of ['transaction_id', 'redacted_because', 'm.relations']) t.false(Object.hasOwn(shown, key), key);
});

test('B1: an event that its sender’s server has not signed is not taken', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob, alice} = host;
	const stranger = generateSigningKey();
	const wrongKey = peer.build(room, message(bob, 'wrong key'), {key: stranger});
	const forged = peer.build(room, message(alice.user_id as UserId, 'in the name of alice'));
	const unsigned = {...toFederationEvent(peer.build(room, message(bob, 'unsigned'))), signatures: {}};
	const good = peer.message(room, bob, 'good');
	const pdus = [wrongKey, forged].map((pdu) => toFederationEvent(pdu));
	const {status} = await peer.send('t1', [...pdus, unsigned, toFederationEvent(good)]);
	t.is(status, 200);
	await hear(host, roomId, 'good');
	t.deepEqual(await bodies(host, roomId), ['good']);
});

test('B1: an event whose content was changed on its way is kept without that content', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const pdu = peer.message(room, bob, 'as it was written');
	await peer.send('t1', [{...toFederationEvent(pdu), content: {msgtype: 'm.text', body: 'as it was changed'}}]);
	const shown = await until(
		async () => (await timeline(host, roomId)).find(({event_id: eventId}) => eventId === pdu.eventId),
		'the event',
	);
	t.deepEqual(shown.content, {});
});

test('D3: more PDUs or EDUs than a transaction may hold are refused, and an oversized body early', async (t) => {
	const {peer} = await startHost(t);
	const many = (count: number): JsonValue[] => Array.from({length: count}, () => ({}));
	t.is((await peer.send('t1', many(51))).status, 400);
	t.is((await peer.send('t2', [], many(101))).status, 400);
	t.is((await peer.send('t3', many(50), many(100))).status, 200);
	for (const body of [{}, {pdus: {}}, {pdus: 5}, [], 'text'] as JsonValue[]) {
		const {status} = await peer.request('PUT', '/_matrix/federation/v1/send/t4', {body});
		t.is(status, 400, JSON.stringify(body));
	}
	t.is((await peer.request('PUT', `/_matrix/federation/v1/send/${'t'.repeat(300)}`, {body: {pdus: []}})).status, 400);
});

test('D3: whoever shows no plausible signature is answered before the body is read', async (t) => {
	const {app, peer} = await startHost(t);
	const {port} = new URL(app.url);
	const ask = (authorization: string): Promise<string> =>
		new Promise((resolve, reject) => {
			const socket = connect(Number(port), '127.0.0.1');
			let answer = '';
			socket.on('data', (chunk) => {
				answer += chunk.toString();
				if (!answer.includes('\r\n\r\n')) return;
				socket.destroy();
				resolve(answer);
			});
			socket.on('error', reject);
			// The body never comes.
			socket.write(
				`PUT /_matrix/federation/v1/send/t1 HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{`,
			);
		});
	t.regex(await ask(''), /^HTTP\/1\.1 401 /u);
	t.regex(await ask('Authorization: X-Matrix origin=a\r\n'), /^HTTP\/1\.1 401 /u);
	const elsewhere = `X-Matrix origin="${peer.name}",destination="other.example",key="ed25519:a",sig="abc"`;
	t.regex(await ask(`Authorization: ${elsewhere}\r\n`), /^HTTP\/1\.1 401 /u);
});

test('B8: a request for another server, in our own name, or with another signature is refused', async (t) => {
	const {app, peer, peers} = await startHost(t, 2);
	const uri = '/_matrix/federation/v1/send/t1';
	const body = {pdus: []};
	const other = peers[1]!;
	const lies = {
		'for another server': {destination: 'other.example'},
		'in our own name': {origin: 'news.example'},
		'in the name of a third': {origin: other.name},
		'for another path': {signedUri: '/_matrix/federation/v1/send/t2'},
		'with a key that is not published': {key: generateSigningKey()},
		'without a signature': {authorization: `X-Matrix origin="${peer.name}",destination="news.example",key="ed25519:a"`},
		'with a token': {authorization: 'Bearer abc'},
	};
	for (const [lie, options] of Object.entries(lies)) {
		const answer = await peer.request('PUT', uri, {body, ...options});
		t.is(answer.status, 401, lie);
	}
	t.is((await request(app, 'PUT', uri, {body})).status, 401);
	t.is((await peer.request('PUT', uri, {body})).status, 200);
});

test('federation.mode partners admits those listed and nobody else, on every path', async (t) => {
	const {peers} = await startHost(t, 2, ([first]) => ({federation: {mode: 'partners', partners: [first]}}));
	const [partner, stranger] = peers;
	const paths: [string, string][] = [
		['PUT', '/_matrix/federation/v1/send/t1'],
		['GET', '/_matrix/federation/v1/event/$a'],
		['GET', `/_matrix/federation/v1/make_join/!a:b/@a:${stranger!.name}`],
		['GET', '/_matrix/federation/v1/query/profile?user_id=@alice:news.example'],
	];
	for (const [method, uri] of paths) {
		const body = method === 'PUT' ? {pdus: []} : undefined;
		const answer = await stranger!.request(method, uri, {body});
		t.is(answer.status, 403, uri);
		t.is(answer.body['errcode'], 'M_FORBIDDEN');
		t.not((await partner!.request(method, uri, {body})).body['error'], answer.body['error'], uri);
	}
	// Nobody was asked for keys of a server that is not spoken with.
	t.is(stranger!.requests.length, 0);
});

test('C9: a server that the room’s access list shuts out is told so for each of its PDUs', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const before = peer.message(room, bob, 'before');
	await peer.send('t1', [toFederationEvent(before)]);
	await hear(host, roomId, 'before');
	await setState(host, roomId, 'm.room.server_acl', {allow: ['*'], deny: ['127.*'], allow_ip_literals: true});
	const after = peer.message(room, bob, 'after');
	const {status, body} = await peer.send('t2', [toFederationEvent(after)]);
	t.is(status, 200);
	t.is(typeof body.pdus[after.eventId]?.error, 'string');
	t.deepEqual(await bodies(host, roomId), ['before']);
});

test('an event of a room that is not here is passed over', async (t) => {
	const host = await startShared(t);
	const {peer, room, bob} = host;
	const pdu = toFederationEvent(peer.build(room, message(bob, 'elsewhere'), {roomId: '!elsewhere:a.example' as never}));
	const {status, body} = await peer.send('t1', [pdu]);
	t.is(status, 200);
	t.deepEqual(body, {pdus: {}});
	t.is(host.app.application.services.federation.transactions.staging.waiting, 0);
});

test('an event whose past is missing is completed from the server that sent it', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const missing = peer.message(room, bob, 'first, not sent');
	const sent = peer.message(room, bob, 'second, sent');
	peer.answer = ({url}) =>
		url.includes('/get_missing_events/') ? {body: canonicalJson({events: [toFederationEvent(missing)]})} : undefined;
	t.is((await peer.send('t1', [toFederationEvent(sent)])).status, 200);
	await hear(host, roomId, 'second, sent');
	t.deepEqual(await bodies(host, roomId), ['first, not sent', 'second, sent']);
});

test('what was answered for is worked on after a restart', async (t) => {
	const host = await startShared(t);
	const {app, peer, room, roomId, bob} = host;
	const missing = peer.message(room, bob, 'first');
	const sent = peer.message(room, bob, 'second');
	// The peer answers nothing that is asked of it, so the event waits.
	peer.answer = ({url}) => (url.includes('/key/') ? undefined : {status: 500, body: {}});
	t.is((await peer.send('t1', [toFederationEvent(sent)])).status, 200);
	await until(() => peer.requests.some(({url}) => url.includes('/state_ids/')), 'a question for the past');
	await app.application.storage.barrier();
	t.is((await app.application.storage.federation.listStaged({limit: 10})).length, 1);
	await app.application.stop();
	peer.answer = ({url}) =>
		url.includes('/get_missing_events/') ? {body: canonicalJson({events: [toFederationEvent(missing)]})} : undefined;
	const again = await app.restart();
	await hear({app: again, alice: host.alice}, roomId, 'second');
	t.deepEqual(await bodies({app: again, alice: host.alice}, roomId), ['first', 'second']);
	await until(
		async () => (await again.application.storage.federation.listStaged({limit: 10})).length === 0,
		'nothing staged',
	);
});

test('an event whose signer’s keys cannot be had yet is not lost', async (t) => {
	const host = await startHost(t, 2);
	const [first, second] = [host.peers[0]!, host.peers[1]!];
	const roomId = await host.createRoom();
	const bob = first.userId('bob');
	const room = await first.join(roomId, bob);
	const carol = second.userId('carol');
	// The second server's keys are not to be had when its join comes by way of the first.
	second.answer = () => ({status: 503, body: {}});
	const join = second.append(room, {
		type: 'm.room.member',
		sender: carol,
		stateKey: carol,
		content: {membership: 'join'},
	});
	t.is((await first.send('t1', [toFederationEvent(join)])).status, 200);
	await until(() => second.requests.length > 0, 'a question for keys');
	second.answer = () => undefined;
	const members = () =>
		call<{joined: object}>(host.app, 'GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/joined_members`, {
			token: host.alice.access_token,
		});
	t.false(Object.hasOwn((await members()).joined, carol));
	const {staging} = host.app.application.services.federation.transactions;
	t.is(staging.waiting, 1);
});
