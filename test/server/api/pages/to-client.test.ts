import test from 'ava';
import {call, passwordOf, register, request, type Session, startApp, until, Visitor} from '../../../harness/index.ts';

const LOGIN = '/_matrix/client/v3/login';
const redirectPath = (redirectUrl: string) => `${LOGIN}/sso/redirect?redirectUrl=${encodeURIComponent(redirectUrl)}`;

/** Goes to where a client sends its person, and signs in; gives the page that asks. */
async function comeFrom(visitor: Visitor, redirectUrl: string, username: string) {
	const sent = await visitor.open(redirectPath(redirectUrl));
	const {to: signIn} = await visitor.open(sent.to);
	await visitor.open(signIn);
	const {to} = await visitor.submit(signIn, {username, password: passwordOf(username)});
	return {path: to, page: await visitor.open(to)};
}

test('E8: a client that cannot ask for all that is needed sends its person here, and is given a token', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = new Visitor(app);
	const redirectUrl = 'https://app.example/?state=a%20b&loginToken=old#/home';
	const first = await request(app, 'GET', redirectPath(redirectUrl));
	t.regex(first.text, /<title>Sign in · news\.example<\/title>/, 'the redirect leads to the sign-in page');
	const {path, page} = await comeFrom(visitor, redirectUrl, 'alice');
	t.is(page.status, 200);
	t.regex(page.text, /<code dir="ltr">app\.example<\/code>/);
	t.regex(page.text, /<code dir="ltr">@alice:news\.example<\/code>/);
	t.regex(page.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/app\.example;/);
	const done = await visitor.submit(path);
	t.is(done.status, 303);
	const back = new URL(done.to);
	t.is(`${back.origin}${back.pathname}${back.hash}`, 'https://app.example/#/home');
	t.is(back.searchParams.get('state'), 'a b');
	const [token, ...others] = back.searchParams.getAll('loginToken');
	t.deepEqual(others, []);
	const session = await call<Session>(app, 'POST', LOGIN, {body: {type: 'm.login.token', token}});
	t.is(session.user_id, '@alice:news.example');
});

test('an app is sent back to by its scheme', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = new Visitor(app);
	const {path, page} = await comeFrom(visitor, 'io.example.app:/callback?x=1', 'alice');
	t.regex(page.text, /<code dir="ltr">io\.example\.app:<\/code>/);
	t.regex(page.headers.get('content-security-policy') ?? '', /form-action 'self' io\.example\.app:;/);
	t.regex((await visitor.submit(path)).to, /^io\.example\.app:\/callback\?x=1&loginToken=bsl_\w+$/);
});

for (const redirectUrl of [
	'',
	'x',
	'/account',
	'//evil.example',
	'javascript:alert(1)',
	'JavaScript:alert(1)',
	'data:text/html,x',
	'blob:https://app.example/x',
	'file:///etc/passwd',
	'about:blank',
	'intent://x#Intent;end',
	'http://app.example/',
	'https://app.example@evil.example/',
]) {
	test(`E8: nobody is sent to '${redirectUrl}'`, async (t) => {
		const app = await startApp(t);
		await register(app, 'alice');
		const visitor = new Visitor(app);
		const {path, page} = await comeFrom(visitor, redirectUrl, 'alice');
		t.is(page.status, 400);
		t.regex(page.text, /nobody can be sent to/);
		t.false(page.text.includes('<form method="post">'));
		const {status, to} = await visitor.submit(path, {csrf: csrfOf(page.text)});
		t.deepEqual([status, to], [400, '']);
	});
}

const csrfOf = (text: string): string => /name="csrf" value="([^"]*)"/.exec(text)?.[1] ?? '';

test('a browser that was signed in long ago lets no client in before its person is known anew', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = new Visitor(app);
	const {path} = await comeFrom(visitor, 'https://app.example/', 'alice');
	app.advance(10 * 60 * 1000);
	t.is((await visitor.open('/account')).status, 200);
	const {to} = await visitor.submit(path);
	t.is(to, '/account/sign-in?return_to=%2Faccount');
	t.is((await visitor.open(path)).status, 303);
});

test('the token of a browser ends with it', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = new Visitor(app);
	const {path} = await comeFrom(visitor, 'https://app.example/', 'alice');
	const tokenOf = async () => new URL((await visitor.submit(path)).to).searchParams.get('loginToken');
	const [first, second] = [await tokenOf(), await tokenOf()];
	const signIn = (token: string | null) => request(app, 'POST', LOGIN, {body: {type: 'm.login.token', token}});
	t.is((await signIn(first)).status, 200);
	await visitor.open('/account');
	await visitor.submit('/account/sign-out');
	t.is((await signIn(second)).status, 403);
	await until(() => !app.readLog().includes(String(second)), 'no token in the log');
});

test('a client that says so has its person make an account first, where there are any to be had', async (t) => {
	const redirectUrl = 'https://app.example/back';
	for (const [registration, action, to] of [
		['open', 'register', '/account/register?return_to='],
		['open', 'login', '/account/to-client?'],
		['open', 'unknown', '/account/to-client?'],
		['closed', 'register', '/account/to-client?'],
	] as const) {
		const app = await startApp(t, {config: {registration}});
		const sent = await new Visitor(app).open(`${redirectPath(redirectUrl)}&action=${action}`);
		t.true(sent.to.startsWith(to), `${registration} ${action}: ${sent.to}`);
	}
	const app = await startApp(t);
	const visitor = new Visitor(app);
	const {to: registerAt} = await visitor.open(`${redirectPath(redirectUrl)}&action=register`);
	await visitor.open(registerAt);
	const password = passwordOf('carol');
	const made = await visitor.submit(registerAt, {username: 'carol', password, repeated: password});
	t.true(made.to.startsWith('/account/to-client?'), made.to);
	const page = await visitor.open(made.to);
	t.is(page.status, 200);
	t.true(page.text.includes('@carol:news.example'));
});
