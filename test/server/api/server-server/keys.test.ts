import test from 'ava';
import {
	decodeBase64,
	encodeBase64,
	findSignedMessage,
	generateSigningKey,
	isKeyId,
	type JsonObject,
	type SignedJson,
	type SigningKey,
	signJson,
	verify,
} from '../../../../crypto/index.ts';
import {APP_SERVER_NAME, request, type SignedPeer, startApp, startNeighbours} from '../../../harness/index.ts';

interface KeyDocument extends SignedJson {
	readonly verify_keys: Record<string, {key: string}>;
	readonly valid_until_ts: number;
	readonly server_name: string;
}

test('the server shows its key, signed with itself, at the old path too', async (t) => {
	const app = await startApp(t);
	for (const path of ['/_matrix/key/v2/server', '/_matrix/key/v2/server/', '/_matrix/key/v2/server/ed25519:auto']) {
		const {status, body} = await request<KeyDocument>(app, 'GET', path);
		t.is(status, 200, path);
		t.is(body.server_name, APP_SERVER_NAME);
		t.true(body.valid_until_ts > Date.now() + 3_600_000);
		const [keyId] = Object.keys(body.verify_keys);
		const publicKey = decodeBase64(body.verify_keys[keyId!]!.key)!;
		t.true(isKeyId(keyId));
		const message = findSignedMessage(body, APP_SERVER_NAME, keyId!, publicKey);
		t.true(message !== undefined && verify(message));
	}
});

test('the key is the same after a restart', async (t) => {
	const first = await startApp(t);
	const {body: before} = await request<KeyDocument>(first, 'GET', '/_matrix/key/v2/server');
	await first.application.stop();
	const again = await startApp(t, {config: {data: `${first.directory}/data`}});
	const {body: after} = await request<KeyDocument>(again, 'GET', '/_matrix/key/v2/server');
	t.deepEqual(Object.keys(after.verify_keys), Object.keys(before.verify_keys));
});

test('a question for keys is answered for this server and for nobody else', async (t) => {
	const app = await startApp(t);
	const own = await request<{server_keys: unknown[]}>(app, 'GET', `/_matrix/key/v2/query/${APP_SERVER_NAME}`);
	t.is(own.body.server_keys.length, 1);
	const other = await request(app, 'GET', '/_matrix/key/v2/query/matrix.org');
	t.deepEqual(other.body, {server_keys: []});
	const bad = await request(app, 'GET', '/_matrix/key/v2/query/not%20a%20name');
	t.deepEqual([bad.status, bad.body['errcode']], [400, 'M_INVALID_PARAM']);
	const both = await request<{server_keys: unknown[]}>(app, 'POST', '/_matrix/key/v2/query', {
		body: {server_keys: {[APP_SERVER_NAME]: {}, 'matrix.org': {'ed25519:a': {minimum_valid_until_ts: 1}}}},
	});
	t.is(both.body.server_keys.length, 1);
	for (const body of [{}, {server_keys: []}, {server_keys: {a: 1}}]) {
		const answer = await request(app, 'POST', '/_matrix/key/v2/query', {body});
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_BAD_JSON'], JSON.stringify(body));
	}
});

test('the program is named without its version', async (t) => {
	const app = await startApp(t);
	const {body} = await request(app, 'GET', '/_matrix/federation/v1/version');
	t.deepEqual(body, {server: {name: 'Broadsheet'}});
});

test('with federation off no endpoint of servers is there, keys included', async (t) => {
	const app = await startApp(t, {config: {federation: {mode: 'off'}}});
	for (const path of ['/_matrix/key/v2/server', '/_matrix/federation/v1/version', '/_matrix/key/v2/query/a.example']) {
		const answer = await request(app, 'GET', path);
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_UNRECOGNIZED'], path);
	}
});

test('B5, B7: a request is heard only if its key is in use, in a document that is not over, and no point of small order', async (t) => {
	const [old, fresh] = [generateSigningKey({version: 'old'}), generateSigningKey({version: 'fresh'})];
	const uri = '/_matrix/federation/v1/send/t1';
	const body = {pdus: []};
	// With the identity as key, this signature holds for any message.
	const identity = Buffer.from([1, ...Array.from({length: 31}, () => 0)]);
	const signature = encodeBase64(Buffer.concat([identity, Buffer.alloc(32)]));
	const cases: Record<string, (peer: SignedPeer) => {document: JsonObject; key?: SigningKey; authorization?: string}> =
		{
			'a key that is over': (peer) => ({
				document: signJson(
					{
						server_name: peer.name,
						valid_until_ts: Date.now() + 86_400_000,
						verify_keys: {[fresh.keyId]: {key: encodeBase64(fresh.publicKey)}},
						old_verify_keys: {[old.keyId]: {key: encodeBase64(old.publicKey), expired_ts: Date.now() - 1_000}},
					},
					peer.name,
					fresh,
				),
				key: old,
			}),
			'a document that is over': (peer) => ({document: peer.keyDocument([peer.key], Date.now() - 1_000)}),
			'a document of another server': (peer) => ({
				document: signJson({...peer.keyDocument(), server_name: 'other.example'}, peer.name, peer.key),
			}),
			'the identity as a key': (peer) => ({
				document: {
					server_name: peer.name,
					valid_until_ts: Date.now() + 86_400_000,
					verify_keys: {'ed25519:zero': {key: encodeBase64(identity)}},
					old_verify_keys: {},
					signatures: {[peer.name]: {'ed25519:zero': signature}},
				},
				authorization: `X-Matrix origin="${peer.name}",destination="news.example",key="ed25519:zero",sig="${signature}"`,
			}),
		};
	for (const [what, make] of Object.entries(cases)) {
		const {peers} = await startNeighbours(t);
		const peer = peers[0]!;
		const {document, ...signed} = make(peer);
		peer.document = () => document;
		const answer = await peer.request('PUT', uri, {body, ...signed});
		t.deepEqual([answer.status, answer.body['errcode']], [401, 'M_UNAUTHORIZED'], what);
		t.true(
			peer.requests.some(({url}) => url.startsWith('/_matrix/key/')),
			`${what}: the document was read`,
		);
	}
	const {peers} = await startNeighbours(t);
	const peer = peers[0]!;
	peer.document = () => peer.keyDocument([peer.key, fresh]);
	t.is((await peer.request('PUT', uri, {body, key: fresh})).status, 200);
});
