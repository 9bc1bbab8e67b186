import test from 'ava';
import {type App, call, passwordOf, register, request, type Session, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v1/login/get_token';
const LOGIN = '/_matrix/client/v3/login';

async function getToken(app: App, username: string, {access_token: token}: Session): Promise<string> {
	const {session} = (await request<{session: string}>(app, 'POST', PATH, {token, body: {}})).body;
	const identifier = {type: 'm.id.user', user: username};
	const auth = {type: 'm.login.password', identifier, password: passwordOf(username), session};
	const {login_token: made, expires_in_ms: ms} = await call<{login_token: string; expires_in_ms: number}>(
		app,
		'POST',
		PATH,
		{token, body: {auth}},
	);
	if (ms !== 120_000) throw new Error(`expected two minutes, got ${ms} ms`);
	return made;
}

const signIn = (app: App, token: string) => request(app, 'POST', LOGIN, {body: {type: 'm.login.token', token}});

test('a login token signs another device in, once', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const token = await getToken(app, 'alice', alice);
	const answers = await Promise.all(Array.from({length: 4}, () => signIn(app, token)));
	const signedIn = answers.filter(({status}) => status === 200);
	t.is(signedIn.length, 1);
	t.is(signedIn[0]!.body['user_id'], alice.user_id);
	t.not(signedIn[0]!.body['device_id'], alice.device_id);
	t.true(answers.every(({status, body}) => status === 200 || body['errcode'] === 'M_FORBIDDEN'));
	t.deepEqual(
		(await call(app, 'GET', '/_matrix/client/v3/account/whoami', {token: alice.access_token}))['user_id'],
		alice.user_id,
	);
});

test('a login token ends after two minutes, with the next one, and with the session that asked for it', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const old = await getToken(app, 'alice', alice);
	const replacing = await getToken(app, 'alice', alice);
	t.is((await signIn(app, old)).status, 403);
	app.advance(120_001);
	t.is((await signIn(app, replacing)).status, 403);
	const orphan = await getToken(app, 'alice', alice);
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: alice.access_token, body: {}});
	t.is((await signIn(app, orphan)).status, 403);
});

test('a login token takes the password to get, and must be one to sign in', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	t.is((await request(app, 'POST', PATH, {body: {}})).status, 401);
	const challenge = await request<{flows: object[]}>(app, 'POST', PATH, {token: alice.access_token, body: {}});
	t.is(challenge.status, 401);
	t.deepEqual(challenge.body.flows, [{stages: ['m.login.password']}]);
	for (const token of ['', 'nonsense', alice.access_token]) t.is((await signIn(app, token)).status, 403);
	const missing = await request(app, 'POST', LOGIN, {body: {type: 'm.login.token'}});
	t.deepEqual([missing.status, missing.body['errcode']], [400, 'M_MISSING_PARAM']);
});

test('the database holds no login token, and a locked account is told so', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const token = await getToken(app, 'alice', alice);
	const {storage} = app.application;
	t.is(await storage.loginTokens.find(token), undefined);
	const batch = storage.batch();
	storage.accounts.setStates(batch, alice.user_id as never, {isLocked: true});
	await storage.commit(batch);
	t.is((await signIn(app, token)).body['errcode'], 'M_USER_LOCKED');
});
