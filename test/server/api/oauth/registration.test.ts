import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import {request, startApp, Visitor} from '../../../harness/index.ts';
import {ask, METADATA, registerClient} from './client.ts';

const METADATA_PATHS = [
	'/_matrix/client/v1/auth_metadata',
	'/_matrix/client/unstable/org.matrix.msc2965/auth_metadata',
	'/.well-known/oauth-authorization-server',
	'/.well-known/openid-configuration',
];

test('clients are told where everything is, below the public address', async (t) => {
	const app = await startApp(t, {config: {public_url: 'https://matrix.news.example'}});
	const [first, ...others] = await Promise.all(METADATA_PATHS.map((path) => request(app, 'GET', path)));
	t.is(first?.status, 200);
	t.like(first?.body, {
		issuer: 'https://matrix.news.example/',
		authorization_endpoint: 'https://matrix.news.example/oauth2/authorize',
		response_modes_supported: ['query', 'fragment'],
		code_challenge_methods_supported: ['S256'],
		prompt_values_supported: ['create'],
	});
	t.is(first?.headers.get('access-control-allow-origin'), '*');
	const actions = first?.body['account_management_actions_supported'] as string[];
	const older = ['org.matrix.sessions_list', 'org.matrix.session_view', 'org.matrix.session_end'];
	for (const {body} of others) {
		t.deepEqual(body, {...first?.body, account_management_actions_supported: [...actions, ...older]});
	}
});

test('a client that wants an account for its person is offered one where there are any to be had', async (t) => {
	for (const [registration, to] of [
		['open', '/account/register'],
		['closed', '/account/sign-in'],
	] as const) {
		const app = await startApp(t, {config: {registration}});
		const {body} = await request(app, 'GET', METADATA_PATHS[0] ?? '');
		t.deepEqual(body['prompt_values_supported'], registration === 'open' ? ['create'] : undefined);
		const {search} = ask(await registerClient(app), {prompt: 'create'});
		const sent = await new Visitor(app).open(`/oauth2/authorize?${search.toString()}`);
		t.true(sent.to.startsWith(`${to}?return_to=`), sent.to);
	}
});

test('where OAuth is turned off there is nothing of it, and clients see that', async (t) => {
	const app = await startApp(t, {config: {oauth: {enabled: false}}});
	for (const path of [...METADATA_PATHS, '/oauth2/authorize?client_id=a']) {
		t.is((await request(app, 'GET', path)).status, 404, path);
	}
	for (const path of ['/oauth2/token', '/oauth2/device']) {
		t.is((await request(app, 'POST', path, {text: 'client_id=a'})).status, 404, path);
	}
	t.is((await request(app, 'POST', '/oauth2/clients/register', {body: METADATA})).status, 404);
});

test('a client is told what was registered of it; what means nothing here is left out, and its logo is not kept', async (t) => {
	const app = await startApp(t);
	const {status, body} = await request(app, 'POST', '/oauth2/clients/register', {
		body: {
			...METADATA,
			'client_name#fr': 'Un client',
			logo_uri: 'https://app.example/logo.png',
			tos_uri: 'https://app.example/terms',
			contacts: ['somebody@app.example'],
			grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
			id_token_signed_response_alg: 'RS256',
		},
	});
	t.is(status, 201);
	const {client_id: clientId, ...kept} = body;
	t.is(typeof clientId, 'string');
	t.deepEqual(kept, {
		...METADATA,
		tos_uri: 'https://app.example/terms',
		grant_types: ['authorization_code', 'refresh_token'],
	});
});

test('equal clients share their id, whoever registers them', async (t) => {
	const app = await startApp(t);
	t.is(await registerClient(app), await registerClient(app, Object.fromEntries(Object.entries(METADATA).toReversed())));
	t.not(await registerClient(app), await registerClient(app, {...METADATA, client_name: 'Another client'}));
});

/** The specification's own examples, for a client at home at https://example.com/, and some that browsers read oddly. */
const uris: readonly (readonly [type: 'web' | 'native', uri: string, isGood: boolean])[] = [
	['web', 'https://example.com/callback', true],
	['web', 'https://app.example.com/callback', true],
	['web', 'https://example.com:5173/?query=value', true],
	['web', 'https://example.com/callback#fragment', false],
	['web', 'http://example.com/callback', false],
	['web', 'http://localhost/', false],
	['web', 'https://example.com.evil.example/', false],
	['web', 'https://evilexample.com/', false],
	['web', 'https://user@example.com/', false],
	['web', 'https://example.com@evil.example/', false],
	['web', 'javascript:alert(1)', false],
	['web', 'com.example:/callback', false],
	['native', 'com.example.app:/callback', true],
	['native', 'com.example:/', true],
	['native', 'com.example:callback', true],
	['native', 'http://localhost/callback', true],
	['native', 'http://127.0.0.1/callback', true],
	['native', 'http://[::1]/callback', true],
	['native', 'https://app.example.com/callback', true],
	['native', 'example:/callback', false],
	['native', 'com.example.app://callback', false],
	['native', 'https://localhost/callback', false],
	['native', 'http://localhost:1234/callback', false],
	['native', 'http://localhost:80/callback', false],
	['native', 'http://localhost.evil.example/callback', false],
	['native', 'com.exampleevil:/callback', false],
	['native', 'javascript:alert(1)', false],
	['native', 'data:text/html,hello', false],
];

test('a client may have people sent to its own host, its own scheme or a loopback address, and nowhere else', async (t) => {
	const app = await startApp(t);
	for (const [type, uri, isGood] of uris) {
		const {status, body} = await request(app, 'POST', '/oauth2/clients/register', {
			body: {client_uri: 'https://example.com/', redirect_uris: [uri], application_type: type},
		});
		t.deepEqual([status, body['error']], isGood ? [201, undefined] : [400, 'invalid_redirect_uri'], `${type} ${uri}`);
	}
});

test('metadata that cannot be is refused with what is wrong with it', async (t) => {
	const app = await startApp(t);
	for (const [change, error] of [
		[{client_uri: undefined}, 'invalid_client_metadata'],
		[{client_uri: 'http://app.example/'}, 'invalid_client_metadata'],
		[{client_uri: 'https://user@app.example/'}, 'invalid_client_metadata'],
		[{client_name: 'n'.repeat(101)}, 'invalid_client_metadata'],
		[{client_name: 7}, 'invalid_client_metadata'],
		[{tos_uri: 'https://elsewhere.example/'}, 'invalid_client_metadata'],
		[{policy_uri: 'javascript:alert(1)'}, 'invalid_client_metadata'],
		[{token_endpoint_auth_method: 'client_secret_basic'}, 'invalid_client_metadata'],
		[{application_type: 'desktop'}, 'invalid_client_metadata'],
		[{redirect_uris: []}, 'invalid_redirect_uri'],
		[{redirect_uris: 'https://app.example/'}, 'invalid_client_metadata'],
		[
			{redirect_uris: Array.from({length: 17}, (_, index) => `https://app.example/${index}`)},
			'invalid_client_metadata',
		],
	] as const) {
		const body = {...METADATA, ...change};
		const answer = await request(app, 'POST', '/oauth2/clients/register', {body});
		t.deepEqual([answer.status, answer.body['error']], [400, error], JSON.stringify(change));
	}
	const large = await request(app, 'POST', '/oauth2/clients/register', {text: `{"a":"${'a'.repeat(100_000)}"}`});
	t.is(large.status, 413);
});

test('D2: nothing that a client says of itself, or asks with, makes the server ask anywhere', async (t) => {
	const app = await startApp(t);
	const trap = createServer((_request, response) => response.end('{}'));
	let connections = 0;
	trap.on('connection', () => (connections += 1));
	await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
	t.teardown(() => trap.close());
	const {port} = trap.address() as AddressInfo;
	for (const place of [`http://127.0.0.1:${port}/x`, `https://localhost:${port}/x`]) {
		const said = {
			jwks_uri: place,
			sector_identifier_uri: place,
			subject_type: 'pairwise',
			request_uris: [place],
			backchannel_logout_uri: place,
			initiate_login_uri: place,
			logo_uri: place,
			policy_uri: place,
			software_statement: place,
		};
		for (const [name, value] of Object.entries(said)) {
			const body = {...METADATA, [name]: value};
			const {status} = await request(app, 'POST', '/oauth2/clients/register', {body});
			t.true(status === 201 || status === 400, `${name} ${status}`);
		}
		const jwt = {token_endpoint_auth_method: 'private_key_jwt', jwks_uri: place};
		const {status} = await request(app, 'POST', '/oauth2/clients/register', {body: {...METADATA, ...jwt}});
		t.true(status === 201 || status === 400, `${status}`);
		const {search} = ask(await registerClient(app));
		for (const name of ['request_uri', 'request', 'id_token_hint', 'client_assertion']) {
			search.set(name, place);
			const sent = await new Visitor(app).open(`/oauth2/authorize?${search.toString()}`);
			t.true(sent.status < 500, `${name} ${sent.status}`);
			search.delete(name);
		}
	}
	t.is(connections, 0);
});
