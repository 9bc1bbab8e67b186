import {EventEmitter, once} from 'node:events';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {
	generateSigningKey,
	LosslessNumber,
	readStrictJson,
	type ServerName,
	type SigningKey,
} from '../../../crypto/index.ts';
import {createAddressPolicy} from '../../../federation/outbound/addresses.ts';
import {createTrust, type Network} from '../../../federation/outbound/connect.ts';
import {createDiscovery} from '../../../federation/outbound/discovery.ts';
import {
	createFederationClient,
	createHttpsTransport,
	type FederationClient,
	type HttpsTransport,
	OutboundError,
	path,
	RemoteError,
	verifyRequest,
} from '../../../federation/outbound/index.ts';
import {allocateAddress} from '../../harness/addresses.ts';
import {until} from '../../harness/client.ts';
import {type Peer, type PeerAnswer, type PeerRequest, startPeer} from '../../harness/peer.ts';
import {createTestAuthority} from '../../harness/tls.ts';

const us = 'us.example' as ServerName;
const key: SigningKey = generateSigningKey();
const authority = createTestAuthority();

interface World {
	readonly peer: Peer;
	readonly server: ServerName;
	readonly client: FederationClient;
	readonly transport: HttpsTransport;
}

interface Settings {
	/** Names and addresses that the peer's certificate is for; by default its address. */
	readonly certifiedFor?: readonly string[];
	readonly notAfter?: Date;
	/** A host name that DNS gives the peer's address for, to be used with the peer's port. */
	readonly host?: string;
	readonly trusted?: readonly string[];
	readonly isAllowed?: (server: ServerName) => boolean;
	readonly rate?: {readonly windowMs: number; readonly windowBytesMin: number};
	readonly idleTimeoutMs?: number;
	readonly dead?: readonly string[];
}

/** A peer that answers as the test says, and a client that can reach it. */
async function createWorld(
	t: ExecutionContext,
	handle: (request: PeerRequest) => PeerAnswer | Promise<PeerAnswer>,
	settings: Settings = {},
): Promise<World> {
	const {host, notAfter, trusted = [authority.certificate], isAllowed = () => true, dead = []} = settings;
	const address = allocateAddress();
	const keyPair = authority.issue(settings.certifiedFor ?? [address], notAfter === undefined ? {} : {notAfter});
	const peer = await startPeer({address, keyPair, handle});
	const network: Network = {
		policy: createAddressPolicy([address, ...dead]),
		resolver: {
			resolveAddresses: (name) => Promise.resolve(name === host ? [...dead, address] : []),
			resolveService: () => Promise.resolve([]),
		},
		secureContext: createTrust(trusted),
		connectTimeoutMs: 5000,
	};
	const discovery = createDiscovery({
		resolver: network.resolver,
		findDelegate: () => Promise.resolve(undefined),
		random: () => 0,
	});
	const {rate, idleTimeoutMs} = settings;
	const transport = createHttpsTransport({
		network,
		discovery,
		...(rate && {rate}),
		...(idleTimeoutMs && {idleTimeoutMs}),
	});
	t.teardown(async () => {
		await transport.close();
		await peer.stop();
	});
	const client = createFederationClient({serverName: us, signer: key, transport, isAllowed});
	return {peer, client, transport, server: `${host ?? address}:${peer.port}` as ServerName};
}

async function fail(t: ExecutionContext, promise: Promise<unknown>, note?: string): Promise<OutboundError> {
	const error = await t.throwsAsync<OutboundError>(promise, {instanceOf: OutboundError}, note);
	if (error === undefined) throw new Error('expected an error');
	return error;
}

/** A promise that the test fulfils. */
function hold(): {held: Promise<void>; release: () => void} {
	const events = new EventEmitter();
	return {held: once(events, 'release').then(() => undefined), release: () => events.emit('release')};
}

const get = (server: ServerName) =>
	({destination: server, method: 'GET', path: '/_matrix/federation/v1/version'}) as const;

test('a request carries the Host of its route, proves who we are, and its answer is read without loss', async (t) => {
	const {client, peer, server} = await createWorld(t, () => ({body: '{"a":1.0,"b":[9007199254740993],"__proto__":2}'}));
	const answer = await client.request({
		destination: server,
		method: 'PUT',
		path: path`/_matrix/federation/v2/invite/${'!a/b:c'}/${'$é?#'}`,
		query: {limit: 5, ver: ['1', 'a&b'], absent: undefined},
		body: {b: 1, a: 'é'},
	});
	t.is(answer.status, 200);
	const body = answer.body as Record<string, unknown>;
	t.deepEqual(body['a'], new LosslessNumber('1.0'));
	t.deepEqual(body['b'], [new LosslessNumber('9007199254740993')]);
	t.is(body['__proto__'], 2);
	const [seen] = peer.requests as [PeerRequest];
	t.is(seen.headers.host, server);
	t.is(seen.url, '/_matrix/federation/v2/invite/!a%2Fb%3Ac/%24%C3%A9%3F%23?limit=5&ver=1&ver=a%26b');
	t.is(seen.body.toString(), '{"a":"é","b":1}');
	t.is(seen.headers['content-type'], 'application/json');
	t.is(seen.headers['accept-encoding'], 'identity');
	t.falsy(seen.serverName, 'an address is not sent as SNI');
	const verdict = await verifyRequest(
		{
			method: seen.method,
			uri: seen.url,
			authorization: [seen.headers.authorization ?? ''],
			content: readStrictJson(seen.body),
		},
		{serverName: server, isAllowed: () => true, findRequestKey: () => Promise.resolve(key.publicKey)},
	);
	t.deepEqual(verdict, {isAuthentic: true, origin: us});
});

test('a frozen body is sent byte for byte; PUT and POST carry an object, GET nothing; keys are asked for unsigned', async (t) => {
	const {client, peer, server} = await createWorld(t, () => ({}));
	await client.request({destination: server, method: 'PUT', path: '/a', body: '{"frozen":[]}'});
	await client.request({destination: server, method: 'POST', path: '/b'});
	await client.request({...get(server), sign: false});
	t.deepEqual(
		peer.requests.map(({body}) => body.toString()),
		['{"frozen":[]}', '{}', ''],
	);
	t.is(peer.requests[2]?.headers.authorization, undefined);
	t.is(peer.requests[2]?.headers['content-type'], undefined);
});

test('the certificate must prove the host name, which is also the SNI', async (t) => {
	const good = await createWorld(t, () => ({}), {host: 'hs.example', certifiedFor: ['hs.example']});
	await good.client.request(get(good.server));
	t.is(good.peer.requests[0]?.serverName, 'hs.example');
	t.is(good.peer.requests[0]?.headers.host, good.server);
});

const REFUSED_CERTIFICATES: Readonly<Record<string, Settings>> = {
	'for another name': {host: 'hs.example', certifiedFor: ['other.example']},
	'for the address, where a name was asked for': {host: 'hs.example'},
	'for a name, where an address was asked for': {certifiedFor: ['hs.example']},
	'of an authority that is not trusted': {trusted: []},
	'of another authority of the same name': {trusted: [createTestAuthority().certificate]},
	expired: {notAfter: new Date(Date.now() - 86_400_000)},
};

for (const [what, settings] of Object.entries(REFUSED_CERTIFICATES)) {
	test(`nothing is sent to a server whose certificate is ${what}`, async (t) => {
		const {client, peer, server} = await createWorld(t, () => ({}), settings);
		const error = await fail(t, client.request(get(server)));
		t.is(error.code, 'unreachable');
		t.is(peer.requests.length, 0);
	});
}

test('NODE_TLS_REJECT_UNAUTHORIZED does not weaken anything', async (t) => {
	process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
	t.teardown(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
	const {client, server} = await createWorld(t, () => ({}), {trusted: []});
	t.is((await fail(t, client.request(get(server)))).code, 'unreachable');
});

test('of several addresses the first that answers is used', async (t) => {
	const {client, server} = await createWorld(t, () => ({}), {
		host: 'hs.example',
		certifiedFor: ['hs.example'],
		dead: [allocateAddress(), allocateAddress()],
	});
	t.is((await client.request(get(server))).status, 200);
});

test('connections are used again, at most eight at a time, and closed when idle', async (t) => {
	const {held, release} = hold();
	const {client, peer, server} = await createWorld(t, async () => (await held, {}), {idleTimeoutMs: 300});
	const requests = Array.from({length: 40}, () => client.request(get(server)));
	await until(() => peer.requests.length === 8, 'eight requests');
	release();
	await Promise.all(requests);
	t.is(peer.connectionCount(), 8);
	await until(() => peer.openConnectionCount() === 0, 'no connection');
});

test('too many requests to one server are refused at once, and do not keep others waiting', async (t) => {
	const {held, release} = hold();
	const {client, server} = await createWorld(t, async () => (await held, {}));
	const requests = Array.from({length: 256}, () => client.request(get(server)));
	t.is((await fail(t, client.request(get(server)))).code, 'overloaded');
	release();
	await Promise.all(requests);
	t.is((await client.request(get(server))).status, 200);
});

test('a connection that the peer closed while idle costs no request', async (t) => {
	const {client, peer, server} = await createWorld(t, () => ({}));
	await client.request(get(server));
	await peer.dropConnections();
	t.is((await client.request(get(server))).status, 200);
});

test('neither ourselves nor a server outside the partners is asked anything', async (t) => {
	const {client, peer, server} = await createWorld(t, () => ({}), {isAllowed: (name) => name === us});
	t.is((await fail(t, client.request(get(server)))).code, 'not_allowed');
	t.is((await fail(t, client.request(get(us)))).code, 'not_allowed');
	t.is(peer.connectionCount(), 0);
});

test('D8: an error answer keeps its status and errcode, and none of its text', async (t) => {
	let answer: PeerAnswer = {};
	const {client, server} = await createWorld(t, () => answer);
	const ask = async (next: PeerAnswer): Promise<RemoteError> => {
		answer = next;
		const error = await fail(t, client.request(get(server)));
		t.true(error instanceof RemoteError);
		return error as RemoteError;
	};
	const secret = 'SECRET <script>';
	const unknown = await ask({status: 401, body: {errcode: 'M_UNKNOWN_TOKEN', error: secret, soft_logout: true}});
	t.like(unknown, {code: 'remote_error', status: 401, errcode: 'M_UNKNOWN_TOKEN', retryAfterMs: undefined});
	t.notRegex(JSON.stringify(unknown) + unknown.message, /SECRET/);
	t.like(await ask({status: 500, body: `<html>${secret}`}), {status: 500, errcode: undefined});
	t.like(await ask({status: 403, body: {errcode: `M X ${secret}`}}), {errcode: undefined});
	t.like(await ask({status: 403, body: {errcode: 5}}), {errcode: undefined});
	t.like(await ask({status: 404, body: '[]'}), {status: 404, errcode: undefined});
	t.like(await ask({status: 429, body: {errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 2500}}), {retryAfterMs: 2500});
	t.like(await ask({status: 429, headers: {'retry-after': '7'}, body: {retry_after_ms: 1}}), {retryAfterMs: 7000});
	t.like(await ask({status: 429, body: {retry_after_ms: 1e15}}), {retryAfterMs: 86_400_000});
	t.like(await ask({status: 429, body: {retry_after_ms: -1}}), {retryAfterMs: undefined});
	t.like(await ask({status: 400, body: {errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '12'}}), {
		roomVersion: '12',
	});
	t.like(await ask({status: 400, body: {errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: secret}}), {
		roomVersion: undefined,
	});
	t.like(
		await ask({status: 302, headers: {location: 'https://127.0.0.1/'}}),
		{status: 302},
		'a redirect is not followed',
	);
});

test('an answer that is no JSON is bad, a defect in a list costs one element', async (t) => {
	let body = '';
	const {client, server} = await createWorld(t, () => ({body}));
	for (body of [
		'',
		'{',
		'nul',
		'\u0000',
		'{"a":1,"a":2}',
		'{"a":"\\ud800"}',
		'\ufeff{}',
		'1 2',
		'{"a":NaN}',
		'['.repeat(100_000),
	]) {
		t.is((await fail(t, client.request(get(server)), body.slice(0, 20))).code, 'bad_response', body.slice(0, 20));
	}
	body = '{"pdus":[{"a":1},{"b":{"x":1,"x":2}},{"c":"\\ud800"},{"d":4}]}';
	const answer = (await client.request(get(server))).body as {pdus: unknown[]};
	t.is(JSON.stringify(answer), '{"pdus":[{"a":1},null,null,{"d":4}]}');
});

test('D7: an answer that is too long is cut off, announced or not', async (t) => {
	let written = 0;
	let headers: Record<string, string> = {'content-length': String(2 ** 40)};
	const {client, server} = await createWorld(t, () => ({
		headers,
		body: (write) => {
			const timer = setInterval(() => (write(Buffer.alloc(65_536, ' ')) ? (written += 65_536) : 0), 1);
			t.teardown(() => clearInterval(timer));
		},
	}));
	const limits = {responseBytesMax: 100_000};
	t.is((await fail(t, client.request({...get(server), limits}))).code, 'bad_response');
	headers = {};
	t.is((await fail(t, client.request({...get(server), limits}))).code, 'bad_response');
	t.true(written < 20 * 2 ** 20);
});

test('D7: a compressed answer is not decompressed', async (t) => {
	const {client, server} = await createWorld(t, () => ({
		headers: {'content-encoding': 'gzip'},
		body: gzipSync(Buffer.alloc(50_000_000)),
	}));
	t.is((await fail(t, client.request(get(server)))).code, 'bad_response');
});

test('D7: a peer that sends a byte now and then is given up, and one that never answers', async (t) => {
	const {client, server} = await createWorld(
		t,
		({url}) =>
			url === '/never'
				? new Promise<PeerAnswer>(() => undefined)
				: {
						body: (write) => {
							const timer = setInterval(() => write(' '), 10);
							t.teardown(() => clearInterval(timer));
						},
					},
		{rate: {windowMs: 400, windowBytesMin: 1000}},
	);
	const start = performance.now();
	t.is((await fail(t, client.request(get(server)))).code, 'timeout');
	t.is((await fail(t, client.request({...get(server), path: '/never', limits: {timeoutMs: 300}}))).code, 'timeout');
	t.true(performance.now() - start < 10_000);
});

test("D7: headers without end, and a peer that hangs up or speaks no HTTP, are told apart from the peer's answers", async (t) => {
	const {client, server, peer} = await createWorld(t, () => ({headers: {big: 'x'.repeat(100_000)}}));
	t.is((await fail(t, client.request(get(server)))).code, 'bad_response');
	await peer.stop();
	t.is((await fail(t, client.request(get(server)))).code, 'unreachable');
});

test('the caller can end a request', async (t) => {
	const {client, server, peer} = await createWorld(t, () => new Promise<PeerAnswer>(() => undefined));
	const controller = new AbortController();
	const request = client.request({...get(server), signal: controller.signal});
	await until(() => peer.requests.length === 1, 'the request');
	controller.abort();
	t.is((await fail(t, request)).code, 'aborted');
	t.is((await fail(t, client.request({...get(server), signal: AbortSignal.abort()}))).code, 'aborted');
});

test('media is given as it comes, held to its size, and can be left unread', async (t) => {
	const {client, server, peer} = await createWorld(t, ({url}) =>
		url === '/error' ? {status: 404, body: {errcode: 'M_NOT_FOUND'}} : {body: Buffer.alloc(3_000_000, 'x')},
	);
	const read = async (responseBytesMax: number): Promise<number> => {
		const answer = await client.stream({...get(server), limits: {responseBytesMax}});
		let sizeBytes = 0;
		for await (const chunk of answer.body) sizeBytes += chunk.length;
		return sizeBytes;
	};
	t.is(await read(4_000_000), 3_000_000);
	t.is((await fail(t, read(1_000_000))).code, 'bad_response');
	const left = await client.stream({...get(server), limits: {responseBytesMax: 4_000_000}});
	left.close();
	const error = await fail(t, client.stream({...get(server), path: '/error'}));
	t.like(error, {status: 404, errcode: 'M_NOT_FOUND'});
	t.true(peer.requests.length === 4);
});

test('an answer that came whole and is left unread ends nothing but itself', async (t) => {
	const {client, server, peer} = await createWorld(t, () => ({body: 'x'}));
	for (let index = 0; index < 3; index += 1) {
		const left = await client.stream({...get(server), limits: {responseBytesMax: 100}});
		// The last byte is here before anybody reads the first one.
		await new Promise(setImmediate);
		left.close();
		left.close();
		await new Promise(setImmediate);
	}
	t.is(peer.requests.length, 3);
});
