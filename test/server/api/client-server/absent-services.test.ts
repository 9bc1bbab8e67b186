import test from 'ava';
import {call, register, request, startApp} from '../../../harness/index.ts';

test('a server without bridges names no network, and says the same of every name', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const folder = '/_matrix/client/v3/thirdparty';
	t.deepEqual(await call(app, 'GET', `${folder}/protocols`, {token}), {});
	t.is((await request(app, 'GET', `${folder}/protocols`)).status, 401);
	const bodies = new Set<string>();
	for (const path of [
		'protocol/irc',
		'location/irc?channel=x',
		'user/irc?nick=x',
		'location?alias=%23a:b',
		'user?userid=@alice:news.example',
		'user?userid=@nobody:news.example',
	]) {
		const answer = await request(app, 'GET', `${folder}/${path}`, {token});
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_NOT_FOUND'], path);
		bodies.add(answer.text);
		t.is((await request(app, 'GET', `${folder}/${path}`)).status, 401);
	}
	t.is(bodies.size, 1);
});

test('who is no application service may do nothing of what they do', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	for (const [method, path, body] of [
		['POST', '/_matrix/client/v1/appservice/irc/ping', {}],
		['PUT', '/_matrix/client/v3/directory/list/appservice/net/!a:news.example', {visibility: 'public'}],
	] as const) {
		t.is((await request(app, method, path, {token, body})).body['errcode'], 'M_FORBIDDEN');
		t.is((await request(app, method, path, {body})).status, 401);
	}
});

test('nobody is sent elsewhere to sign in', async (t) => {
	const app = await startApp(t);
	const answer = await request(app, 'GET', '/_matrix/client/v3/login/sso/redirect/google?redirectUrl=x');
	t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_NOT_FOUND']);
});

test('a server that is no policy server and has no OAuth says so', async (t) => {
	const app = await startApp(t, {config: {oauth: {enabled: false}}});
	for (const [method, path, errcode] of [
		['GET', '/.well-known/matrix/policy_server', 'M_NOT_FOUND'],
		['POST', '/_matrix/policy/v1/sign', 'M_UNRECOGNIZED'],
		['GET', '/_matrix/client/v1/auth_metadata', 'M_UNRECOGNIZED'],
	] as const) {
		const answer = await request(app, method, path);
		t.deepEqual([answer.status, answer.body['errcode']], [404, errcode], path);
	}
});
