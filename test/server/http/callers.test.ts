import test from 'ava';
import {v} from '../../../server/validation/index.ts';
import {route, startTestServer} from './fixture.ts';

const whoAmI = (auth: 'none' | 'optional' | 'user' | 'guest' | 'admin') =>
	route({
		id: auth,
		method: 'GET',
		path: `/${auth}`,
		auth,
		handle: ({caller}) => ({userId: caller?.userId ?? null}),
	});

const routes = [whoAmI('none'), whoAmI('optional'), whoAmI('user'), whoAmI('guest'), whoAmI('admin')];

test('a route that needs a user says M_MISSING_TOKEN without a token and M_UNKNOWN_TOKEN for a wrong one', async (t) => {
	const server = await startTestServer(t, routes);
	const missing = await server.send('GET', '/user');
	t.deepEqual([missing.status, missing.body['errcode']], [401, 'M_MISSING_TOKEN']);
	const unknown = await server.send('GET', '/user', {token: 'nobody'});
	t.deepEqual([unknown.status, unknown.body['errcode']], [401, 'M_UNKNOWN_TOKEN']);
	t.is(unknown.body['soft_logout'], false);
	const known = await server.send('GET', '/user', {token: 'alice'});
	t.deepEqual(known.body, {userId: '@alice:test'});
});

test('the scheme of the Authorization header is read without regard to case, and others are no token', async (t) => {
	const server = await startTestServer(t, routes);
	const lower = await server.send('GET', '/user', {headers: {authorization: 'bearer  alice '}});
	t.is(lower.status, 200);
	for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer a b', 'alice', '']) {
		const answer = await server.send('GET', '/user', {headers: {authorization}});
		t.deepEqual([answer.status, answer.body['errcode']], [401, 'M_MISSING_TOKEN'], authorization);
	}
});

test('the token may stand in the query, as v1.19 still asks', async (t) => {
	const server = await startTestServer(t, routes);
	t.is((await server.send('GET', '/user?access_token=alice')).status, 200);
	t.is((await server.send('GET', '/user?access_token=')).body['errcode'], 'M_MISSING_TOKEN');
	t.is((await server.send('GET', '/user?access_token=alice', {token: 'alice'})).status, 200);
});

test('two tokens that differ, or two Authorization headers, are refused', async (t) => {
	const server = await startTestServer(t, routes);
	const mixed = await server.send('GET', '/user?access_token=admin', {token: 'alice'});
	t.deepEqual([mixed.status, mixed.body['errcode']], [400, 'M_INVALID_PARAM']);
	const twice = await server.send('GET', '/user', {headers: {authorization: ['Bearer alice', 'Bearer alice']}});
	t.deepEqual([twice.status, twice.body['errcode']], [400, 'M_INVALID_PARAM']);
	t.is((await server.send('GET', '/user?access_token=alice&access_token=admin')).status, 400);
});

test('where a token is optional, none is fine and a wrong one is not', async (t) => {
	const server = await startTestServer(t, routes);
	t.deepEqual((await server.send('GET', '/optional')).body, {userId: null});
	t.deepEqual((await server.send('GET', '/optional', {token: 'alice'})).body, {userId: '@alice:test'});
	t.is((await server.send('GET', '/optional', {token: 'nobody'})).status, 401);
	t.deepEqual((await server.send('GET', '/none', {token: 'nobody'})).body, {userId: null});
});

test('guests may call only what lets guests in, and only administrators what is theirs', async (t) => {
	const server = await startTestServer(t, routes);
	const guest = await server.send('GET', '/user', {token: 'guest'});
	t.deepEqual([guest.status, guest.body['errcode']], [403, 'M_GUEST_ACCESS_FORBIDDEN']);
	t.is((await server.send('GET', '/guest', {token: 'guest'})).status, 200);
	const alice = await server.send('GET', '/admin', {token: 'alice'});
	t.deepEqual([alice.status, alice.body['errcode']], [403, 'M_FORBIDDEN']);
	t.is((await server.send('GET', '/admin', {token: 'admin'})).status, 200);
});

const putTransaction = route({
	id: 'sendTransaction',
	method: 'PUT',
	path: '/_matrix/federation/v1/send/:txnId',
	auth: 'server',
	body: v.any(),
	bodyBytesMax: 1024,
	handle: ({caller, body}) => ({origin: caller.origin, body}),
});

test('a server is known by its signature, which is checked over the body', async (t) => {
	const server = await startTestServer(t, [putTransaction]);
	const headers = {authorization: 'X-Matrix partner.example'};
	const good = await server.send('PUT', '/_matrix/federation/v1/send/1', {headers, body: {a: 1}});
	t.deepEqual(good.body, {origin: 'partner.example', body: {a: 1}});
	const forged = await server.send('PUT', '/_matrix/federation/v1/send/1', {headers, body: 'forged'});
	t.deepEqual([forged.status, forged.body['errcode']], [401, 'M_UNAUTHORIZED']);
	const token = await server.send('PUT', '/_matrix/federation/v1/send/1', {token: 'alice', body: {}});
	t.is(token.status, 401);
});

test('D3: a stranger is refused by the head of the request, before any of 30 MB is read', async (t) => {
	const server = await startTestServer(t, [putTransaction]);
	const connection = await server.open();
	connection.socket.write('PUT /_matrix/federation/v1/send/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n');
	const text = await connection.until(/errcode/u);
	t.regex(text, /^HTTP\/1\.1 401 /u);
	t.regex(text, /M_UNAUTHORIZED/u);
	t.regex(text, /connection: close/iu);
});

test('D3: a body that announces more than the route takes is refused before it is read', async (t) => {
	const server = await startTestServer(t, [putTransaction]);
	const connection = await server.open();
	connection.socket.write(
		'PUT /_matrix/federation/v1/send/1 HTTP/1.1\r\nHost: a\r\nAuthorization: X-Matrix b\r\nContent-Length: 1025\r\n\r\n',
	);
	t.regex(await connection.until(/errcode/u), /^HTTP\/1\.1 413 [^]*M_TOO_LARGE/u);
});
