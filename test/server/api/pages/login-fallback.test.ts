import test from 'ava';
import {type App, passwordOf, register, request, type Session, startApp, Visitor} from '../../../harness/index.ts';

const PAGE = '/_matrix/static/client/login/';

/** Goes to the page as a client sends its person there, and signs in where that is asked for. */
async function come(app: App, query = ''): Promise<{visitor: Visitor; path: string}> {
	const visitor = new Visitor(app);
	const {to: signIn} = await visitor.open(PAGE + query);
	await visitor.open(signIn);
	const {to} = await visitor.submit(signIn, {username: 'alice', password: passwordOf('alice')});
	return {visitor, path: to};
}

/** The session that a page hands over; absent: it hands none. */
function handedOver(text: string): Session | undefined {
	const found = /data-response="([^"]*)"/u.exec(text)?.[1]?.replaceAll('&quot;', '"');
	return found === undefined ? undefined : (JSON.parse(found) as Session);
}

const whoIs = async (app: App, {access_token: token}: Session) =>
	(await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token})).body;

test('a client that knows no way to sign in is handed a session of the device that it names, with what it asks for', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const {visitor, path} = await come(app, '?device_id=GHTYAJCE&initial_device_display_name=Desk&refresh_token=true');
	t.is(path, `${PAGE}?device_id=GHTYAJCE&initial_device_display_name=Desk&refresh_token=true`);
	const asked = await visitor.open(path);
	t.is(asked.status, 200);
	t.is(handedOver(asked.text), undefined, 'nothing is handed over before its person says so');
	const done = await visitor.submit(path);
	const session = handedOver(done.text);
	t.like(session, {user_id: '@alice:news.example', device_id: 'GHTYAJCE'});
	t.true(Object.hasOwn(session ?? {}, 'refresh_token'));
	t.like(await whoIs(app, session!), {user_id: '@alice:news.example', device_id: 'GHTYAJCE'});
	t.is(done.headers.get('cache-control'), 'no-store');
	const policy = done.headers.get('content-security-policy') ?? '';
	t.regex(policy, /default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; /u);
	t.false(policy.includes('unsafe'));
});

test('a form that is not the browser’s own opens no session, nor one of a browser that was signed in long ago', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const {visitor, path} = await come(app);
	t.is((await visitor.send(path, {})).status, 403);
	await visitor.open(path);
	app.advance(10 * 60 * 1000);
	t.is((await visitor.submit(path)).to, '/account/sign-in?return_to=%2Faccount');
	const {devices} = (await request<{devices: object[]}>(app, 'GET', '/_matrix/client/v3/devices', {token})).body;
	t.is(devices.length, 1);
});

test('a device id that cannot be is refused on a page', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const {visitor, path} = await come(app, '?device_id=%07');
	await visitor.open(path);
	const refused = await visitor.submit(path);
	t.is(refused.status, 400);
	t.regex(refused.text, /<html/u);
	t.is((await visitor.open(`${PAGE}?refresh_token=perhaps`)).status, 400);
});

test('a client that knows no stage of a registration has its person make an account, and is handed a session', async (t) => {
	const app = await startApp(t);
	const visitor = new Visitor(app);
	const {to} = await visitor.open('/_matrix/static/client/register/');
	await visitor.open(to);
	const password = passwordOf('carol');
	const {to: back} = await visitor.submit(to, {username: 'carol', password, repeated: password});
	t.is(back, PAGE);
	await visitor.open(back);
	const session = handedOver((await visitor.submit(back)).text);
	t.like(await whoIs(app, session!), {user_id: '@carol:news.example'});
});
