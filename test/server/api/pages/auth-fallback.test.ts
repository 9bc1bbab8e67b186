import {createHash} from 'node:crypto';
import test from 'ava';
import {call, passwordOf, register, request, type Session, startApp} from '../../../harness/index.ts';

const pathOf = (type: string, session: string) =>
	`/_matrix/client/v3/auth/${type}/fallback/web?session=${encodeURIComponent(session)}`;
const REGISTER = '/_matrix/client/v3/register';

test('E7: a stage is completed on its page without a script in it, and the request goes on with the session alone', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const token = await app.application.services.accounts.createRegistrationToken({
		name: 'desk',
		usesAllowed: 1,
		expiresTs: null,
		makesAdmin: false,
	});
	const body = {username: 'alice', password: 'correct horse'};
	const {session} = (await request<{session: string}>(app, 'POST', REGISTER, {body})).body;
	const path = pathOf('m.login.registration_token', session);
	const page = await request(app, 'GET', path);
	t.is(page.status, 200);
	t.regex(page.headers.get('content-security-policy') ?? '', /^default-src 'none';.*frame-ancestors 'none'$/);
	t.regex(page.text, /<input id="token"/);
	t.notRegex(page.text, /<script/);
	const send = (value: string) => fetch(app.url + path, {method: 'POST', body: new URLSearchParams({token: value})});
	const wrong = await send('"><script>alert(1)</script>');
	t.is(wrong.status, 400);
	t.notRegex(await wrong.text(), /<script/);
	const done = await send(token);
	t.is(done.status, 200);
	// The one script stands in the page, and its hash in the policy.
	const script = /<script type="module">([^]*?)<\/script>/.exec(await done.text())?.[1] ?? '';
	t.regex(script, /onAuthDone/);
	const hash = createHash('sha256').update(script).digest('base64');
	t.true(done.headers.get('content-security-policy')?.includes(`script-src 'sha256-${hash}';`));
	// The window that opened it is the one it speaks with.
	t.is(done.headers.get('cross-origin-opener-policy'), 'unsafe-none');
	t.is((await send(token)).status, 404);
	const made = await call<Session>(app, 'POST', REGISTER, {body: {...body, auth: {session}}});
	t.is(made.user_id, '@alice:news.example');
});

test('each stage has a page while a session waits for it', async (t) => {
	const app = await startApp(t);
	const {session} = (await request<{session: string}>(app, 'POST', REGISTER, {body: {}})).body;
	t.is((await request(app, 'GET', pathOf('m.login.dummy', session))).status, 200);
	t.is((await request(app, 'GET', pathOf('m.login.password', session))).status, 404);
	const {access_token: token, device_id: id} = await register(app, 'alice');
	const deletion = await request<{session: string}>(app, 'DELETE', `/_matrix/client/v3/devices/${id}`, {
		token,
		body: {},
	});
	const path = pathOf('m.login.password', deletion.body.session);
	t.is((await request(app, 'GET', path)).status, 200);
	const body = new URLSearchParams({user: 'alice', password: passwordOf('alice')});
	t.is((await fetch(app.url + path, {method: 'POST', body})).status, 200);
});

test('E7: a session or stage that does not exist has no page, and what named it is not shown', async (t) => {
	const app = await startApp(t);
	for (const path of [
		pathOf('m.login.dummy', 'unknown'),
		pathOf('m.login.dummy', '"><script>alert(1)</script>'),
		pathOf('<script>', 'unknown'),
		pathOf('m.login.recaptcha', 'unknown'),
	]) {
		for (const method of ['GET', 'POST']) {
			const page = await request(app, method, path);
			t.is(page.status, 404);
			t.notRegex(page.text, /<script/);
		}
	}
	t.is((await request(app, 'GET', '/_matrix/client/v3/auth/m.login.dummy/fallback/web')).status, 400);
});
