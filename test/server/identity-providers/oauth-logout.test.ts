/** What a provider's logout ends of the sessions that its word opened by OAuth. */
import test, {type ExecutionContext} from 'ava';
import {login, passwordOf, request, signInOnPage, Visitor} from '../../harness/index.ts';
import {ask, consentOnPage, exchange, postForm, postToken, refresh, registerClient} from '../api/oauth/client.ts';
import {come, logOut, start, type World} from './world.ts';

const WHOAMI = '/_matrix/client/v3/account/whoami';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const scopeOf = (deviceId: string): string => `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`;

/** Bob has a password, and the provider vouches for him as well. */
async function startLinked(t: ExecutionContext) {
	const world = await start(t);
	const {app, provider} = world;
	await app.application.services.accounts.register({userId: '@bob:news.example' as never, password: passwordOf('bob')});
	const own = await signInOnPage(app, 'bob', passwordOf('bob'));
	await own.open('/account/upstream');
	await own.open(provider.authorize((await own.submit('/account/upstream/idp/link')).to));
	const clientId = await registerClient(app);
	const vouched = new Visitor(app);
	await come(world, vouched);
	return {...world, clientId, own: await signInOnPage(app, 'bob', passwordOf('bob')), vouched};
}

type Linked = Awaited<ReturnType<typeof startLinked>>;

async function signIn({app, clientId}: Linked, visitor: Visitor, deviceId: string) {
	const asked = ask(clientId, {scope: scopeOf(deviceId)});
	const {status, body} = await exchange(app, asked, await consentOnPage(visitor, asked));
	if (status !== 200) throw new Error(`expected tokens, got ${status}`);
	return body;
}

const statusOf = async ({app}: World, token: string): Promise<number> =>
	(await request(app, 'GET', WHOAMI, {token})).status;

async function startTelevision({app, clientId}: Linked) {
	const {body} = await postForm(app, '/oauth2/device', {client_id: clientId, scope: scopeOf('TELEVISION')});
	const {user_code: userCode, device_code: deviceCode} = body as {user_code: string; device_code: string};
	return {
		userCode,
		approve: async (visitor: Visitor) => {
			await visitor.open(`/oauth2/link?user_code=${userCode}`);
			return visitor.submit('/oauth2/link', {user_code: userCode, decision: 'allow'});
		},
		poll: () => postToken(app, {grant_type: DEVICE_GRANT, device_code: deviceCode, client_id: clientId}),
	};
}

test('a logout at the provider ends the devices that its word let in by OAuth, of an account with a password too', async (t) => {
	const linked = await startLinked(t);
	const {app, provider, clientId, own, vouched} = linked;
	const ended = await signIn(linked, vouched, 'VOUCHED');
	const kept = await signIn(linked, own, 'OWN');
	const television = await startTelevision(linked);
	t.is((await television.approve(vouched)).status, 200);
	const shown = (await television.poll()).body;
	provider.person = {...provider.person, sid: 'session-2'};
	const other = new Visitor(app);
	await come(linked, other);
	const elsewhere = await signIn(linked, other, 'ELSEWHERE');
	t.is((await logOut(linked, await provider.signLogout({sid: 'session-1'}))).status, 200);
	for (const {access_token: token, refresh_token: refreshToken} of [ended, shown]) {
		t.is(await statusOf(linked, token), 401);
		t.is((await refresh(app, refreshToken, clientId)).body.error, 'invalid_grant');
	}
	for (const {access_token: token} of [kept, elsewhere]) t.is(await statusOf(linked, token), 200);
	t.is((await logOut(linked, await provider.signLogout())).status, 200, 'all its sessions');
	t.is(await statusOf(linked, elsewhere.access_token), 401);
	t.is(await statusOf(linked, kept.access_token), 200);
});

test('after a logout at the provider nothing is opened that was consented to before', async (t) => {
	const linked = await startLinked(t);
	const {app, provider, clientId, own, vouched} = linked;
	const [lost, good] = [ask(clientId, {scope: scopeOf('LOST')}), ask(clientId, {scope: scopeOf('GOOD')})];
	const lostCode = await consentOnPage(vouched, lost);
	const goodCode = await consentOnPage(own, good);
	const television = await startTelevision(linked);
	await television.approve(vouched);
	t.is((await logOut(linked, await provider.signLogout({sid: 'session-1'}))).status, 200);
	t.is((await exchange(app, lost, lostCode)).body.error, 'invalid_grant');
	t.is((await television.poll()).body.error, 'invalid_grant');
	t.is((await exchange(app, good, goodCode)).status, 200);
});

test('a device that its person has signed in again by themselves is the provider’s no more', async (t) => {
	const linked = await startLinked(t);
	const {app, provider, own, vouched} = linked;
	await signIn(linked, vouched, 'PHONE');
	const byOAuth = await signIn(linked, own, 'PHONE');
	await signIn(linked, vouched, 'LAPTOP');
	const byPassword = await login(app, 'bob', 'LAPTOP');
	t.is((await logOut(linked, await provider.signLogout())).status, 200);
	t.is(await statusOf(linked, byOAuth.access_token), 200);
	t.is(await statusOf(linked, byPassword.access_token), 200);
});

test('a logout at the provider ends whatever an account without a password has consented to', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	const clientId = await registerClient(app);
	const visitor = new Visitor(app);
	await come(world, visitor);
	const linked = {...world, clientId, own: visitor, vouched: visitor};
	const session = await signIn(linked, visitor, 'PHONE');
	const waiting = ask(clientId, {scope: scopeOf('WAITING')});
	const code = await consentOnPage(visitor, waiting);
	t.is((await logOut(world, await provider.signLogout())).status, 200);
	t.is(await statusOf(world, session.access_token), 401);
	t.is((await exchange(app, waiting, code)).body.error, 'invalid_grant');
});
