import test from 'ava';
import {type App, call, passwordOf, register, request, type Session, startApp} from '../../../harness/index.ts';

const USERINFO = '/_matrix/federation/v1/openid/userinfo';
const HOUR_MS = 3_600_000;

interface Token {
	readonly access_token: string;
	readonly token_type: string;
	readonly matrix_server_name: string;
	readonly expires_in: number;
}

const pathOf = (userId: string): string => `/_matrix/client/v3/user/${userId}/openid/request_token`;

const issue = (app: App, {user_id: userId, access_token: token}: Session) =>
	call<Token>(app, 'POST', pathOf(userId), {token, body: {}});

async function exchange(app: App, token?: string): Promise<unknown> {
	const query = token === undefined ? '' : `?access_token=${encodeURIComponent(token)}`;
	const {status, body} = await request(app, 'GET', USERINFO + query);
	return status === 200 ? body : `${status} ${String(body['errcode'])}`;
}

test('a token tells a third party whose it is, and opens nothing', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {access_token: token, ...rest} = await issue(app, alice);
	t.deepEqual(rest, {token_type: 'Bearer', matrix_server_name: 'news.example', expires_in: 3600});
	t.deepEqual(await exchange(app, token), {sub: alice.user_id});
	t.deepEqual(await exchange(app, token), {sub: alice.user_id}, 'as often as asked');
	const whoami = await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token});
	t.deepEqual([whoami.status, whoami.body['errcode']], [401, 'M_UNKNOWN_TOKEN']);
	t.is((await request(app, 'POST', pathOf(alice.user_id), {token, body: {}})).status, 401);
	t.false(app.readLog().includes(token));
});

test('nobody gets a token for somebody else, whether there is such a user or not', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const {access_token: token} = alice;
	const refused = async (userId: string) =>
		(await request(app, 'POST', pathOf(userId), {token, body: {}})).text.replaceAll(userId, bob.user_id);
	t.is((await request(app, 'POST', pathOf(bob.user_id), {token, body: {}})).status, 403);
	t.is(await refused('@nobody:news.example'), await refused(bob.user_id));
	t.is((await request(app, 'POST', pathOf(alice.user_id), {body: {}})).status, 401);
});

test('tokens that are none, missing or past their hour are refused', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {access_token: token} = await issue(app, alice);
	t.is(await exchange(app), '401 M_MISSING_TOKEN');
	for (const wrong of ['', 'nonsense', alice.access_token, `${token.slice(0, -1)}x`, `${token}x`]) {
		t.is(await exchange(app, wrong), '401 M_UNKNOWN_TOKEN');
	}
	app.advance(HOUR_MS - 60_000);
	t.deepEqual(await exchange(app, token), {sub: alice.user_id});
	app.advance(60_000);
	t.is(await exchange(app, token), '401 M_UNKNOWN_TOKEN');
});

test('a token ends with its device and with the account, and of many the latest fifty are good', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const ofBob = (await issue(app, bob)).access_token;
	const {storage} = app.application;
	const lock = storage.batch();
	storage.accounts.setStates(lock, bob.user_id as never, {isLocked: true});
	lock.announce({kind: 'account', subject: bob.user_id});
	await storage.commit(lock);
	t.is(await exchange(app, ofBob), '401 M_UNKNOWN_TOKEN', 'locked');
	const tokens: string[] = [];
	for (let index = 0; index < 51; index += 1) {
		tokens.push((await issue(app, alice)).access_token);
		app.advance(1000);
	}
	t.is(await exchange(app, tokens[0]), '401 M_UNKNOWN_TOKEN');
	for (const token of [tokens[1], tokens[50]]) t.deepEqual(await exchange(app, token), {sub: alice.user_id});
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: alice.access_token, body: {}});
	t.is(await exchange(app, tokens[50]), '401 M_UNKNOWN_TOKEN');
	const carol = await register(app, 'carol');
	const ofCarol = (await issue(app, carol)).access_token;
	await call(app, 'POST', '/_matrix/client/v3/account/deactivate', {
		token: carol.access_token,
		body: {auth: {type: 'm.login.password', user: 'carol', password: passwordOf('carol')}},
	});
	t.is(await exchange(app, ofCarol), '401 M_UNKNOWN_TOKEN');
});
