/** What Element X asks of a server from the address that somebody types to the first sync, request by request. */
import {createHash} from 'node:crypto';
import test from 'ava';
import {call, passwordOf, register, request, signInOnPage, startApp} from '../../../harness/index.ts';
import {postForm, postToken, registerClient, whoami} from './client.ts';

const UNSTABLE = 'urn:matrix:org.matrix.msc2967.client:';
const REDIRECT_URI = 'io.element.android:/';

/** What it says of itself. */
const metadata = {
	application_type: 'native',
	client_name: 'Element X',
	client_uri: 'https://element.io',
	grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
	logo_uri: 'https://element.io/mobile-icon.png',
	policy_uri: 'https://element.io/privacy',
	redirect_uris: [REDIRECT_URI],
	response_types: ['code'],
	token_endpoint_auth_method: 'none',
	tos_uri: 'https://element.io/acceptable-use-policy-terms',
};

test('Element X finds the server, signs in by OAuth, syncs, refreshes, and signs out', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	type WellKnown = Record<'m.homeserver' | 'org.matrix.msc2965.authentication', Record<string, string>>;
	const wellKnown = await call<WellKnown>(app, 'GET', '/.well-known/matrix/client');
	t.truthy(wellKnown['m.homeserver']['base_url']);
	const {issuer, account} = wellKnown['org.matrix.msc2965.authentication'];
	const {unstable_features: features} = await call<{unstable_features: Record<string, boolean>}>(
		app,
		'GET',
		'/_matrix/client/versions',
	);
	t.true(features['org.matrix.simplified_msc3575']);
	const login = await call<{flows: {type: string}[]}>(app, 'GET', '/_matrix/client/v3/login');
	t.true(login.flows.some(({type}) => type === 'm.login.password'));
	for (const path of ['v1/auth_metadata', 'unstable/org.matrix.msc2965/auth_metadata']) {
		const found = await call(app, 'GET', `/_matrix/client/${path}`);
		t.is(typeof found['registration_endpoint'], 'string');
		t.is(found['issuer'], issuer, 'whom the well-known file names is who signs people in');
		t.is(found['account_management_uri'], account);
	}
	const clientId = await registerClient(app, metadata);
	const verifier = 'v'.repeat(43);
	const search = new URLSearchParams({
		response_type: 'code',
		client_id: clientId,
		state: 's',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
		redirect_uri: REDIRECT_URI,
		scope: `openid ${UNSTABLE}api:* ${UNSTABLE}device:wjLpTLRqbqBzLs63aYaEv6Boi6cFEbbM/sSRQ2oAKk4`,
		response_mode: 'query',
		prompt: 'consent',
		nonce: 'n',
		login_hint: 'mxid:@alice:news.example',
	});
	const path = `/oauth2/authorize?${search.toString()}`;
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const page = await visitor.open(path);
	t.true(page.text.includes('Element X') && page.text.includes('element.io'));
	t.notRegex(page.text, /mobile-icon/);
	const {to} = await visitor.submit(path, {decision: 'allow'});
	t.true(to.startsWith('io.element.android:/?code='), to);
	const {body: tokens} = await postToken(app, {
		grant_type: 'authorization_code',
		code: new URL(to).searchParams.get('code') ?? '',
		code_verifier: verifier,
		redirect_uri: REDIRECT_URI,
		client_id: clientId,
	});
	const {device_id: deviceId} = await whoami(app, tokens.access_token);
	t.is(deviceId, 'wjLpTLRqbqBzLs63aYaEv6Boi6cFEbbM/sSRQ2oAKk4');
	const sync = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0';
	const first = await call(app, 'POST', sync, {token: tokens.access_token, body: {conn_id: 'room-list', lists: {}}});
	t.is(typeof first['pos'], 'string');
	const {devices} = await call<{devices: {display_name: string}[]}>(app, 'GET', '/_matrix/client/v3/devices', {
		token: tokens.access_token,
	});
	t.true(devices.some(({display_name: name}) => name === 'Element X'));
	const {body: next} = await postToken(app, {
		grant_type: 'refresh_token',
		refresh_token: tokens.refresh_token,
		client_id: clientId,
	});
	t.like(await whoami(app, next.access_token), {device_id: deviceId});
	const revoked = await postForm(app, '/oauth2/revoke', {
		token: next.refresh_token,
		token_type_hint: 'refresh_token',
		client_id: clientId,
	});
	t.is(revoked.status, 200);
	t.is((await request(app, 'POST', sync, {token: next.access_token, body: {lists: {}}})).status, 401);
});
