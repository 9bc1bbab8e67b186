/** Ways to take over an account by way of its person's browser; each ends without access. */
import test from 'ava';
import {
	type App,
	passwordOf,
	register,
	request,
	signInOnPage,
	startApp,
	type Visit,
	Visitor,
} from '../../../harness/index.ts';

const SIGN_IN = '/account/sign-in';
const isIn = async (visitor: Visitor): Promise<boolean> => (await visitor.open('/account')).status === 200;
const cookiesOf = (visitor: Visitor): string => JSON.stringify([...visitor.cookies]);

async function openWith(t: Parameters<typeof startApp>[0], ...names: string[]): Promise<App> {
	const app = await startApp(t);
	for (const name of names) await register(app, name);
	return app;
}

/** A browser with the cookies of another one. */
function copyOf(app: App, visitor: Visitor): Visitor {
	const copy = new Visitor(app);
	for (const [name, value] of visitor.cookies) copy.cookies.set(name, value);
	return copy;
}

test('session fixation: a token that was planted in a browser is worth nothing once its person signs in', async (t) => {
	const app = await openWith(t, 'alice', 'mallory');
	const thief = new Visitor(app);
	await thief.open(SIGN_IN);
	const victim = copyOf(app, thief);
	await victim.open(SIGN_IN);
	await victim.submit(SIGN_IN, {username: 'alice', password: passwordOf('alice')});
	t.true(await isIn(victim));
	t.false(await isIn(thief));
	// Nor is one with which somebody else is signed in.
	const mallory = await signInOnPage(app, 'mallory', passwordOf('mallory'));
	const second = copyOf(app, mallory);
	await second.open('/account');
	await second.submit(SIGN_IN, {username: 'alice', password: passwordOf('alice')});
	t.regex((await second.open('/account')).text, /@alice:/);
	t.false(await isIn(mallory));
});

test('session fixation: each proof is answered with a new token, and the old one is over', async (t) => {
	const app = await openWith(t, 'alice');
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const old = copyOf(app, visitor);
	app.advance(11 * 60 * 1000);
	await visitor.open(SIGN_IN);
	await visitor.submit(SIGN_IN, {username: 'alice', password: passwordOf('alice')});
	t.not(cookiesOf(visitor), cookiesOf(old));
	t.true(await isIn(visitor));
	t.false(await isIn(old));
});

test('a cookie is out of reach of scripts and other sites, and over https of other hosts too', async (t) => {
	const app = await openWith(t);
	const plain = await new Visitor(app).open(SIGN_IN);
	t.regex(plain.headers.get('set-cookie') ?? '', /^matrix-session=bsw_\w{49}; Path=\/; HttpOnly; SameSite=Lax$/);
	const secure = await startApp(t, {config: {public_url: 'https://matrix.news.example'}});
	const {headers} = await new Visitor(secure).open(SIGN_IN);
	t.regex(
		headers.get('set-cookie') ?? '',
		/^__Host-matrix-session=bsw_\w{49}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
	);
});

test('CSRF: a form counts only with the secret of the very browser it comes from', async (t) => {
	const app = await openWith(t, 'alice', 'mallory');
	const victim = await signInOnPage(app, 'alice', passwordOf('alice'));
	const thief = await signInOnPage(app, 'mallory', passwordOf('mallory'));
	await thief.open('/account');
	const stranger = new Visitor(app);
	await stranger.open(SIGN_IN);
	const toClient = '/account/to-client?redirectUrl=https%3A%2F%2Fevil.example%2F';
	for (const secret of [{}, {csrf: ''}, {csrf: 'x'}, thief.hidden(), stranger.hidden()]) {
		for (const path of ['/account/sign-out', toClient, SIGN_IN, '/account/register']) {
			const {status, to, text} = await victim.send(path, secret);
			t.deepEqual([status, to], [403, ''], path);
			t.regex(text, /too old, or came from elsewhere/);
		}
	}
	t.true(await isIn(victim));
});

test('CSRF: a form that another site sent is refused even with the secret', async (t) => {
	const app = await openWith(t, 'alice');
	const victim = await signInOnPage(app, 'alice', passwordOf('alice'));
	await victim.open('/account');
	const secret = victim.hidden();
	for (const headers of [
		{'sec-fetch-site': 'cross-site'},
		{'sec-fetch-site': 'same-site'},
		{origin: 'https://evil.example'},
		{origin: 'null', 'sec-fetch-site': 'cross-site'},
		{origin: 'not an origin'},
	]) {
		const browser = copyOf(app, victim);
		Object.assign(browser.headers, headers);
		t.is((await browser.send('/account/sign-out', secret)).status, 403, JSON.stringify(headers));
	}
	t.true(await isIn(victim));
	Object.assign(victim.headers, {origin: app.url, 'sec-fetch-site': 'same-origin'});
	t.is((await victim.send('/account/sign-out', secret)).status, 303);
	t.false(await isIn(victim));
});

test('CSRF: what is not the form of a page is no form', async (t) => {
	const app = await openWith(t, 'alice');
	const victim = await signInOnPage(app, 'alice', passwordOf('alice'));
	const cookie = [...victim.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
	for (const [type, body] of [
		['application/json', JSON.stringify(victim.hidden())],
		['text/plain', 'csrf'],
		['multipart/form-data; boundary=x', '--x--'],
	] as const) {
		const headers = {cookie, 'content-type': type};
		const reply = await fetch(`${app.url}/account/sign-out`, {method: 'POST', body, headers, redirect: 'manual'});
		t.is(reply.status, 403, type);
	}
	t.is((await victim.open('/account/sign-out')).status, 405);
	t.true(await isIn(victim));
});

const pages: Readonly<Record<string, (visitor: Visitor) => Promise<Visit>>> = {
	'the sign-in page'(visitor) {
		visitor.cookies.clear();
		return visitor.open(SIGN_IN);
	},
	'the account': (visitor) => visitor.open('/account'),
	registration: (visitor) => visitor.open('/account/register'),
	'the page that lets a client in': (visitor) =>
		visitor.open('/account/to-client?redirectUrl=https%3A%2F%2Fapp.example'),
	'the page for a client that knows no way to sign in': (visitor) => visitor.open('/_matrix/static/client/login/'),
	'a page with an error': (visitor) => visitor.send('/account/sign-out', {}),
	'a link that is over': (visitor) => visitor.open('/setup/x'),
};

for (const [what, open] of Object.entries(pages)) {
	test(`clickjacking: nothing frames ${what}, and nothing in it is loaded or run but its own style`, async (t) => {
		const app = await openWith(t, 'alice');
		const {headers, text} = await open(await signInOnPage(app, 'alice', passwordOf('alice')));
		const policy = headers.get('content-security-policy') ?? '';
		t.regex(
			policy,
			/^default-src 'none'; style-src 'sha256-[^' ]+'; form-action 'self'(?: https:\/\/app\.example)?; base-uri 'none'; frame-ancestors 'none'$/,
		);
		t.is(headers.get('x-frame-options'), 'DENY');
		t.is(headers.get('x-content-type-options'), 'nosniff');
		t.is(headers.get('referrer-policy'), 'no-referrer');
		t.is(headers.get('cache-control'), 'no-store');
		t.is(headers.get('cross-origin-opener-policy'), 'same-origin');
		t.notRegex(text, /<script|<img|<link|<iframe|\son\w+=|style="|https?:\/\//i);
	});
}

for (const evil of [
	'https://evil.example/',
	'//evil.example/',
	'/\\evil.example/',
	'/\t/evil.example/',
	'/.//evil.example/',
	'javascript:alert(1)',
]) {
	test(`open redirects: nobody who signs in, registers or chooses a language is sent to ${JSON.stringify(evil)}`, async (t) => {
		const app = await openWith(t, 'alice');
		const query = `?return_to=${encodeURIComponent(evil)}`;
		const visitor = new Visitor(app);
		await visitor.open(SIGN_IN + query);
		const signedIn = await visitor.submit(SIGN_IN + query, {username: 'alice', password: passwordOf('alice')});
		t.is(signedIn.to, '/account');
		t.is((await visitor.open(SIGN_IN + query)).to, '/account');
		const newcomer = new Visitor(app);
		await newcomer.open(`/account/register${query}`);
		const password = passwordOf('bob');
		const registered = await newcomer.submit(`/account/register${query}`, {
			username: 'bob',
			password,
			repeated: password,
		});
		t.is(registered.to, '/account');
		t.is((await visitor.send('/account/language', {language: 'de', return_to: evil})).to, '/account');
	});
}

test('login-token reuse: of 64 who use one at once, one is let in, and nobody after', async (t) => {
	const app = await openWith(t, 'alice');
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const path = '/account/to-client?redirectUrl=https%3A%2F%2Fapp.example%2F';
	await visitor.open(path);
	const token = new URL((await visitor.submit(path)).to).searchParams.get('loginToken');
	const use = () => request(app, 'POST', '/_matrix/client/v3/login', {body: {type: 'm.login.token', token}});
	const answers = await Promise.all(Array.from({length: 64}, use));
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.is(answers.filter(({status}) => status === 403).length, 63);
	t.is((await use()).status, 403);
});

test('a stolen cookie of a browser ends when its person signs out, everywhere at once', async (t) => {
	const app = await openWith(t, 'alice');
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const stolen = copyOf(app, visitor);
	t.true(await isIn(stolen));
	await visitor.open('/account');
	await visitor.submit('/account/sign-out');
	t.false(await isIn(stolen));
});
