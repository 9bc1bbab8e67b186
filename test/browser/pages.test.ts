/** The pages of the server in a real browser: how they look, who can use them, and that they need no scripts. */
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {ExecutionContext} from 'ava';
import axe from 'axe-core';
import type {BrowserContextOptions, Page} from 'playwright-core';
import {type App, call, passwordOf, register, request, type Session, startApp, Visitor} from '../harness/index.ts';
import {come, start as startWithProvider} from '../server/identity-providers/world.ts';
import {takeScreenshot} from './browser.ts';
import {sharedBrowser, testInBrowser} from './in-browser.ts';
import {donePageCases} from './done-page-cases.ts';
import {guardPageCases} from './guard-page-cases.ts';
import {type PageCase, pageCases} from './page-cases.ts';
import {openContext, signedInCookies, startVisited} from './visit.ts';

type Look = readonly [string, BrowserContextOptions];

/** How pages are looked at always: narrow and wide, by day and by night, in both directions. */
const LOOKS: readonly Look[] = [
	['phone-light', {viewport: {width: 390, height: 844}, colorScheme: 'light', isMobile: true}],
	['desktop-dark-rtl', {viewport: {width: 1280, height: 800}, colorScheme: 'dark', locale: 'fa'}],
];
/** And besides, where somebody wants to see them. */
const MORE_LOOKS: readonly Look[] = [
	['phone-dark-rtl', {viewport: {width: 390, height: 844}, colorScheme: 'dark', locale: 'fa', isMobile: true}],
	['desktop-light-rtl', {viewport: {width: 1280, height: 800}, colorScheme: 'light', locale: 'ar'}],
	['desktop-dark', {viewport: {width: 1280, height: 800}, colorScheme: 'dark', locale: 'de'}],
];
/** What a sign-in page may weigh, with all that it needs. */
const BYTES_MAX = 50_000;

interface Finding {
	readonly id: string;
	readonly nodes: readonly {readonly html: string; readonly failureSummary?: string}[];
}

/** Lists what of a page somebody could not see, read or reach. */
async function listBarriers(page: Page): Promise<string[]> {
	await page.evaluate(axe.source);
	const violations = await page.evaluate<Finding[]>(
		'axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations)',
	);
	return violations.flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html} ${failureSummary}`));
}

/** Goes to a page in every look; what is seen is kept where somebody wants it. */
async function look(t: ExecutionContext, app: App, {name, as, open}: PageCase): Promise<void> {
	const cookies = as === undefined ? [] : await signedInCookies(app, as);
	const looks = process.env['BROADSHEET_SCREENSHOTS'] === undefined ? LOOKS : [...LOOKS, ...MORE_LOOKS];
	for (const [kind, options] of looks) {
		const context = await openContext(t, sharedBrowser(), options);
		await context.addCookies(cookies);
		const page = await context.newPage();
		const problems: string[] = [];
		page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
		page.on('pageerror', (error) => void problems.push(error.message));
		const response = await open(page, app);
		if (response !== null) t.true(response.headers()['content-type']?.startsWith('text/html'), name);
		t.deepEqual(await listBarriers(page), [], `${name}, ${kind}`);
		const width = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
		t.true(width <= 0, `${name}, ${kind}: ${width} pixels too wide`);
		// A refusal is an error to the console as well.
		if ((response?.status() ?? 200) < 400) t.deepEqual(problems, [], `${name}, ${kind}`);
		await takeScreenshot(page, `page-${name}-${kind}`);
		await context.close();
	}
}

for (const one of [...pageCases, ...guardPageCases, ...donePageCases]) {
	testInBrowser(
		`everybody can see, read and use ${one.what}, on a telephone and a desk, by day and by night`,
		async (t) => {
			const app = await startVisited(t, {registration: 'token', ...one.config});
			await one.prepare?.(app);
			await look(t, app, one);
		},
	);
}

testInBrowser(
	'everybody can see, read and use the page on which who is vouched for elsewhere chooses a name, and chooses one there',
	async (t) => {
		const world = await startWithProvider(t);
		const {app, provider} = world;
		// Without a suggestion there is a name to be chosen.
		provider.person = {sub: 'person-2', sid: 'session-2'};
		const open = async (page: Page) => {
			const visitor = new Visitor(app);
			await come(world, visitor);
			const cookies = [...visitor.cookies].map(([name, value]) => ({name, value, url: app.url}));
			await page.context().addCookies(cookies);
			return page.goto(`${app.url}/account/sign-in/choose-name`);
		};
		await look(t, app, {name: 'choose-name', what: 'the page that has a name chosen', open});
		const page = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
		await open(page);
		await page.getByLabel('Name').fill('grace');
		await page.getByRole('button', {name: 'Make the account'}).click();
		await page.getByText('@grace:news.example').waitFor();
	},
);

testInBrowser('a sign-in page is one answer of less than 50 KB, and asks nothing of anybody else', async (t) => {
	const app = await startApp(t);
	const page = await (await openContext(t, sharedBrowser())).newPage();
	const asked: string[] = [];
	page.on('request', (sent) => void asked.push(sent.url()));
	const response = await page.goto(`${app.url}/account/sign-in`, {waitUntil: 'networkidle'});
	t.deepEqual(asked, [`${app.url}/account/sign-in`]);
	const bytes = (await response?.body())?.length ?? 0;
	const head = JSON.stringify(await response?.allHeaders()).length;
	t.log(`${bytes} bytes, and ${head} of headers`);
	t.true(bytes > 0 && bytes + head < BYTES_MAX);
	const colour = await page.evaluate<string>('getComputedStyle(document.querySelector("main button")).backgroundColor');
	t.is(colour, 'rgb(29, 78, 216)', 'the style in the page counts');
});

testInBrowser('without scripts people sign in, are told of mistakes, choose a language and sign out', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const page = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
	await page.goto(`${app.url}/account`);
	await page.getByLabel('Name').fill('alice');
	await page.getByLabel('Password').fill('wrong horse');
	await page.getByRole('button', {name: 'Sign in'}).click();
	await page.getByRole('alert').filter({hasText: 'The name or the password is wrong'}).waitFor();
	await page.getByRole('button', {name: 'Deutsch'}).click();
	await page.getByRole('heading', {name: 'Anmelden'}).waitFor();
	await page.getByLabel('Name').fill('alice');
	await page.getByLabel('Passwort').fill(passwordOf('alice'));
	await page.getByLabel('Passwort').press('Enter');
	await page.getByRole('heading', {name: 'Ihr Konto'}).waitFor();
	await page.getByText('@alice:news.example').waitFor();
	await page.getByRole('button', {name: 'Abmelden'}).click();
	await page.getByRole('heading', {name: 'Anmelden'}).waitFor();
	await page.goto(`${app.url}/account`);
	await page.getByRole('heading', {name: 'Anmelden'}).waitFor();
	t.pass();
});

testInBrowser(
	'by the keyboard alone people come to every field and button, in the order in which they are read',
	async (t) => {
		const app = await startApp(t);
		await register(app, 'alice');
		const page = await (await openContext(t, sharedBrowser())).newPage();
		await page.goto(`${app.url}/account/sign-in`);
		const focused = () => page.evaluate<string>('document.activeElement.id || document.activeElement.textContent');
		t.is(await focused(), 'username');
		await page.keyboard.type('alice');
		await page.keyboard.press('Tab');
		t.is(await focused(), 'password');
		await page.keyboard.type(passwordOf('alice'));
		await page.keyboard.press('Tab');
		t.is(await focused(), 'Sign in');
		const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
		t.is(outline, 'solid');
		await page.keyboard.press('Enter');
		await page.getByRole('heading', {name: 'Your account'}).waitFor();
	},
);

/** A client on another origin, which wants to be given a token. Gives its address. */
async function serveRedirectTarget(t: ExecutionContext): Promise<string> {
	const server = createServer((_, response) => {
		response.writeHead(200, {'content-type': 'text/html'}).end('<h1>The client</h1>');
	});
	await new Promise<void>((resolve) => {
		server.listen(0, '127.0.0.1', resolve);
	});
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/back?state=1`;
}

testInBrowser('without scripts a client is let in that sends its person to the browser', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const redirectUrl = await serveRedirectTarget(t);
	const page = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
	const query = new URLSearchParams({redirectUrl}).toString();
	await page.goto(`${app.url}/_matrix/client/v3/login/sso/redirect?${query}`);
	await page.getByLabel('Name').fill('alice');
	await page.getByLabel('Password').fill(passwordOf('alice'));
	await page.getByRole('button', {name: 'Sign in'}).click();
	await page.getByText(new URL(redirectUrl).host).waitFor();
	await page.getByRole('button', {name: 'Go on and sign in there'}).click();
	await page.getByRole('heading', {name: 'The client'}).waitFor();
	const token = new URL(page.url()).searchParams.get('loginToken');
	const body = {type: 'm.login.token', token};
	const session = await call<Session>(app, 'POST', '/_matrix/client/v3/login', {body});
	t.is(session.user_id, '@alice:news.example');
});

testInBrowser(
	'without scripts the first administrator sets the server up, and a colleague makes an account by token',
	async (t) => {
		const app = await startApp(t, {config: {registration: 'token'}});
		const {setUp, accounts} = app.application.services;
		const link = `${app.url}/setup/${await setUp.open()}`;
		const page = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
		const fillIn = async (name: string) => {
			await page.getByLabel('Name').fill(name);
			await page.getByLabel('Password', {exact: true}).fill(passwordOf(name));
			await page.getByLabel('Password again').fill(passwordOf(name));
			await page.getByRole('button', {name: 'Make the account'}).click();
		};
		await page.goto(link);
		await fillIn('chief');
		await page.getByRole('heading', {name: 'The account is made'}).waitFor();
		const token = await accounts.createRegistrationToken({
			name: 'desk',
			usesAllowed: 1,
			expiresTs: null,
			makesAdmin: false,
		});
		await page.goto(`${app.url}/account/sign-in`);
		await page.getByRole('link', {name: 'Make an account'}).click();
		await page.getByLabel('Registration token').fill('wrong');
		await fillIn('alice');
		await page.getByRole('alert').filter({hasText: 'not valid'}).waitFor();
		await page.getByLabel('Registration token').fill(token);
		await fillIn('alice');
		await page.getByRole('heading', {name: 'Your account'}).waitFor();
		t.like(await accounts.find(accounts.checkNewName('chief')), {isAdmin: true});
		t.like(await accounts.find(accounts.checkNewName('alice')), {isAdmin: false});
	},
);

testInBrowser(
	'a page for a client that knows no stage tells the window that opened it, where there are scripts',
	async (t) => {
		const app = await startApp(t);
		const opener = await (await openContext(t, sharedBrowser())).newPage();
		const body = {username: 'alice', password: passwordOf('alice')};
		const {session} = (await request<{session: string}>(app, 'POST', '/_matrix/client/v3/register', {body})).body;
		await opener.goto(await serveRedirectTarget(t));
		await opener.evaluate(
			'void (window.heard = new Promise((resolve) => addEventListener("message", ({data}) => resolve(data))))',
		);
		const popup = opener.waitForEvent('popup');
		await opener.evaluate(
			`void open(${JSON.stringify(`${app.url}/_matrix/client/v3/auth/m.login.dummy/fallback/web?session=${session}`)})`,
		);
		await (await popup).getByRole('button', {name: 'Continue'}).click();
		t.is(await opener.evaluate<string>('window.heard'), 'authDone');
		await call(app, 'POST', '/_matrix/client/v3/register', {body: {...body, auth: {session}}});
	},
);
