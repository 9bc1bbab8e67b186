/** Second factors in a real browser: passkeys of an authenticator that the browser plays, and codes without scripts. */
import test, {type ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {Browser, BrowserContextOptions, CDPSession, Page} from 'playwright-core';
import {type App, call, findFreePort, passwordOf, register, startApp} from '../harness/index.ts';
import {findChromium, startBrowser, takeScreenshot} from './browser.ts';

const WITHIN_MS = 30_000;

// Run by itself (`npm run test:browser`): a browser takes most of a small machine while other tests count on their part.
const isAsked = process.env['BROADSHEET_BROWSER'] !== undefined;
const program = findChromium();
const testInBrowser = isAsked && program !== undefined ? test : test.skip;
if (isAsked && program === undefined) console.log('skipped: no chromium is here');

/** Passkeys belong to a name: the server is found at `localhost`. */
async function startNamed(t: ExecutionContext, config: Readonly<Record<string, unknown>> = {}): Promise<App> {
	const port = await findFreePort('127.0.0.1');
	const url = `http://localhost:${port}`;
	const listeners = [{address: '127.0.0.1', port, serves: ['client']}];
	const app = await startApp(t, {config: {public_url: url, listeners, ...config}});
	return {...app, url};
}

async function openPage(t: ExecutionContext, browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
	const context = await browser.newContext({locale: 'en', ...options});
	t.teardown(() => context.close());
	context.setDefaultTimeout(WITHIN_MS);
	const page = await context.newPage();
	page.on('pageerror', (error) => t.log(error.message));
	return page;
}

interface PlayedAuthenticator {
	readonly devtools: CDPSession;
	readonly authenticatorId: string;
}

/** Gives the page an authenticator that is always at hand, and whose person is always recognised. */
async function addAuthenticator(page: Page): Promise<PlayedAuthenticator> {
	const devtools = await page.context().newCDPSession(page);
	await devtools.send('WebAuthn.enable');
	const {authenticatorId} = await devtools.send('WebAuthn.addVirtualAuthenticator', {
		options: {
			protocol: 'ctap2',
			transport: 'internal',
			hasResidentKey: true,
			hasUserVerification: true,
			isUserVerified: true,
			automaticPresenceSimulation: true,
		},
	});
	return {devtools, authenticatorId};
}

async function givePassword(page: Page, app: App): Promise<void> {
	await page.goto(`${app.url}/account/sign-in`);
	await page.getByLabel('Name').fill('alice');
	await page.getByLabel('Password').fill(passwordOf('alice'));
	await page.getByRole('button', {name: 'Sign in'}).click();
}

async function isAccount(page: Page, app: App): Promise<void> {
	await page.waitForURL(`${app.url}/account`);
	await page.getByText('@alice:news.example').waitFor();
}

const signOut = (page: Page): Promise<void> => page.getByRole('button', {name: 'Sign out'}).click();
const goOn = (page: Page): Promise<void> => page.getByRole('button', {name: 'Continue'}).click();

/** Adds a passkey, and gives the recovery codes that come with the first. */
async function addPasskey(page: Page, name: string): Promise<string[]> {
	await page.getByLabel('Name of the passkey').fill(name);
	await page.getByRole('button', {name: 'Add a passkey'}).click();
	await page.getByRole('heading', {name: 'Recovery codes'}).waitFor();
	const codes = await page.locator('ol code').allTextContents();
	await page.getByRole('link', {name: 'I have written them down'}).click();
	return codes;
}

testInBrowser('a passkey is made, signs in with and without a password, and with its person alone', async (t) => {
	const app = await startNamed(t);
	await register(app, 'alice');
	const page = await openPage(t, await startBrowser(t, program ?? ''));
	const {devtools, authenticatorId} = await addAuthenticator(page);
	await givePassword(page, app);
	await isAccount(page, app);
	await page.getByRole('link', {name: 'Passkeys'}).click();
	await page.getByText('You have no passkey yet.').waitFor();
	await page.getByRole('link', {name: 'Add a passkey'}).click();
	await takeScreenshot(page, 'passkey-add');
	t.is((await addPasskey(page, 'This phone')).length, 10);
	await page.getByText('This phone').first().waitFor();
	await takeScreenshot(page, 'passkeys');
	const {credentials} = await devtools.send('WebAuthn.getCredentials', {authenticatorId});
	t.is(credentials.length, 1);
	t.like(credentials[0], {isResidentCredential: true, rpId: 'localhost'});

	// Neither name nor password.
	await signOut(page);
	await page.getByRole('link', {name: 'Use a passkey'}).click();
	await goOn(page);
	await isAccount(page, app);

	// The password, then the passkey.
	await signOut(page);
	await givePassword(page, app);
	await page.waitForURL(`${app.url}/account/sign-in/second-step`);
	await takeScreenshot(page, 'second-step');
	await page.getByRole('link', {name: 'Use a passkey'}).click();
	await goOn(page);
	await isAccount(page, app);

	// Somebody else holds the telephone.
	await signOut(page);
	await devtools.send('WebAuthn.setUserVerified', {authenticatorId, isUserVerified: false});
	await page.getByRole('link', {name: 'Use a passkey'}).click();
	await goOn(page);
	await page.getByRole('alert').getByText('That did not work').waitFor();
	await page.goto(`${app.url}/account`);
	await page.waitForURL(/sign-in/u);
});

testInBrowser('who must have a second factor sets a passkey up before anything else', async (t) => {
	const app = await startNamed(t, {second_factor: 'everybody', registration: 'open'});
	const {access_token: token} = await register(app, 'alice');
	await call(app, 'POST', '/_matrix/client/v3/logout', {token});
	const page = await openPage(t, await startBrowser(t, program ?? ''), {colorScheme: 'dark'});
	await addAuthenticator(page);
	await givePassword(page, app);
	await page.waitForURL(`${app.url}/account/sign-in/set-up`);
	await takeScreenshot(page, 'choose-factor-dark');
	await page.getByRole('link', {name: 'Add a passkey'}).click();
	t.is((await addPasskey(page, 'This computer')).length, 10);
	await isAccount(page, app);
});

testInBrowser('codes and recovery codes are set up and used without scripts', async (t) => {
	const app = await startNamed(t);
	await register(app, 'alice');
	const options = {javaScriptEnabled: false, viewport: {width: 390, height: 844}};
	const page = await openPage(t, await startBrowser(t, program ?? ''), options);
	await givePassword(page, app);
	await isAccount(page, app);
	await page.getByRole('link', {name: 'Code generator'}).click();
	await page.getByRole('button', {name: 'Set up a code generator'}).click();
	await page.getByRole('img', {name: 'Picture of the secret'}).waitFor();
	await takeScreenshot(page, 'totp-phone');
	const secret = ((await page.locator('dd code').textContent()) ?? '').replaceAll(' ', '');
	const totp = new TOTP({secret: Secret.fromBase32(secret)});
	await page.getByLabel('Code that the app shows now').fill(totp.generate({timestamp: Date.now() - 30_000}));
	await goOn(page);
	const codes = await page.locator('ol code').allTextContents();
	t.is(codes.length, 10);
	await page.getByRole('link', {name: 'I have written them down'}).click();
	for (const code of [totp.generate(), codes[0] ?? '']) {
		await signOut(page);
		await givePassword(page, app);
		await page.getByLabel('Code of your code generator').fill(code);
		await goOn(page);
		await isAccount(page, app);
	}
	await signOut(page);
	await givePassword(page, app);
	await page.getByLabel('Code of your code generator').fill(codes[0] ?? '');
	await goOn(page);
	await page.getByRole('alert').waitFor();
	await page.goto(`${app.url}/account`);
	await page.waitForURL(/sign-in/u);
});
