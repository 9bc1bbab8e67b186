/** Clients that have a browser around a page of the server, and people who make links for others, in a real browser. */
import type {ExecutionContext} from 'ava';
import type {Page} from 'playwright-core';
import {login, passwordOf, request, type Session, until} from '../harness/index.ts';
import {whoami} from '../server/api/oauth/client.ts';
import {askReset} from './ask-reset.ts';
import {sharedBrowser, testInBrowser} from './in-browser.ts';
import {addPerson, giveName, heading, openContext, press, signIn, startVisited} from './visit.ts';

/** Opens a page within a client; what the page says to the console as an error is a problem. */
async function openWithin(t: ExecutionContext): Promise<{readonly page: Page; readonly problems: string[]}> {
	const page = await (await openContext(t, sharedBrowser())).newPage();
	const problems: string[] = [];
	page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
	page.on('pageerror', (error) => void problems.push(error.message));
	return {page, problems};
}

/** What a function that the client put into the page was called with. */
const heard = (page: Page): Promise<unknown[]> =>
	until(() => page.evaluate<unknown[] | undefined>('window.heard'), 'a session', 30_000);

testInBrowser('a client with its function in the page is handed a session that works', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const {page, problems} = await openWithin(t);
	await page.addInitScript('window.matrixLogin = {onLogin: (...all) => { window.heard = all; }}');
	await page.goto(`${app.url}/_matrix/static/client/login/?device_id=GHTYAJCE`);
	await giveName(page, 'alice');
	await heading(page, 'Open a client');
	await press(page, 'Sign in');
	const [session, ...others] = (await heard(page)) as [Session];
	t.deepEqual(others, []);
	t.like(await whoami(app, session.access_token), {user_id: '@alice:news.example', device_id: 'GHTYAJCE'});
	t.is(await page.evaluate('document.querySelector("[data-response]")'), null, 'the session does not stay in the page');
	t.deepEqual(problems, []);
});

testInBrowser('a client around the page of a stage is told when its person lets it replace their keys', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const {page, problems} = await openWithin(t);
	await page.addInitScript('window.onAuthDone = () => { window.heard = ["done"]; }');
	const {session, replace} = await askReset(app, '@alice:news.example');
	await page.goto(`${app.url}/_matrix/client/v3/auth/m.oauth/fallback/web?session=${session}`);
	await giveName(page, 'alice');
	await press(page, 'Allow it');
	t.deepEqual(await heard(page), ['done']);
	t.is((await replace()).status, 200);
	t.deepEqual(problems, []);
});

for (const [path, name] of [
	['login/', 'matrixLogin.onLogin'],
	['register/', 'matrixRegistration.onRegistered'],
] as const) {
	testInBrowser(
		`an older app of Element, which adds ${name} when the page is there, is told by its frame`,
		async (t) => {
			const app = await startVisited(t, {registration: 'open'});
			if (path === 'login/') await addPerson(app, 'alice');
			const {page, problems} = await openWithin(t);
			await page.goto(`${app.url}/_matrix/static/client/${path}`);
			if (path === 'login/') {
				await giveName(page, 'alice');
			} else {
				await page.locator('#username').fill('alice');
				for (const field of ['#password', '#repeated']) await page.locator(field).fill(passwordOf('alice'));
				await press(page, 'Make the account');
			}
			await press(page, 'Sign in');
			await page.getByRole('status').waitFor();
			// As these apps put it in: a frame of an address that they intercept. A policy that forbids it says so as an error.
			await page.evaluate(`void (window.${name} = (...all) => {
			const frame = document.createElement('iframe');
			frame.setAttribute('src', 'js:' + JSON.stringify(all));
			document.documentElement.appendChild(frame);
			frame.parentNode.removeChild(frame);
			window.heard = all;
		})`);
			const all = await heard(page);
			const token = path === 'login/' ? (all[0] as Session).access_token : String(all[2]);
			if (path === 'register/') t.deepEqual(all.slice(0, 2), ['news.example', '@alice:news.example']);
			t.like(await whoami(app, token), {user_id: '@alice:news.example'});
			t.deepEqual(problems, []);
		},
	);
}

testInBrowser(
	'without scripts: a journalist makes a link, a source opens it elsewhere, and the journalist ends the account',
	async (t) => {
		const config = {source_links: {enabled: true, who: ['alice'], days_max: 30, silence_days: 7}, privacy: 'server'};
		const app = await startVisited(t, config);
		for (const name of ['alice', 'bob']) await addPerson(app, name);
		const desk = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
		await signIn(desk, app, 'alice');
		await desk.getByRole('link', {name: 'Links for sources'}).click();
		await desk.getByLabel('What the link is about').fill('the ministry');
		await desk.getByLabel('Who else is in the room').fill('bob');
		await desk.getByLabel('The account ends after how many days').fill('3');
		await press(desk, 'Make a link');
		const link = await desk.locator('code', {hasText: '/source/'}).textContent();
		await desk.getByLabel('What the link is about').fill('the mistake');
		await press(desk, 'Make a link');
		const mistake = await desk.locator('code', {hasText: '/source/'}).textContent();
		await desk.getByRole('button', {name: /Take back: .?the mistake/u}).click();
		await desk.getByText('the mistake').waitFor({state: 'detached'});
		await desk.goto(`${app.url}/account/source-links`);
		t.is(await desk.locator('code', {hasText: '/source/'}).count(), 0, 'the link is shown once');

		const source = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
		await source.goto(mistake ?? '');
		await source.getByText('It was used already, or has ended.').waitFor();
		await source.goto(link ?? '');
		await press(source, 'Make the account');
		await source.getByRole('heading', {name: 'Your account'}).waitFor();
		await press(source, 'Make a password');
		await source.locator('dd code').nth(2).waitFor();
		const [user, , password] = await source.locator('dd code').allTextContents();
		const body = {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password};
		const session = (await request<Session>(app, 'POST', '/_matrix/client/v3/login', {body})).body;
		const token = session.access_token;
		t.like(await whoami(app, token), {user_id: user});

		await desk.goto(`${app.url}/account/source-links`);
		await press(desk, `End and erase ${user?.slice(0, user.indexOf(':'))}`);
		await desk.getByText(user ?? '').waitFor({state: 'detached'});
		t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token})).status, 401);
		const bob = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
		await signIn(bob, app, 'bob');
		await bob.goto(`${app.url}/account/source-links`);
		await bob.getByText('You may not make links for sources on this server.').waitFor();
		t.is((await login(app, 'alice')).user_id, '@alice:news.example');
	},
);
