/** A server whose pages are seen in a real browser, and what people do there. */
import type {ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {Browser, BrowserContext, BrowserContextOptions, Page} from 'playwright-core';
import type {UserId} from '../../crypto/index.ts';
import {type App, type AppOptions, findFreePort, passwordOf, signInOnPage, startApp} from '../harness/index.ts';

const WITHIN_MS = 30_000;

/** Starts a server that is found at `localhost`: passkeys belong to a name. */
export async function startVisited(t: ExecutionContext, config: AppOptions['config'] = {}): Promise<App> {
	const port = await findFreePort('127.0.0.1');
	const serves = ['client', 'federation', 'well-known', 'admin', 'metrics'];
	const url = `http://localhost:${port}`;
	const app = await startApp(t, {
		config: {public_url: url, listeners: [{address: '127.0.0.1', port, serves}], ...config},
	});
	return {...app, url};
}

/** Opens a profile of its own, in English unless said otherwise. */
export async function openContext(
	t: ExecutionContext,
	browser: Browser,
	options: BrowserContextOptions = {},
): Promise<BrowserContext> {
	const context = await browser.newContext({locale: 'en', ...options});
	t.teardown(() => context.close());
	context.setDefaultTimeout(WITHIN_MS);
	return context;
}

/** Makes somebody an account, where only who has a token may. */
export async function addPerson({application}: App, username: string): Promise<void> {
	const {accounts} = application.services;
	const userId = accounts.checkNewName(username);
	if ((await accounts.find(userId)) === undefined) await accounts.register({userId, password: passwordOf(username)});
}

/** Gives name and password on the page that asks for them. */
export async function giveName(page: Page, username: string): Promise<void> {
	await page.locator('#username').fill(username);
	await page.locator('#password').fill(passwordOf(username));
	await page.locator('main form button').first().click();
}

/** Signs somebody in, and ends on the page of their account. */
export async function signIn(page: Page, app: App, username: string): Promise<void> {
	await page.goto(`${app.url}/account/sign-in`);
	await giveName(page, username);
	await page.waitForURL(`${app.url}/account`);
}

/** Signs somebody in beside the browser; what a browser is to be given then. */
export async function signedInCookies(
	app: App,
	username: string,
): Promise<{name: string; value: string; url: string}[]> {
	const {cookies} = await signInOnPage(app, username, passwordOf(username));
	return [...cookies].map(([name, value]) => ({name, value, url: app.url}));
}

/** Presses a button by the whole of what stands on it. */
export const press = (page: Page, name: string): Promise<void> => page.getByRole('button', {name, exact: true}).click();

/** Waits for the page that has this heading. */
export const heading = (page: Page, name: string): Promise<void> =>
	page.getByRole('heading', {name, exact: true}).waitFor();

/** Sets a code generator up for somebody, beside their browser. */
export async function addGenerator({application}: App, userId: string): Promise<void> {
	const {secondFactor} = application.services;
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the id of an account that the test has made
	const owner = userId as UserId;
	const {secret} = await secondFactor.beginTotp(owner);
	await secondFactor.confirmTotp(owner, new TOTP({secret: Secret.fromBase32(secret)}).generate(), 'test');
}

/** Makes somebody new recovery codes, and gives one. */
export async function newCode({application}: App, userId: string): Promise<string> {
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the id of an account that the test has made
	const [code = ''] = await application.services.secondFactor.renewRecoveryCodes(userId as UserId);
	return code;
}

/** Signs somebody in who has a second factor, and ends on the page of their account. */
export async function signInWithCode(page: Page, app: App, username: string, code: string): Promise<void> {
	await page.goto(`${app.url}/account/sign-in`);
	await giveName(page, username);
	await page.waitForURL(`${app.url}/account/sign-in/second-step`);
	await page.locator('#code').fill(code);
	await page.locator('main form button').last().click();
	await page.waitForURL(`${app.url}/account`);
}

/** Gives the page an authenticator that is always at hand, and whose person is always recognised. */
export async function addAuthenticator(page: Page): Promise<void> {
	const devtools = await page.context().newCDPSession(page);
	await devtools.send('WebAuthn.enable');
	await devtools.send('WebAuthn.addVirtualAuthenticator', {
		options: {
			protocol: 'ctap2',
			transport: 'internal',
			hasResidentKey: true,
			hasUserVerification: true,
			isUserVerified: true,
			automaticPresenceSimulation: true,
		},
	});
}
