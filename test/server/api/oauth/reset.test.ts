import test from 'ava';
import {
	type App,
	call,
	createCrossSigningKeys,
	createTestDevice,
	passwordOf,
	register,
	request,
	signInOnPage,
	startApp,
} from '../../../harness/index.ts';
import {signIn, whoami} from './client.ts';

const V3 = '/_matrix/client/v3';

interface Challenge {
	readonly session: string;
	readonly flows: unknown;
	readonly params: Readonly<Record<string, {readonly url: string}>>;
}

/** Somebody who signed in by OAuth and has published an identity. */
async function begin(app: App) {
	const {user_id: alice} = await register(app, 'alice');
	const {access_token: token} = await signIn(app, alice);
	const session = {access_token: token, ...(await whoami(app, token))};
	const device = createTestDevice(session);
	await call(app, 'POST', `${V3}/keys/upload`, {token, body: {device_keys: device.deviceKeys}});
	const upload = (auth?: object) =>
		request<Challenge>(app, 'POST', `${V3}/keys/device_signing/upload`, {
			token,
			body: {...createCrossSigningKeys(alice, device).body, ...(auth && {auth})},
		});
	return {alice, token, upload};
}

test('keys are replaced once their person has agreed on the page that the client is told of, once', async (t) => {
	const app = await startApp(t);
	const {upload} = await begin(app);
	t.is((await upload()).status, 200);
	const asked = await upload();
	t.is(asked.status, 401);
	const {session, flows, params} = asked.body;
	t.deepEqual(flows, [{stages: ['m.oauth']}, {stages: ['org.matrix.cross_signing_reset']}]);
	const {url = ''} = params['m.oauth'] ?? {};
	t.is(params['org.matrix.cross_signing_reset']?.url, url);
	t.regex(url, /^https?:\/\/.*action=org\.matrix\.cross_signing_reset/);
	t.is((await upload({session})).status, 401);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {pathname, search} = new URL(url);
	const sent = await visitor.open(pathname + search);
	const page = await visitor.open(sent.to);
	t.is(page.status, 200);
	t.true(page.text.includes('A client'), 'the session is named');
	t.is((await visitor.send(sent.to, {})).status, 403);
	await visitor.open(sent.to);
	t.is((await visitor.submit(sent.to)).status, 200);
	t.is((await upload({session})).status, 200);
	t.is((await upload({session})).status, 401);
	t.is((await visitor.open(sent.to)).status, 404);
});

test('the older name of the stage works too', async (t) => {
	const app = await startApp(t);
	const {upload} = await begin(app);
	await upload();
	const {session} = (await upload()).body;
	const auth = {type: 'org.matrix.cross_signing_reset', session};
	t.is((await upload(auth)).status, 401);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open(`/oauth2/reset-identity?session=${session}`);
	await visitor.submit(`/oauth2/reset-identity?session=${session}`);
	t.is((await upload(auth)).status, 200);
});

test('a client that knows no such stage has the page that it opens for any stage, which tells it when it is done', async (t) => {
	const app = await startApp(t);
	const {upload} = await begin(app);
	await upload();
	const {session} = (await upload()).body;
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	for (const stage of ['m.oauth', 'org.matrix.cross_signing_reset']) {
		const {to} = await visitor.open(`${V3}/auth/${stage}/fallback/web?session=${session}`);
		t.is(to, `/oauth2/reset-identity?session=${session}`);
	}
	const page = `/oauth2/reset-identity?session=${session}`;
	t.notRegex((await visitor.open(page)).text, /onAuthDone/u);
	t.regex((await visitor.submit(page)).text, /window\.onAuthDone\(\)/u);
	t.is((await upload({session})).status, 200);
});

test('nobody else can agree, a password does not count, and consent for one session is none for another', async (t) => {
	const app = await startApp(t);
	const {alice, upload} = await begin(app);
	await register(app, 'bob');
	await upload();
	const {session} = (await upload()).body;
	const stranger = await signInOnPage(app, 'bob', passwordOf('bob'));
	t.is((await stranger.open(`/oauth2/reset-identity?session=${session}`)).status, 404);
	t.is((await stranger.submit(`/oauth2/reset-identity?session=${session}`)).status, 404);
	t.is((await upload({session})).status, 401);
	const password = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: alice},
		password: passwordOf('alice'),
	};
	t.is((await upload({...password, session})).status, 401);
	t.is((await upload({type: 'm.oauth', session, approved: true})).status, 401);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open(`/oauth2/reset-identity?session=${session}`);
	await visitor.submit(`/oauth2/reset-identity?session=${session}`);
	t.is((await upload({session: (await upload()).body.session})).status, 401);
	app.advance(16 * 60 * 1000);
	t.is((await visitor.open(`/oauth2/reset-identity?session=${session}`)).status, 303);
});

test('what the account’s pages are for cannot be done with a token and a password', async (t) => {
	const app = await startApp(t);
	const {token, alice} = await begin(app);
	const auth = {type: 'm.login.password', identifier: {type: 'm.id.user', user: alice}, password: passwordOf('alice')};
	for (const [method, path, body] of [
		['POST', '/account/password', {new_password: 'another good one'}],
		['POST', '/account/deactivate', {}],
		['DELETE', '/devices/AAABBBCCCDDD', {}],
		['POST', '/delete_devices', {devices: ['AAABBBCCCDDD']}],
	] as const) {
		const answer = await request(app, method, V3 + path, {token, body: {...body, auth}});
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_UNRECOGNIZED'], path);
	}
	t.like(await whoami(app, token), {user_id: alice});
	const {capabilities} = await call<{capabilities: object}>(app, 'GET', `${V3}/capabilities`, {token});
	t.like(capabilities, {'m.change_password': {enabled: false}, 'm.get_login_token': {enabled: false}});
});

test('a client’s links lead to the page for what its person wants', async (t) => {
	const app = await startApp(t);
	for (const [query, to] of [
		['', '/account'],
		['?action=unknown', '/account'],
		['?action=org.matrix.devices_list', '/account/sessions'],
		['?action=org.matrix.session_end&device_id=A', '/account/sessions?device_id=A'],
		['?action=org.matrix.device_view&device_id=A', '/account/sessions?device_id=A'],
		['?action=org.matrix.device_delete&device_id=A', '/account/sessions?device_id=A'],
		['?action=org.matrix.account_deactivate', '/account/deactivate'],
		['?action=cross_signing_reset&session=a%20b', '/oauth2/reset-identity?session=a+b'],
	] as const) {
		const reply = await fetch(`${app.url}/oauth2/account${query}`, {redirect: 'manual'});
		t.is(reply.headers.get('location'), to, query);
	}
});
