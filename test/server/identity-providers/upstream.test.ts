/** Signing in by what another service says, and what of its words is not believed. */
import test from 'ava';
import {call, login, passwordOf, request, type Session, signInOnPage, until, Visitor} from '../../harness/index.ts';
import {FakeProvider} from './fake-provider.ts';
import {come, logOut, SIGN_IN, start, type World} from './world.ts';

const V3 = '/_matrix/client/v3';
const accountOf = async (visitor: Visitor): Promise<string> => {
	const {status, text} = await visitor.open('/account');
	return status === 200 ? (/@[a-z0-9]+:news\.example/.exec(text)?.[0] ?? '') : '';
};

test('somebody whom a provider vouches for gets an account once, and is signed in to it again', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	const visitor = new Visitor(app);
	t.regex((await visitor.open('/account/sign-in')).text, /href="\/account\/sign-in\/with\/idp"[^>]*>[^<]*The House/);
	const {to} = await come(world, visitor);
	t.is(to, '/account');
	t.is(await accountOf(visitor), '@ada:news.example');
	t.is(provider.asked.get('code_challenge_method'), 'S256');
	t.is(provider.asked.get('response_type'), 'code');
	// The name is a suggestion for the first time alone.
	provider.person = {...provider.person, preferred_username: 'somebody'};
	const again = new Visitor(app);
	await come(world, again);
	t.is(await accountOf(again), '@ada:news.example');
});

test('who is new and has no free name chooses one, and only after the provider has vouched for them', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	const early = new Visitor(app);
	t.is((await early.open('/account/sign-in/choose-name')).to, '/account/sign-in');
	await app.application.services.accounts.register({userId: '@ada:news.example' as never, password: 'correct horse'});
	const visitor = new Visitor(app);
	t.is((await come(world, visitor)).to, '/account/sign-in/choose-name');
	t.is(await accountOf(visitor), '', 'nobody is signed in to the account of that name');
	await visitor.open('/account/sign-in/choose-name');
	t.is((await visitor.submit('/account/sign-in/choose-name', {username: 'ada'})).status, 400);
	t.is((await visitor.submit('/account/sign-in/choose-name', {username: 'grace'})).to, '/account');
	t.is(await accountOf(visitor), '@grace:news.example');
	provider.person = {sub: 'person-2', sid: 'session-2'};
	t.is((await come(world, new Visitor(app))).to, '/account/sign-in/choose-name', 'without a suggestion');
});

test('a provider that makes no accounts lets in those alone who are linked', async (t) => {
	const world = await start(t, {creates_accounts: false});
	t.is((await come(world, new Visitor(world.app))).status, 403);
});

test('an account is linked by its signed-in person, and by nothing that the provider says of its name', async (t) => {
	const world = await start(t, {}, [], {server_notices: {enabled: true}});
	const {app, provider} = world;
	await app.application.services.accounts.register({userId: '@bob:news.example' as never, password: passwordOf('bob')});
	provider.person = {
		sub: 'bob-at-the-house',
		preferred_username: 'bob',
		email: 'bob@news.example',
		email_verified: true,
	};
	t.is((await come(world, new Visitor(app))).to, '/account/sign-in/choose-name');
	const bob = await signInOnPage(app, 'bob', passwordOf('bob'));
	t.regex((await bob.open('/account/upstream')).text, /The House/);
	t.is((await bob.send('/account/upstream/idp/link', {})).status, 403, 'another site has it sent');
	await bob.open('/account/upstream');
	const {access_token: token} = await login(app, 'bob');
	const isTold = (text: string) =>
		until(async () => (await request(app, 'GET', `${V3}/sync`, {token})).text.includes(text), text);
	const {to} = await bob.submit('/account/upstream/idp/link');
	t.is((await bob.open(provider.authorize(to))).to, '/account/upstream');
	const visitor = new Visitor(app);
	await come(world, visitor);
	t.is(await accountOf(visitor), '@bob:news.example');
	await isTold('was linked to your account');
	await bob.open('/account/upstream');
	await bob.submit('/account/upstream/idp/unlink');
	await isTold('was unlinked from your account');
	t.is(await accountOf(visitor), '', 'a browser that the provider let in is signed out');
	t.is(await accountOf(bob), '@bob:news.example');
	t.is((await come(world, new Visitor(app))).to, '/account/sign-in/choose-name');
});

test('an ID token that is forged, unsigned, for somebody else or of another flow vouches for nobody', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	for (const wish of [
		{signature: 'other'},
		{signature: 'none'},
		{claims: {iss: 'https://elsewhere.example'}},
		{claims: {aud: 'another-client'}},
		{claims: {nonce: 'of another flow'}},
		{claims: {exp: 1}},
		{claims: {sub: ''}},
	] as const) {
		provider.wish = wish;
		const visitor = new Visitor(app);
		const {status} = await come(world, visitor);
		t.is(status, 403, JSON.stringify(wish));
		t.is(await accountOf(visitor), '');
	}
	t.is(await app.application.services.accounts.find('@ada:news.example' as never), undefined);
});

test('a state is good once, in the browser and for the provider that it was made for', async (t) => {
	const other = await FakeProvider.start(t);
	const second = {id: 'other', kind: 'oidc', name: 'Another', issuer: other.issuer, client_id: 'broadsheet'};
	const world = await start(t, {}, [second]);
	const {app, provider} = world;
	const visitor = new Visitor(app);
	const back = provider.authorize((await visitor.open(SIGN_IN)).to);
	t.is((await new Visitor(app).open(back)).status, 403, 'another browser');
	t.is((await visitor.open(back.replace('/idp/', '/other/'))).status, 403, 'another provider');
	t.is(
		(await visitor.open(back.replace(/iss=[^&]*/, `iss=${encodeURIComponent(other.issuer)}`))).status,
		403,
		'mix-up',
	);
	const fresh = provider.authorize((await visitor.open(SIGN_IN)).to);
	t.is((await visitor.open(fresh)).to, '/account');
	t.is((await visitor.open(fresh)).status, 403, 'replayed');
	const late = new Visitor(app);
	const stale = provider.authorize((await late.open(SIGN_IN)).to);
	app.advance(16 * 60_000);
	t.is((await late.open(stale)).status, 403, 'too late');
	t.is((await visitor.open('/account/sign-in/with/nobody')).status, 403);
});

test('who is to show anew that it is they is believed when the provider says that it has just asked them', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	const visitor = new Visitor(app);
	const nowS = () => Math.floor((performance.timeOrigin + performance.now()) / 1000) + 11 * 60;
	provider.wish = {claims: {auth_time: nowS() - 11 * 60}};
	await come(world, visitor);
	t.false(provider.asked.has('max_age'), 'who signs in may be known there');
	const isRecent = async () => (await visitor.open('/account/totp')).status === 200;
	t.true(await isRecent());
	app.advance(11 * 60_000);
	t.false(await isRecent());
	const late = [{}, {auth_time: nowS() - 11 * 60}, {auth_time: nowS() - 120}];
	for (const claims of late) {
		provider.wish = {claims};
		const {status, text} = await come(world, visitor);
		t.is(status, 403, JSON.stringify(claims));
		t.regex(text, /does not say that it has just asked who you are/);
		t.is(provider.asked.get('max_age'), '0');
		t.is(provider.asked.get('prompt'), 'login');
		t.false(await isRecent(), JSON.stringify(claims));
		t.is(await accountOf(visitor), '@ada:news.example', 'and they stay signed in as they were');
	}
	const back = provider.authorize((await visitor.open(SIGN_IN)).to);
	provider.wish = {};
	t.is((await visitor.open(back.replace('state=anew.', 'state='))).status, 403, 'as if nothing had been asked anew');
	t.is((await visitor.open(back)).status, 403);
	provider.wish = {claims: {auth_time: nowS() - 30}};
	t.is((await come(world, visitor)).to, '/account', 'a clock may be a little behind');
	t.true(await isRecent());
});

test('where somebody goes after the provider is a path of our own', async (t) => {
	const world = await start(t);
	const to = async (returnTo: string) =>
		(await come(world, new Visitor(world.app), `${SIGN_IN}?return_to=${encodeURIComponent(returnTo)}`)).to;
	t.is(await to('/account/upstream'), '/account/upstream');
	for (const evil of ['https://evil.example/', '//evil.example', '/\\evil.example']) t.is(await to(evil), '/account');
});

/** Signs a client in by way of a browser that the provider let in. */
async function signClientIn({app}: World, visitor: Visitor): Promise<Session> {
	const path = `/account/to-client?redirectUrl=${encodeURIComponent('http://127.0.0.1:9/')}`;
	await visitor.open(path);
	const {to} = await visitor.submit(path);
	const token = new URL(to).searchParams.get('loginToken');
	return call<Session>(app, 'POST', `${V3}/login`, {body: {type: 'm.login.token', token}});
}

test('a logout at the provider ends what came from that session at once, and nothing else', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	await app.application.services.accounts.register({userId: '@bob:news.example' as never, password: passwordOf('bob')});
	const bob = await signInOnPage(app, 'bob', passwordOf('bob'));
	await bob.open('/account/upstream');
	await bob.open(provider.authorize((await bob.submit('/account/upstream/idp/link')).to));
	const own = await login(app, 'bob');
	const [first, second] = [new Visitor(app), new Visitor(app)];
	await come(world, first);
	const ended = await signClientIn(world, first);
	provider.person = {...provider.person, sid: 'session-2'};
	await come(world, second);
	const kept = await signClientIn(world, second);
	const {next_batch: since} = await call<{next_batch: string}>(app, 'GET', `${V3}/sync`, {token: ended.access_token});
	const waitMs = 60_000;
	const begunMs = performance.now();
	const poll = request(app, 'GET', `${V3}/sync?timeout=${waitMs}&since=${since}`, {token: ended.access_token});
	// What is asked after it is answered after it has begun to wait.
	for (let turn = 0; turn < 5; turn += 1) await request(app, 'GET', '/_matrix/client/versions');
	t.is((await logOut(world, await provider.signLogout({sid: 'session-1'}))).status, 200);
	t.is((await request(app, 'GET', `${V3}/sync`, {token: ended.access_token})).status, 401);
	t.is((await poll).status, 401);
	t.true(performance.now() - begunMs < waitMs, 'an open long poll ends too, and not because its time was up');
	t.is(await accountOf(first), '');
	t.is(await accountOf(second), '@bob:news.example');
	for (const {access_token: token} of [own, kept]) {
		t.is((await request(app, 'GET', `${V3}/account/whoami`, {token})).status, 200);
	}
	t.is((await logOut(world, await provider.signLogout())).status, 200);
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: kept.access_token})).status, 401);
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: own.access_token})).status, 200);
});

test('a logout token that is forged, old, used before, or none ends nothing', async (t) => {
	const world = await start(t);
	const {provider} = world;
	const visitor = new Visitor(world.app);
	await come(world, visitor);
	const events = {'http://schemas.openid.net/event/backchannel-logout': {}};
	const tokens = [
		await provider.signLogout({}, 'other'),
		await provider.signLogout({}, 'none'),
		await provider.signLogout({iss: 'https://elsewhere.example'}),
		await provider.signLogout({aud: 'another-client'}),
		await provider.signLogout({events: {}}),
		await provider.signLogout({events, nonce: 'an ID token'}),
		await provider.signLogout({exp: 1}),
		'not a token',
	];
	for (const token of tokens) t.is((await logOut(world, token)).status, 400);
	t.is(await accountOf(visitor), '@ada:news.example');
	const good = await provider.signLogout({sub: 'nobody', jti: 'once'});
	t.is((await logOut(world, good)).status, 200, 'nobody here has come as that subject');
	t.is((await logOut(world, good)).status, 400, 'told before');
});

test('clients are told of providers, and come to each by way of our pages', async (t) => {
	const {app} = await start(t);
	type Flows = {flows: {type: string; identity_providers?: {id: string; name: string}[]}[]};
	const {flows} = await call<Flows>(app, 'GET', `${V3}/login`);
	t.deepEqual(flows.find(({type}) => type === 'm.login.sso')?.identity_providers, [{id: 'idp', name: 'The House'}]);
	const path = `${V3}/login/sso/redirect/idp?redirectUrl=${encodeURIComponent('app://come')}`;
	t.regex((await new Visitor(app).open(path)).to, /^\/account\/sign-in\/with\/idp\?return_to=%2Faccount%2Fto-client/);
	t.is((await fetch(app.url + path.replace('/idp?', '/other?'), {redirect: 'manual'})).status, 404);
});
