/** Who tries tokens and codes is stopped, and who comes with a good one never is. */
import test from 'ava';
import {type App, register, startApp} from '../../../harness/index.ts';
import {ask, consent, exchange, METADATA, registerClient} from './client.ts';

const TOKEN = '/oauth2/token';
const REVOKE = '/oauth2/revoke';
const MANY = {per_second: 100, burst: 1000};
const rates = {
	registration: MANY,
	'token-failure': {per_second: 0.001, burst: 4},
	'token-failure-whole': {per_second: 0.001, burst: 6},
	'token-failure-besieged': {per_second: 0.001, burst: 1},
};

/** Sends a form from some address, as a proxy tells of it. */
async function post(app: App, path: string, from: string, fields: Readonly<Record<string, string>>) {
	const headers = {'x-forwarded-for': from};
	const reply = await fetch(app.url + path, {method: 'POST', headers, body: new URLSearchParams(fields)});
	const body = (await reply.json()) as Record<string, unknown>;
	return {status: reply.status, body, headers: reply.headers};
}

async function start(...[t]: Parameters<typeof startApp>) {
	const app = await startApp(t, {config: {rate_limits: rates}});
	const {user_id: userId} = await register(app, 'alice');
	const clientId = await registerClient(app);
	const asked = ask(clientId);
	const code = (await consent(app, userId, asked)).searchParams.get('code') ?? '';
	const {body: tokens} = await exchange(app, asked, code);
	const refresh = (token: string, from: string) =>
		post(app, TOKEN, from, {grant_type: 'refresh_token', client_id: clientId, refresh_token: token});
	return {app, tokens, refresh};
}

test('tokens that are not good are counted by place, and none that is good is refused from there', async (t) => {
	const {app, tokens, refresh} = await start(t);
	const here = '192.0.2.1';
	for (let index = 0; index < 2; index += 1) t.is((await refresh(`guess ${index}`, here)).status, 400);
	for (let index = 0; index < 2; index += 1) t.is((await post(app, REVOKE, here, {token: 'guess'})).status, 200);
	for (const answer of [await refresh('guess', here), await post(app, REVOKE, here, {token: 'guess'})]) {
		t.is(answer.status, 429);
		t.true(Number(answer.headers.get('retry-after')) > 0);
		t.is(answer.body['errcode'], 'M_LIMIT_EXCEEDED');
		t.is(answer.body['error'], 'temporarily_unavailable');
		t.regex(String(answer.body['error_description']), /wait/u);
		t.is(typeof answer.body['retry_after_ms'], 'number');
	}
	const {status, body} = await refresh(tokens.refresh_token, here);
	t.is(status, 200);
	t.is((await refresh('guess', '192.0.2.2')).status, 400, 'another place');
	t.is((await post(app, REVOKE, here, {token: String(body['access_token'])})).status, 200);
});

test('while many places try tokens each has few tries, and a good token is taken from each', async (t) => {
	const {tokens, refresh} = await start(t);
	for (let place = 1; place <= 6; place += 1) t.is((await refresh('guess', `198.51.100.${place}`)).status, 400);
	t.is((await refresh('guess', '203.0.113.1')).status, 400);
	t.is((await refresh('guess', '203.0.113.1')).status, 429);
	t.is((await refresh('guess', '203.0.113.2')).status, 400, 'nobody is refused for what others do');
	t.is((await refresh(tokens.refresh_token, '203.0.113.1')).status, 200);
});

test('clients that register without end keep nobody from making an account', async (t) => {
	const limits = {
		registration: MANY,
		'oauth-whole': {per_second: 0.001, burst: 1},
		'registration-whole': {per_second: 0.001, burst: 1},
	};
	const app = await startApp(t, {config: {rate_limits: limits}});
	await registerClient(app);
	await t.throwsAsync(registerClient(app, {...METADATA, client_name: 'Another'}));
	t.is((await register(app, 'alice')).user_id, '@alice:news.example');
});
