/** The newest client library signs in by OAuth, with its own code for every request. */
import {createClient} from 'matrix-js-sdk-newest';
import {generateScope, OAuth2} from 'matrix-js-sdk-newest/lib/oauth/index.js';
import test from 'ava';
import {type App, findFreePort, passwordOf, register, request, signInOnPage, startApp} from '../../../harness/index.ts';
import {METADATA, REDIRECT_URI, whoami} from './client.ts';

/** The library says what it does, to nobody here. */
const logger = {
	trace: () => undefined,
	debug: () => undefined,
	info: () => undefined,
	warn: () => undefined,
	error: () => undefined,
	getChild: () => logger,
};

async function begin(t: Parameters<typeof startApp>[0]) {
	const port = await findFreePort('127.0.0.1');
	const listeners = [{address: '127.0.0.1', port, serves: ['client', 'well-known']}];
	const app = await startApp(t, {config: {listeners, public_url: `http://127.0.0.1:${port}`}});
	await register(app, 'alice');
	// Discovery: the library asks for the metadata, and takes none that lack what it needs.
	const metadata = await createClient({baseUrl: app.url, logger}).getAuthMetadata();
	const client = {...METADATA, client_name: 'A client', application_type: 'web' as const, contacts: []};
	const clientId = await OAuth2.registerClient(metadata, client as never);
	return {app, oauth: new OAuth2(metadata, {clientId, deviceId: 'LIBRARY000'})};
}

const browserOf = (app: App) => signInOnPage(app, 'alice', passwordOf('alice'));

test('matrix-js-sdk discovers, registers, has somebody consent, refreshes and revokes', async (t) => {
	const {app, oauth} = await begin(t);
	const url = new URL(await oauth.generateAuthorizationCodeGrantUrl('a state', REDIRECT_URI));
	const visitor = await browserOf(app);
	t.is(url.searchParams.get('code_challenge_method'), 'S256');
	t.truthy(url.searchParams.get('code_challenge'));
	const path = url.pathname + url.search;
	t.is((await visitor.open(path)).status, 200);
	const returned = new URL((await visitor.submit(path, {decision: 'allow'})).to);
	const fragment = new URLSearchParams(returned.hash.slice(1));
	t.is(fragment.get('state'), 'a state');
	const tokens = await oauth.completeAuthorizationCodeGrant(fragment.get('code') ?? '', REDIRECT_URI);
	t.is(tokens.token_type, 'Bearer');
	t.like(await whoami(app, tokens.access_token), {user_id: '@alice:news.example', device_id: 'LIBRARY000'});
	const next = await oauth.performRefreshTokenGrant(tokens.refresh_token ?? '');
	t.not(next.access_token, tokens.access_token);
	t.like(await whoami(app, next.access_token), {device_id: 'LIBRARY000'});
	await oauth.revokeToken(next.access_token, 'access_token');
	await oauth.revokeToken(next.refresh_token ?? '', 'refresh_token');
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: next.access_token})).status, 401);
	await t.throwsAsync(() => oauth.performRefreshTokenGrant(next.refresh_token ?? ''));
});

test('matrix-js-sdk signs a device without a browser in, with the code that its person types', async (t) => {
	const {app, oauth} = await begin(t);
	const started = await oauth.startDeviceAuthorizationGrant(generateScope('LIBRARY000'));
	const visitor = await browserOf(app);
	const complete = new URL(started.verification_uri_complete ?? '');
	t.is((await visitor.open(complete.pathname + complete.search)).status, 200);
	await visitor.submit('/oauth2/link', {user_code: started.user_code, decision: 'allow'});
	const tokens = await oauth.waitForDeviceAuthorizationGrant({...started, interval: 0.01});
	if (!('access_token' in tokens)) throw new Error(`expected tokens, got ${tokens.error}`);
	t.like(await whoami(app, tokens.access_token), {user_id: '@alice:news.example', device_id: 'LIBRARY000'});
});

test('matrix-js-sdk signs in by the older ways beside that, by password and by way of the browser', async (t) => {
	const {app, oauth} = await begin(t);
	const started = await oauth.startDeviceAuthorizationGrant(generateScope('LIBRARY000'));
	const visitor = await browserOf(app);
	await visitor.open('/oauth2/link');
	await visitor.submit('/oauth2/link', {user_code: started.user_code, decision: 'allow'});
	const tokens = await oauth.waitForDeviceAuthorizationGrant({...started, interval: 0.01});
	if (!('access_token' in tokens)) throw new Error(`expected tokens, got ${tokens.error}`);

	const client = createClient({baseUrl: app.url, logger});
	const {flows} = await client.loginFlows();
	t.deepEqual(
		flows.map(({type}) => type),
		['m.login.password', 'm.login.sso', 'm.login.token'],
	);
	const password = {type: 'm.login.password', identifier: {type: 'm.id.user', user: 'alice'}};
	const first = await client.loginRequest({...password, password: passwordOf('alice'), refresh_token: true});
	t.is(first.user_id, '@alice:news.example');
	const next = await client.refreshToken(first.refresh_token ?? '');
	t.like(await whoami(app, next.access_token), {device_id: first.device_id});

	const sso = new URL(client.getSsoLoginUrl('https://app.example/back'));
	const {to} = await visitor.open(sso.pathname + sso.search);
	await visitor.open(to);
	const token = new URL((await visitor.submit(to)).to).searchParams.get('loginToken') ?? '';
	const second = await client.loginRequest({type: 'm.login.token', token});
	await createClient({baseUrl: app.url, accessToken: second.access_token, userId: second.user_id, logger}).logout();
	const statusOf = async (accessToken: string) =>
		(await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: accessToken})).status;
	t.deepEqual(
		[await statusOf(second.access_token), await statusOf(next.access_token), await statusOf(tokens.access_token)],
		[401, 200, 200],
	);
});
