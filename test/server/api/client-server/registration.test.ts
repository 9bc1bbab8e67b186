import test from 'ava';
import {call, register, request, type Session, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/register';
const AVAILABLE = '/_matrix/client/v3/register/available';
const DUMMY = {type: 'm.login.dummy'};
const PASSWORD = 'correct horse';

test('the first call lists the flows, and the second makes the account', async (t) => {
	const app = await startApp(t);
	const first = await request<{session: string}>(app, 'POST', PATH, {body: {}});
	t.is(first.status, 401);
	t.deepEqual({...first.body, session: ''}, {flows: [{stages: ['m.login.dummy']}], params: {}, session: ''});
	const body = {username: 'alice', password: PASSWORD, auth: {...DUMMY, session: first.body.session}};
	const session = await call<Session>(app, 'POST', PATH, {body});
	t.is(session.user_id, '@alice:news.example');
	const owner = await call(app, 'GET', '/_matrix/client/v3/account/whoami', {token: session.access_token});
	t.deepEqual(owner, {user_id: '@alice:news.example', device_id: session.device_id, is_guest: false});
});

test('a registration names its device, or asks for none', async (t) => {
	const app = await startApp(t);
	const device = {device_id: 'DESK', initial_device_display_name: 'Desk', refresh_token: true};
	const session = await call<Session & {refresh_token: string; expires_in_ms: number}>(app, 'POST', PATH, {
		body: {username: 'alice', password: PASSWORD, auth: DUMMY, ...device},
	});
	t.is(session.device_id, 'DESK');
	t.is(typeof session.refresh_token, 'string');
	t.is(session.expires_in_ms, 300_000);
	const named = await call(app, 'GET', '/_matrix/client/v3/devices/DESK', {token: session.access_token});
	t.is(named['display_name'], 'Desk');
	const body = {username: 'bobby', password: PASSWORD, auth: DUMMY, inhibit_login: true};
	t.deepEqual(await call(app, 'POST', PATH, {body}), {user_id: '@bobby:news.example'});
});

test('capitals of a name become small letters, and a name may be left to the server', async (t) => {
	const app = await startApp(t);
	const upper = await call<Session>(app, 'POST', PATH, {
		body: {username: 'User-UPPER', password: PASSWORD, auth: DUMMY},
	});
	t.is(upper.user_id, '@user-upper:news.example');
	const invented = await call<Session>(app, 'POST', PATH, {body: {password: PASSWORD, auth: DUMMY}});
	t.regex(invented.user_id, /^@[a-z0-9]{24}:news\.example$/);
});

test('names outside the grammar are refused before authentication', async (t) => {
	const app = await startApp(t);
	const names = [
		'a!',
		'a:b',
		'é',
		'\u212Aelvin',
		'\u0130stanbul',
		'',
		'_bridge',
		'a b',
		'x'.repeat(250),
		'a\u0000',
		'@a',
	];
	for (const username of names) {
		const answer = await request(app, 'POST', PATH, {body: {username, password: PASSWORD}});
		t.is(answer.status, 400, username);
		t.is(answer.body['errcode'], 'M_INVALID_USERNAME');
		const available = await request(app, 'GET', `${AVAILABLE}?username=${encodeURIComponent(username)}`);
		t.is(available.body['errcode'], 'M_INVALID_USERNAME');
	}
});

test('a taken name is refused before authentication where anybody may register', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	for (const username of ['alice', 'ALICE']) {
		const answer = await request(app, 'POST', PATH, {body: {username, password: PASSWORD}});
		t.is(answer.status, 400);
		t.is(answer.body['errcode'], 'M_USER_IN_USE');
		const available = await request(app, 'GET', `${AVAILABLE}?username=${username}`);
		t.is(available.status, 400);
		t.is(available.body['errcode'], 'M_USER_IN_USE');
	}
	t.deepEqual(await call(app, 'GET', `${AVAILABLE}?username=bobby`), {available: true});
});

test('the name of a deactivated account is never given again', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const auth = {type: 'm.login.password', user: 'alice', password: 'pw-alice-Zq7!'};
	await call(app, 'POST', '/_matrix/client/v3/account/deactivate', {token, body: {auth, erase: true}});
	const answer = await request(app, 'POST', PATH, {body: {username: 'alice', password: PASSWORD, auth: DUMMY}});
	t.is(answer.body['errcode'], 'M_USER_IN_USE');
});

test('E13: of 64 registrations of one name at once, one succeeds', async (t) => {
	const app = await startApp(t);
	const body = {username: 'alice', password: PASSWORD, auth: DUMMY};
	const answers = await Promise.all(Array.from({length: 64}, () => request(app, 'POST', PATH, {body})));
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.true(answers.every(({status, body: {errcode}}) => status === 200 || errcode === 'M_USER_IN_USE'));
});

test('passwords are needed, long enough and not too long', async (t) => {
	const app = await startApp(t);
	for (const [password, errcode] of [
		[undefined, 'M_MISSING_PARAM'],
		['short', 'M_WEAK_PASSWORD'],
		['x'.repeat(513), 'M_INVALID_PARAM'],
	] as const) {
		const answer = await request(app, 'POST', PATH, {body: {username: 'alice', password, auth: DUMMY}});
		t.is(answer.status, 400);
		t.is(answer.body['errcode'], errcode);
	}
	const body = {username: 'alice', password: 'übers3kr1t', auth: DUMMY};
	t.is((await request(app, 'POST', PATH, {body})).status, 200);
});

test('a closed server answers everybody alike, before it looks anything up', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const {accounts} = app.application.services;
	await accounts.register({userId: accounts.checkNewName('alice'), password: PASSWORD});
	const answers = await Promise.all(
		['alice', 'bobby', 'a!'].flatMap((username) => [
			request(app, 'POST', PATH, {body: {username, password: PASSWORD, auth: DUMMY}}),
			request(app, 'GET', `${AVAILABLE}?username=${encodeURIComponent(username)}`),
		]),
	);
	t.is(new Set(answers.map(({status, text}) => `${status} ${text}`)).size, 1);
	t.is(answers[0]?.status, 403);
	t.is(answers[0]?.body['errcode'], 'M_FORBIDDEN');
});

test('there are no guests', async (t) => {
	const app = await startApp(t);
	const answer = await request(app, 'POST', `${PATH}?kind=guest`, {body: {}});
	t.is(answer.status, 403);
	t.is(answer.body['errcode'], 'M_GUEST_ACCESS_FORBIDDEN');
	t.is((await request(app, 'POST', `${PATH}?kind=user`, {body: {}})).status, 401);
	t.is((await request(app, 'POST', `${PATH}?kind=king`, {body: {}})).status, 400);
});

test('bodies that are no registrations are refused', async (t) => {
	const app = await startApp(t);
	for (const body of [{username: 5}, {password: {}}, {auth: 'dummy'}, {auth: {type: 5}}, {inhibit_login: 1}]) {
		const answer = await request(app, 'POST', PATH, {body});
		t.is(answer.status, 400);
		t.is(answer.body['errcode'], 'M_BAD_JSON');
	}
});
