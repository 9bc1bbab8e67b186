import test from 'ava';
import {call, login, passwordOf, register, request, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/account/password';
const WHOAMI = '/_matrix/client/v3/account/whoami';
const LOGIN = '/_matrix/client/v3/login';

const auth = (name: string, password = passwordOf(name)) => ({
	type: 'm.login.password',
	identifier: {type: 'm.id.user', user: name},
	password,
});
const loginBody = (password: string) => ({type: 'm.login.password', user: 'alice', password});

test('E3: a changed password ends the other sessions and keeps the calling one', async (t) => {
	const app = await startApp(t);
	const mine = await register(app, 'alice');
	const other = await login(app, 'alice');
	const body = {new_password: 'another one', auth: auth('alice')};
	t.deepEqual(await call(app, 'POST', PATH, {token: mine.access_token, body}), {});
	t.is((await request(app, 'GET', WHOAMI, {token: mine.access_token})).status, 200);
	t.is((await request(app, 'GET', WHOAMI, {token: other.access_token})).status, 401);
	t.is((await request(app, 'POST', LOGIN, {body: loginBody(passwordOf('alice'))})).status, 403);
	t.is((await request(app, 'POST', LOGIN, {body: loginBody('another one')})).status, 200);
});

test('other sessions stay where that is asked for', async (t) => {
	const app = await startApp(t);
	const mine = await register(app, 'alice');
	const other = await login(app, 'alice');
	const body = {new_password: 'another one', logout_devices: false, auth: auth('alice')};
	await call(app, 'POST', PATH, {token: mine.access_token, body});
	t.is((await request(app, 'GET', WHOAMI, {token: other.access_token})).status, 200);
});

test('a password is changed only by who proves to know it', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	await register(app, 'bobby');
	const first = await request<{session: string}>(app, 'POST', PATH, {token, body: {new_password: 'another one'}});
	t.is(first.status, 401);
	t.deepEqual(Object.keys(first.body).toSorted(), ['flows', 'params', 'session']);
	const {session} = first.body;
	for (const wrong of [auth('alice', 'wrong'), {type: 'm.login.password'}, {type: 'm.login.dummy'}]) {
		const answer = await request(app, 'POST', PATH, {
			token,
			body: {new_password: 'another one', auth: {...wrong, session}},
		});
		t.is(answer.status, 401);
		t.is(answer.body['errcode'], 'M_FORBIDDEN');
		t.is(answer.body['session'], session);
		t.deepEqual(answer.body['flows'], [{stages: ['m.login.password']}]);
	}
	const another = {new_password: 'another one', auth: {...auth('bobby'), session}};
	t.like(await request(app, 'POST', PATH, {token, body: another}), {status: 403, body: {errcode: 'M_FORBIDDEN'}});
	t.is((await request(app, 'POST', LOGIN, {body: loginBody(passwordOf('alice'))})).status, 200);
	t.is((await request(app, 'POST', PATH, {body: {new_password: 'another one'}})).status, 401);
});

test('a password that is too short, too long or missing changes nothing', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	for (const [password, errcode] of [
		['short', 'M_WEAK_PASSWORD'],
		['x'.repeat(513), 'M_INVALID_PARAM'],
		[undefined, 'M_MISSING_PARAM'],
	] as const) {
		const answer = await request(app, 'POST', PATH, {token, body: {new_password: password, auth: auth('alice')}});
		t.is(answer.status, 400);
		t.is(answer.body['errcode'], errcode);
	}
	t.is((await request(app, 'POST', LOGIN, {body: loginBody(passwordOf('alice'))})).status, 200);
});

test('tries at the password are limited', async (t) => {
	const app = await startApp(t, {config: {rate_limits: 'default'}});
	const {access_token: token} = await register(app, 'alice');
	const statuses: number[] = [];
	for (let count = 0; count < 6; count += 1) {
		const body = {new_password: 'another one', auth: auth('alice', 'wrong')};
		statuses.push((await request(app, 'POST', PATH, {token, body})).status);
	}
	t.deepEqual(statuses, [401, 401, 401, 401, 401, 429]);
});
