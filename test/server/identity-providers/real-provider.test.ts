/** Signing in, and out again, by a whole OpenID Connect provider: oidc-provider, on loopback. */
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {Provider} from 'oidc-provider';
import {type App, call, request, type Session, startApp, until, Visitor} from '../../harness/index.ts';

const V3 = '/_matrix/client/v3';
const SECRET = 'a secret of the two that is long enough';

/** Whatever the provider asks its person, they consent. */
async function consent(provider: Provider, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
	const {prompt, params, session, grantId} = await provider.interactionDetails(incoming, response);
	if (prompt.name === 'login') {
		await provider.interactionFinished(incoming, response, {login: {accountId: 'person-1'}});
		return;
	}
	const grant =
		grantId === undefined
			? new provider.Grant({accountId: session?.accountId ?? '', clientId: String(params['client_id'])})
			: await provider.Grant.find(grantId);
	grant?.addOIDCScope('openid profile');
	await provider.interactionFinished(incoming, response, {consent: {grantId: (await grant?.save()) ?? ''}});
}

async function start(t: ExecutionContext): Promise<{readonly app: App; readonly issuer: string}> {
	let provider: Provider | undefined;
	const server = createServer((incoming, response) => {
		if (provider === undefined) return;
		if (incoming.url?.startsWith('/interaction/') === true) void consent(provider, incoming, response);
		else void provider.callback()(incoming, response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => server.close());
	const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const app = await startApp(t, {
		config: {
			identity_providers: [
				{id: 'idp', kind: 'oidc', name: 'The House', issuer, client_id: 'broadsheet', client_secret: SECRET},
			],
		},
	});
	provider = new Provider(issuer, {
		clients: [
			{
				client_id: 'broadsheet',
				client_secret: SECRET,
				redirect_uris: [`${app.application.services.config.publicUrl}/account/upstream/idp/callback`],
				backchannel_logout_uri: `${app.url}/_broadsheet/client/v1/upstream/idp/logout`,
				backchannel_logout_session_required: true,
			},
		],
		claims: {openid: ['sub'], profile: ['preferred_username']},
		conformIdTokenClaims: false,
		cookies: {keys: ['a key of this test alone']},
		// The library speaks with no address of this machine; a test has no other.
		fetch: (url, options) => fetch(url, {...options, dispatcher: undefined}),
		features: {devInteractions: {enabled: false}, backchannelLogout: {enabled: true}},
		findAccount: (_context, accountId) => ({
			accountId,
			claims: () => ({sub: accountId, preferred_username: 'ada'}),
		}),
		interactions: {url: (_context, {uid}) => `/interaction/${uid}`},
	});
	return {app, issuer};
}

/** Follows the provider's ways until they lead out of it; where to. */
async function walk(visitor: Visitor, issuer: string, from: string): Promise<URL> {
	let to = from;
	for (let steps = 0; steps < 10; steps += 1) {
		const url = new URL(to, issuer);
		if (url.origin !== issuer) return url;
		({to} = await visitor.open(url.pathname + url.search));
		if (to === '') throw new Error(`expected to be sent on from ${url.pathname}`);
	}
	throw new Error('expected an end of the way');
}

test('a person signs in by a provider, and signing out there ends the sessions that came from it', async (t) => {
	const {app, issuer} = await start(t);
	const [visitor, there] = [new Visitor(app), new Visitor({url: issuer})];
	const {to} = await visitor.open('/account/sign-in/with/idp?return_to=%2Faccount');
	const back = await walk(there, issuer, to);
	t.is((await visitor.open(back.pathname + back.search)).to, '/account');
	t.regex((await visitor.open('/account')).text, /@ada:news\.example/);
	const again = await walk(there, issuer, (await visitor.open('/account/sign-in/with/idp')).to);
	t.is((await visitor.open(again.pathname + again.search)).to, '/account', 'asked anew, and the provider says so');
	const path = `/account/to-client?redirectUrl=${encodeURIComponent('http://127.0.0.1:9/')}`;
	await visitor.open(path);
	const token = new URL((await visitor.submit(path)).to).searchParams.get('loginToken');
	const {access_token: access} = await call<Session>(app, 'POST', `${V3}/login`, {
		body: {type: 'm.login.token', token},
	});
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: access})).status, 200);

	const {text} = await there.open('/session/end');
	const xsrf = /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
	await there.send('/session/end/confirm', {xsrf, logout: 'yes'});
	await until(
		async () => (await request(app, 'GET', `${V3}/account/whoami`, {token: access})).status === 401,
		'the session to end',
		1_000,
	);
	t.not((await visitor.open('/account')).status, 200);
});
