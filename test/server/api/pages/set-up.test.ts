import test from 'ava';
import {type App, call, register, request, type Session, startApp} from '../../../harness/index.ts';

const CSP =
	/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/;

const submit = (app: App, token: string, fields: Record<string, string>) =>
	fetch(`${app.url}/setup/${token}`, {method: 'POST', body: new URLSearchParams(fields)});

const good = {username: 'chief', password: 'correct horse', repeated: 'correct horse'};

async function openSetUp(app: App): Promise<string> {
	const token = await app.application.services.setUp.open();
	return token ?? 'none';
}

test('E7: the link shows a form without a script in it, which makes the first administrator, once', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const token = await openSetUp(app);
	const page = await request(app, 'GET', `/setup/${token}`);
	t.is(page.status, 200);
	t.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
	t.regex(page.headers.get('content-security-policy') ?? '', CSP);
	t.is(page.headers.get('referrer-policy'), 'no-referrer');
	t.is(page.headers.get('cache-control'), 'no-store');
	t.regex(page.text, /<form method="post">/);
	t.notRegex(page.text, /<script/);
	const done = await submit(app, token, good);
	t.is(done.status, 200);
	t.regex(await done.text(), /@chief:news\.example/);
	const body = {type: 'm.login.password', user: 'chief', password: good.password};
	const session = await call<Session>(app, 'POST', '/_matrix/client/v3/login', {body});
	t.is(session.user_id, '@chief:news.example');
	const {accounts} = app.application.services;
	t.like(await accounts.find(accounts.checkNewName('chief')), {isAdmin: true});
	t.is((await submit(app, token, {...good, username: 'second'})).status, 404);
	t.is((await request(app, 'GET', `/setup/${token}`)).status, 404);
	t.is(await app.application.services.setUp.open(), undefined);
});

test('E7: a form with a mistake is shown again, and says what is wrong', async (t) => {
	const app = await startApp(t);
	const token = await openSetUp(app);
	for (const [fields, problem] of [
		[{...good, repeated: 'correct house'}, /not the same/],
		[{...good, password: 'short', repeated: 'short'}, /at least 8/],
		[{...good, username: '<script>alert(1)</script>'}, /&lt;script&gt;/],
		[{username: 'chief'}, /not the same/],
	] as const) {
		const answer = await submit(app, token, fields);
		t.is(answer.status, 400);
		const text = await answer.text();
		t.regex(text, problem);
		t.regex(text, /role="alert"/);
		t.notRegex(text, /<script/);
	}
	t.is((await submit(app, token, good)).status, 200);
});

test('a link that was never given opens nothing', async (t) => {
	const app = await startApp(t);
	const token = await openSetUp(app);
	for (const other of ['x', `${token}x`, token.replace(/.$/, '_'), `bsu_${'0'.repeat(49)}`]) {
		t.is((await request(app, 'GET', `/setup/${other}`)).status, 404);
		t.is((await submit(app, other, good)).status, 404);
	}
	t.true(await app.application.services.accounts.isEmpty());
});

test('a link ends when an account is made another way, and when a new one is printed', async (t) => {
	const app = await startApp(t);
	const first = await openSetUp(app);
	const second = await openSetUp(app);
	t.is((await request(app, 'GET', `/setup/${first}`)).status, 404);
	t.is((await request(app, 'GET', `/setup/${second}`)).status, 200);
	await register(app, 'alice');
	t.is((await submit(app, second, good)).status, 404);
});

test('E13: of many who send the form at once, one becomes the administrator', async (t) => {
	const app = await startApp(t);
	const token = await openSetUp(app);
	const answers = await Promise.all(
		Array.from({length: 16}, (_, index) => submit(app, token, {...good, username: `chief${index}`})),
	);
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.true(answers.every(({status}) => status === 200 || status === 404));
});

test('what is no form is refused', async (t) => {
	const app = await startApp(t);
	const token = await openSetUp(app);
	const path = `/setup/${token}`;
	t.is((await request(app, 'POST', path, {body: good})).status, 400);
	t.is((await request(app, 'POST', path)).status, 400);
	t.is((await submit(app, token, {...good, username: 'x'.repeat(20_000)})).status, 413);
});
