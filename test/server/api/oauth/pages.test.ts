import test from 'ava';
import {type App, passwordOf, register, request, signInOnPage, startApp, Visitor} from '../../../harness/index.ts';
import {ask, exchange, METADATA, pathOf, postForm, postToken, registerClient, REDIRECT_URI, whoami} from './client.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

async function begin(app: App) {
	const {user_id: alice} = await register(app, 'alice');
	return {alice, asked: ask(await registerClient(app))};
}

const browserOf = (app: App) => signInOnPage(app, 'alice', passwordOf('alice'));

test('somebody is sent to sign in, sees which program asks, says yes, and goes back to it with a code', async (t) => {
	const app = await startApp(t);
	const {alice, asked} = await begin(app);
	const visitor = new Visitor(app);
	const sent = await visitor.open(pathOf(asked));
	t.is(sent.status, 303);
	t.true(sent.to.startsWith('/account/sign-in?return_to='));
	await visitor.open(sent.to);
	const back = await visitor.submit(sent.to, {username: 'alice', password: passwordOf('alice')});
	t.is(back.to, pathOf(asked));
	const page = await visitor.open(back.to);
	t.is(page.status, 200);
	for (const part of ['A client', 'app.example', alice, 'AAABBBCCCDDD']) t.true(page.text.includes(part), part);
	t.notRegex(page.text, /<img|<script|will be signed out/);
	t.regex(
		page.headers.get('content-security-policy') ?? '',
		/form-action 'self' https:\/\/app\.example;.*frame-ancestors 'none'/,
	);
	const done = await visitor.submit(pathOf(asked), {decision: 'allow'});
	t.is(done.status, 303);
	const returned = new URL(done.to);
	t.is(returned.origin + returned.pathname, REDIRECT_URI);
	const tokens = await exchange(app, asked, returned.searchParams.get('code') ?? '');
	t.like(await whoami(app, tokens.body.access_token), {user_id: alice, device_id: 'AAABBBCCCDDD'});
	// The same device id again would end that session, and the page says so.
	t.regex((await visitor.open(pathOf(ask(asked.clientId)))).text, /will be signed out/);
});

test('somebody who says no goes back without a code, in the part of the address that the client wants', async (t) => {
	const app = await startApp(t);
	const {asked} = await begin(app);
	asked.search.set('response_mode', 'fragment');
	const visitor = await browserOf(app);
	await visitor.open(pathOf(asked));
	const done = await visitor.submit(pathOf(asked), {decision: 'deny'});
	const fragment = new URLSearchParams(new URL(done.to).hash.slice(1));
	t.is(fragment.get('error'), 'access_denied');
	t.is(fragment.get('state'), 'a state');
	t.false(fragment.has('code'));
});

test('CSRF: consent counts only with the secret of the page, from this browser, and after a proof that is new', async (t) => {
	const app = await startApp(t);
	const {asked} = await begin(app);
	const visitor = await browserOf(app);
	await visitor.open(pathOf(asked));
	t.is((await visitor.send(pathOf(asked), {decision: 'allow'})).status, 403);
	t.is((await visitor.send(pathOf(asked), {decision: 'allow', csrf: 'guessed'})).status, 403);
	const stranger = new Visitor(app);
	await stranger.open('/account/sign-in');
	t.is((await stranger.send(pathOf(asked), {...visitor.hidden(), decision: 'allow'})).status, 403);
	visitor.headers['sec-fetch-site'] = 'cross-site';
	t.is((await visitor.submit(pathOf(asked), {decision: 'allow'})).status, 403);
	delete visitor.headers['sec-fetch-site'];
	await visitor.open(pathOf(asked));
	app.advance(11 * 60 * 1000);
	t.true((await visitor.submit(pathOf(asked), {decision: 'allow'})).to.startsWith('/account/sign-in'));
	t.true((await visitor.open(pathOf(asked))).to.startsWith('/account/sign-in'));
});

test('open redirects: nobody is sent to an address that the client has not registered', async (t) => {
	const app = await startApp(t);
	const {asked} = await begin(app);
	const visitor = await browserOf(app);
	for (const [key, value] of [
		['redirect_uri', 'https://evil.example/callback'],
		['redirect_uri', `${REDIRECT_URI}/more`],
		['redirect_uri', 'https://app.example/callback?more=1'],
		['redirect_uri', 'https://app.example.evil.example/callback'],
		['redirect_uri', 'https://app.example@evil.example/callback'],
		['redirect_uri', '//evil.example'],
		['client_id', 'unknown'],
		['response_mode', 'form_post'],
	] as const) {
		const search = new URLSearchParams(asked.search);
		search.set(key, value);
		const page = await visitor.open(`/oauth2/authorize?${search.toString()}`);
		t.deepEqual([page.status, page.to], [400, ''], `${key} ${value}`);
		t.notRegex(page.text, /href="[^"]*evil/);
	}
	const twice = `/oauth2/authorize?${asked.search.toString()}&redirect_uri=${encodeURIComponent('https://evil.example/')}`;
	t.deepEqual([(await visitor.open(twice)).status, (await visitor.open(twice)).to], [400, '']);
});

test('open redirects: what is wrong with a request sends nobody anywhere; a link leads back: PKCE downgrade, scope, response type', async (t) => {
	const app = await startApp(t);
	const {asked} = await begin(app);
	const visitor = await browserOf(app);
	for (const [key, value, error] of [
		['code_challenge', undefined, 'invalid_request'],
		['code_challenge_method', 'plain', 'invalid_request'],
		['code_challenge_method', undefined, 'invalid_request'],
		['scope', 'urn:matrix:client:api:*', 'invalid_scope'],
		['scope', 'urn:matrix:client:device:AAABBBCCCDDD', 'invalid_scope'],
		['scope', 'urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:client:device:B', 'invalid_scope'],
		['scope', undefined, 'invalid_scope'],
		['response_type', 'token', 'invalid_request'],
	] as const) {
		const search = new URLSearchParams(asked.search);
		if (value === undefined) search.delete(key);
		else search.set(key, value);
		const {status, to, text} = await visitor.open(`/oauth2/authorize?${search.toString()}`);
		t.deepEqual([status, to], [400, ''], `${key} ${value}`);
		const href = /href="(https:[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
		t.true(href.startsWith(REDIRECT_URI), `${key} ${value}: ${href}`);
		t.regex(text, /Go back to <code dir="ltr">app\.example</);
		const returned = new URL(href).searchParams;
		t.is(returned.get('error'), error, `${key} ${value}`);
		t.is(returned.get('state'), 'a state');
	}
});

test('a device without a browser signs in once its person has typed its code and agreed', async (t) => {
	const app = await startApp(t, {config: {public_url: 'https://matrix.news.example'}});
	const {user_id: alice} = await register(app, 'alice');
	const clientId = await registerClient(app);
	const scope = 'urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:TELEVISION';
	const {body} = await postForm(app, '/oauth2/device', {client_id: clientId, scope});
	const {user_code: userCode, device_code: deviceCode} = body as {user_code: string; device_code: string};
	t.is(body['verification_uri'], 'https://matrix.news.example/oauth2/link');
	t.is(body['verification_uri_complete'], `https://matrix.news.example/oauth2/link?user_code=${userCode}`);
	t.like(body, {interval: 5, expires_in: 1200});
	const poll = () => postToken(app, {grant_type: DEVICE_GRANT, device_code: deviceCode, client_id: clientId});
	t.is((await poll()).body.error, 'authorization_pending');
	t.is((await poll()).body.error, 'slow_down');
	app.advance(5_000);
	t.is((await poll()).body.error, 'authorization_pending');
	const visitor = await browserOf(app);
	await visitor.open('/oauth2/link');
	t.is((await visitor.submit('/oauth2/link', {user_code: 'AAAA-AAAA'})).status, 404);
	const typed = userCode.toLowerCase().replace('-', ' ');
	const page = await visitor.submit('/oauth2/link', {user_code: typed});
	t.true(page.text.includes('TELEVISION') && page.text.includes('app.example'));
	t.is((await visitor.submit('/oauth2/link', {user_code: typed, decision: 'allow'})).status, 200);
	t.is((await visitor.submit('/oauth2/link', {user_code: typed, decision: 'deny'})).status, 404);
	const tokens = await poll();
	t.is(tokens.status, 200);
	t.is(tokens.body.scope, scope);
	t.like(await whoami(app, tokens.body.access_token), {user_id: alice, device_id: 'TELEVISION'});
	t.is((await poll()).body.error, 'invalid_grant');
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: tokens.body.access_token})).status, 401);
});

test('a device is told when its person says no, and when its code has ended', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const clientId = await registerClient(app);
	const scope = 'urn:matrix:client:api:* urn:matrix:client:device:TELEVISION';
	const start = async () => {
		const {body} = await postForm(app, '/oauth2/device', {client_id: clientId, scope});
		return body as {user_code: string; device_code: string};
	};
	const poll = (code: string) => postToken(app, {grant_type: DEVICE_GRANT, device_code: code, client_id: clientId});
	const denied = await start();
	const visitor = await browserOf(app);
	t.is((await visitor.open(`/oauth2/link?user_code=${denied.user_code}`)).status, 200);
	await visitor.submit('/oauth2/link', {user_code: denied.user_code, decision: 'deny'});
	t.is((await poll(denied.device_code)).body.error, 'access_denied');
	const late = await start();
	app.advance(21 * 60 * 1000);
	t.is((await poll(late.device_code)).body.error, 'expired_token');
	const {body} = await postForm(app, '/oauth2/device', {client_id: clientId, scope: 'urn:matrix:client:api:*'});
	t.is(body['error'], 'invalid_scope');
	t.is((await postForm(app, '/oauth2/device', {client_id: 'unknown', scope})).body['error'], 'invalid_client');
});

test('a program on a loopback port, and one with a scheme of its own, are sent back to where they are', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const uris = ['http://127.0.0.1/callback', 'example.app.desk:/callback'];
	const clientId = await registerClient(app, {...METADATA, application_type: 'native', redirect_uris: uris});
	const visitor = await browserOf(app);
	for (const [uri, target] of [
		['http://127.0.0.1:43210/callback', 'http://127.0.0.1:43210'],
		['example.app.desk:/callback', 'example.app.desk:'],
	] as const) {
		const asked = ask(clientId, {redirect_uri: uri});
		const page = await visitor.open(pathOf(asked));
		t.is(page.status, 200, uri);
		t.true(page.headers.get('content-security-policy')?.includes(`form-action 'self' ${target};`));
		const done = await visitor.submit(pathOf(asked), {decision: 'allow'});
		t.true(done.to.startsWith(`${uri}?code=`), done.to);
		const {status} = await exchange(app, asked, new URL(done.to).searchParams.get('code') ?? '');
		t.is(status, 200);
	}
});
