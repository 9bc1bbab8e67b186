import test from 'ava';
import {v} from '../../../server/validation/index.ts';
import {json, MatrixError, rawJson, redirect} from '../../../server/http/index.ts';
import {route, startTestServer} from './fixture.ts';

const echo = route({
	id: 'getRoomStateWithKey',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
	alsoAt: ['/_matrix/client/v3/rooms/:roomId/state/:eventType', '/_matrix/client/v3/rooms/:roomId/state/:eventType/'],
	auth: 'none',
	handle: ({parameters}) => ({...parameters}),
});

const putState = route({
	id: 'setRoomStateWithKey',
	method: 'PUT',
	path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
	auth: 'none',
	body: v.jsonObject(),
	handle: () => ({}),
});

test('a parameter is decoded once, and an encoded slash stays within it', async (t) => {
	const server = await startTestServer(t, [echo]);
	const answer = await server.send('GET', '/_matrix/client/v3/rooms/!a%3Ab/state/m.x%2Fy/%2540%F0%9F%98%80?x=%2F');
	t.is(answer.status, 200);
	t.deepEqual(answer.body, {roomId: '!a:b', eventType: 'm.x/y', stateKey: '%40😀'});
});

test('state is found without a key, with a trailing slash, and with a key', async (t) => {
	const server = await startTestServer(t, [echo]);
	for (const path of ['/state/m.room.name', '/state/m.room.name/']) {
		const answer = await server.send('GET', `/_matrix/client/v3/rooms/!a:b${path}`);
		t.deepEqual(answer.body, {roomId: '!a:b', eventType: 'm.room.name', stateKey: ''});
	}
});

test('an endpoint of version 3 is found by its name of old too', async (t) => {
	const server = await startTestServer(t, [echo, putState]);
	const body = {roomId: '!a:b', eventType: 'm.room.name', stateKey: ''};
	for (const end of ['', '/']) {
		const answer = await server.send('GET', `/_matrix/client/r0/rooms/!a:b/state/m.room.name${end}`);
		t.deepEqual(answer.body, body);
	}
	t.is((await server.send('DELETE', '/_matrix/client/r0/rooms/!a:b/state/m.room.name/k')).status, 405);
	t.is((await server.send('GET', '/_matrix/client/v2/rooms/!a:b/state/m.room.name')).status, 404);
});

test('an unknown path is 404 M_UNRECOGNIZED as JSON', async (t) => {
	const server = await startTestServer(t, [echo]);
	const paths = [
		'/',
		'//',
		'/_matrix/client/v3/rooms',
		'/_matrix/client/v3/rooms/!a:b/state//',
		'/_matrix/client/v3/rooms//state/m.x',
		'/_MATRIX/client/v3/rooms/!a:b/state/m.x',
		'/_matrix/client/v3/rooms/!a:b/state/m.x/key/',
		`/${'a/'.repeat(5000)}`,
		'/__proto__/constructor',
	];
	for (const path of paths) {
		const answer = await server.send('GET', path);
		t.is(answer.status, 404, path);
		t.is(answer.body['errcode'], 'M_UNRECOGNIZED', path);
		t.is(typeof answer.body['error'], 'string');
	}
});

test('a method that a known path has not is 405 M_UNRECOGNIZED and names those it has', async (t) => {
	const server = await startTestServer(t, [echo, putState]);
	const answer = await server.send('DELETE', '/_matrix/client/v3/rooms/!a:b/state/m.x/k');
	t.is(answer.status, 405);
	t.is(answer.body['errcode'], 'M_UNRECOGNIZED');
	t.is(answer.headers['allow'], 'GET, PUT, OPTIONS');
	const patch = await server.send('PATCH', '/_matrix/client/v3/rooms/!a:b/state/m.x/k');
	t.is(patch.status, 405);
});

test('a bad escape in a path is 400 M_INVALID_PARAM', async (t) => {
	const server = await startTestServer(t, [echo]);
	for (const bad of ['%', '%zz', '%ff', '%ed%a0%80', 'a%2']) {
		const answer = await server.send('GET', `/_matrix/client/v3/rooms/!a:b/state/m.x/${bad}`);
		t.is(answer.status, 400, bad);
		t.is(answer.body['errcode'], 'M_INVALID_PARAM', bad);
	}
});

test('a parameter that is named as an identifier has the form of one', async (t) => {
	const server = await startTestServer(t, [echo]);
	for (const bad of ['a:b', '!', '%21', '@a:b', `!${'é'.repeat(128)}`]) {
		const answer = await server.send('GET', `/_matrix/client/v3/rooms/${encodeURI(bad)}/state/m.x`);
		t.is(answer.status, 400, bad);
		t.is(answer.body['errcode'], 'M_INVALID_PARAM', bad);
	}
});

test('two routes with one method and path are refused at start', async (t) => {
	const error = await t.throwsAsync(startTestServer(t, [putState, putState]));
	t.regex(error.message, /setRoomStateWithKey/u);
});

test('OPTIONS is answered on every path without running anything', async (t) => {
	const server = await startTestServer(t, [echo, putState]);
	for (const path of ['/_matrix/client/v3/rooms/!a:b/state/m.x/k', '/nowhere', '*']) {
		const answer = await server.send('OPTIONS', path, {headers: {origin: 'https://app.example'}});
		t.is(answer.status, 204, path);
		t.is(answer.headers['access-control-allow-origin'], '*');
		t.is(answer.headers['access-control-allow-methods'], 'GET, POST, PUT, DELETE, OPTIONS');
		t.is(answer.headers['access-control-allow-headers'], 'X-Requested-With, Content-Type, Authorization');
	}
});

test('errors carry CORS and security headers, and nothing names the program', async (t) => {
	const server = await startTestServer(t, [echo]);
	for (const path of ['/nowhere', '/_matrix/client/v3/rooms/!a:b/state/m.x']) {
		const {headers} = await server.send('GET', path);
		t.is(headers['access-control-allow-origin'], '*');
		t.is(headers['x-content-type-options'], 'nosniff');
		t.is(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
		t.is(headers['referrer-policy'], 'no-referrer');
		t.is(headers['server'], undefined);
		t.is(headers['x-powered-by'], undefined);
	}
});

test('HEAD is GET without its body', async (t) => {
	const server = await startTestServer(t, [echo]);
	const path = '/_matrix/client/v3/rooms/!a:b/state/m.x';
	const get = await server.send('GET', path);
	const head = await server.send('HEAD', path);
	t.is(head.status, 200);
	t.is(head.text, '');
	t.is(head.headers['content-length'], get.headers['content-length']);
});

test('a request target in absolute form means its path', async (t) => {
	const server = await startTestServer(t, [echo]);
	const answer = await server.send('GET', 'http://other.example/_matrix/client/v3/rooms/!a:b/state/m.x');
	t.is(answer.status, 200);
	t.is((await server.send('GET', 'nonsense')).status, 400);
});

test('handlers answer with objects, rendered JSON, other statuses, redirects and errors', async (t) => {
	const answers = {
		object: () => ({a: 1}),
		rendered: () => rawJson('{"b": 2}'),
		created: () => json({c: 3}, {status: 201, headers: {etag: '"x"'}}),
		redirect: () => redirect('https://elsewhere.example/'),
		error: () => {
			throw new MatrixError('M_USER_LOCKED', 'Locked', {fields: {soft_logout: true}});
		},
	};
	const routes = Object.entries(answers).map(([id, handle]) =>
		route({id, method: 'GET', path: `/${id}`, auth: 'none', handle}),
	);
	const server = await startTestServer(t, routes);
	t.is((await server.send('GET', '/object')).text, '{"a":1}');
	t.is((await server.send('GET', '/rendered')).text, '{"b": 2}');
	const created = await server.send('GET', '/created');
	t.deepEqual([created.status, created.headers['etag'], created.text], [201, '"x"', '{"c":3}']);
	const moved = await server.send('GET', '/redirect');
	t.deepEqual([moved.status, moved.headers['location']], [302, 'https://elsewhere.example/']);
	const locked = await server.send('GET', '/error');
	t.is(locked.status, 401);
	t.deepEqual(locked.body, {errcode: 'M_USER_LOCKED', error: 'Locked', soft_logout: true});
});

const make = (id: string) => route({id, method: 'GET', path: `/${id}`, auth: 'none', handle: () => ({})});

test('a listener serves only its groups, and some routes are served everywhere', async (t) => {
	const server = await startTestServer(t, [], {
		listener: {serves: ['metrics']},
		tables: [
			{serves: 'client', routes: [make('client')]},
			{serves: 'metrics', routes: [make('metrics')]},
			{serves: 'everywhere', routes: [make('health')]},
		],
	});
	t.is((await server.send('GET', '/client')).status, 404);
	t.is((await server.send('GET', '/metrics')).status, 200);
	t.is((await server.send('GET', '/health')).status, 200);
});
