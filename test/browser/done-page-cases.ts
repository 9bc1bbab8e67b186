/** The pages that say what has come of something, and those that are seen only by the way. */
import {randomBytes} from 'node:crypto';
import type {Page, Response} from 'playwright-core';
import {type App, login, passwordOf, request} from '../harness/index.ts';
import {signIn as signInByOAuth} from '../server/api/oauth/client.ts';
import {askReset} from './ask-reset.ts';
import {giveAddress, makeApproval, makeLink, withMail} from './guard-page-cases.ts';
import {type PageCase, send} from './page-cases.ts';
import {addAuthenticator, addGenerator, addPerson, newCode, signIn, signInWithCode} from './visit.ts';

const ALICE = '@alice:news.example';
const FALLBACK = '/_matrix/static/client/login/';
const addAlice = (app: App): Promise<void> => addPerson(app, 'alice');
const signedIn = {as: 'alice', prepare: addAlice} as const;

/** Alice has a code generator: a browser of hers is signed in by a recovery code. */
async function addAliceWithCodes(app: App): Promise<void> {
	await addAlice(app);
	await addGenerator(app, ALICE);
}

/** Sends a form whose button is named by what it does. */
async function sendBy(page: Page, button: string): Promise<Response | null> {
	const answered = page.waitForResponse((response) => response.request().method() === 'POST');
	await page.locator(button).first().click();
	const response = await answered;
	await page.waitForLoadState();
	return response;
}

/** Begins a registration of a client that knows none of its stages. */
async function beginRegistration(app: App): Promise<string> {
	const body = {username: 'carol', password: passwordOf('carol')};
	const {session} = (await request<{session: string}>(app, 'POST', '/_matrix/client/v3/register', {body})).body;
	return `${app.url}/_matrix/client/v3/auth/m.login.dummy/fallback/web?session=${session}`;
}

async function fillLink(page: Page, app: App, code: string): Promise<Response | null> {
	await page.goto(`${app.url}/account/recover/${await makeLink(app, 'recovery')}`);
	await page.locator('#name').fill('alice');
	await page.locator('#code').fill(code);
	for (const field of ['#password', '#repeated']) await page.locator(field).fill(passwordOf('alice'));
	return send(page);
}

/** The pages, in the order in which people come to them. */
export const donePageCases: readonly PageCase[] = [
	{
		name: 'login-fallback',
		what: 'the page for a client that knows no way to sign in',
		...signedIn,
		open: (page, app) => page.goto(app.url + FALLBACK),
	},
	{
		name: 'login-fallback-done',
		what: 'what is said when that client is let in',
		...signedIn,
		async open(page, app) {
			await page.goto(app.url + FALLBACK);
			return send(page);
		},
	},
	{
		name: 'reset',
		what: 'the page on which keys are replaced',
		...signedIn,
		open: async (page, app) => page.goto((await askReset(app, ALICE)).url),
	},
	{
		name: 'reset-done',
		what: 'what is said of keys that may be replaced',
		...signedIn,
		async open(page, app) {
			await page.goto((await askReset(app, ALICE)).url);
			return send(page);
		},
	},
	{
		name: 'set-up-done',
		what: 'what is said when a server is set up',
		async open(page, app) {
			const token = await app.application.services.setUp.open();
			// The first look has made the account.
			if (token === undefined) return page.goto(`${app.url}/setup/x`);
			await page.goto(`${app.url}/setup/${token}`);
			await page.locator('#username').fill('chief');
			for (const field of ['#password', '#repeated']) await page.locator(field).fill(passwordOf('chief'));
			return send(page);
		},
	},
	{
		name: 'register-closed',
		what: 'what is said where nobody makes an account',
		config: {registration: 'closed'},
		open: (page, app) => page.goto(`${app.url}/account/register`),
	},
	{
		name: 'account-whole',
		what: 'an account with all that there can be',
		...signedIn,
		config: {...withMail, quarantine: true, source_links: {enabled: true, who: ['alice']}},
		open: (page, app) => page.goto(`${app.url}/account`),
	},
	{
		name: 'password-done',
		what: 'what is said of a new password',
		...signedIn,
		async open(page, app) {
			await page.goto(`${app.url}/account/password`);
			await page.locator('input[name="end_others"]').uncheck();
			for (const field of ['#password', '#repeated']) await page.locator(field).fill(passwordOf('alice'));
			return send(page);
		},
	},
	{
		name: 'passkeys-some',
		what: 'the page of passkeys with some',
		async open(page, app) {
			await addAuthenticator(page);
			const name = `keeper${randomBytes(4).toString('hex')}`;
			await addPerson(app, name);
			await signIn(page, app, name);
			await page.goto(`${app.url}/account/passkeys/add`);
			await page.locator('#name').fill('Telephone');
			await page.locator('main form button').click();
			await page.locator('ol').waitFor();
			return page.goto(`${app.url}/account/passkeys`);
		},
	},
	{
		name: 'totp-on',
		what: 'the page of a code generator that is set up',
		prepare: addAliceWithCodes,
		async open(page, app) {
			await signInWithCode(page, app, 'alice', await newCode(app, ALICE));
			return page.goto(`${app.url}/account/totp`);
		},
	},
	{
		name: 'recovery-codes-new',
		what: 'the page of new recovery codes',
		prepare: addAliceWithCodes,
		async open(page, app) {
			await signInWithCode(page, app, 'alice', await newCode(app, ALICE));
			await page.goto(`${app.url}/account/recovery-codes`);
			return send(page);
		},
	},
	{
		name: 'email-sent',
		what: 'what is said of a link to an address',
		...signedIn,
		config: withMail,
		async open(page, app) {
			await page.goto(`${app.url}/account/email`);
			await page.locator('#email').fill('alice@mail.example');
			return sendBy(page, 'button[value="set"]');
		},
	},
	{
		name: 'email-confirm-done',
		what: 'what is said of an address that is confirmed',
		prepare: addAlice,
		config: withMail,
		async open(page, app) {
			await page.goto(`${app.url}/account/email/confirm/${await makeLink(app, 'address')}`);
			return send(page);
		},
	},
	{
		name: 'recover-wrong',
		what: 'the page that sets a new password after a mistake',
		config: withMail,
		async prepare(app) {
			await giveAddress(app);
			await addGenerator(app, ALICE);
		},
		open: (page, app) => fillLink(page, app, '000000'),
	},
	{
		name: 'recover-done',
		what: 'what is said of a password that was set by a link',
		config: withMail,
		async prepare(app) {
			await giveAddress(app);
			await addGenerator(app, ALICE);
		},
		open: async (page, app) => fillLink(page, app, await newCode(app, ALICE)),
	},
	{
		name: 'approve-done',
		what: 'what is said of a session that is approved',
		config: {quarantine: true},
		async prepare(app) {
			await addAlice(app);
			await login(app, 'alice');
		},
		async open(page, app) {
			await login(app, 'alice');
			await page.goto(`${app.url}/account/approve/${await makeApproval(app)}`);
			return send(page);
		},
	},
	{
		name: 'source-link-made',
		what: 'the page that shows a link for a source, once',
		...signedIn,
		config: {source_links: {enabled: true, who: ['alice']}},
		async open(page, app) {
			await page.goto(`${app.url}/account/source-links`);
			await page.locator('#name').fill('the ministry');
			return sendBy(page, 'button[value="create"]');
		},
	},
	{
		name: 'link-denied',
		what: 'what is said of a device that is not let in',
		...signedIn,
		config: {registration: 'open'},
		async open(page, app) {
			const {clientId} = await signInByOAuth(app, ALICE);
			const scope = 'urn:matrix:client:api:* urn:matrix:client:device:AAABBBCCCDDD';
			const body = new URLSearchParams({client_id: clientId, scope});
			const started = await fetch(`${app.url}/oauth2/device`, {method: 'POST', body});
			const {user_code: code} = (await started.json()) as {user_code: string};
			await page.goto(`${app.url}/oauth2/link?user_code=${code}`);
			return sendBy(page, 'button[value="deny"]');
		},
	},
	{
		name: 'fallback-done',
		what: 'what is said of a stage that is completed',
		config: {registration: 'open'},
		async open(page, app) {
			await page.goto(await beginRegistration(app));
			return send(page);
		},
	},
	{
		name: 'deactivate-done',
		what: 'what is said of an account that has ended',
		async open(page, app) {
			const name = `leaver${randomBytes(4).toString('hex')}`;
			await addPerson(app, name);
			await signIn(page, app, name);
			await page.goto(`${app.url}/account/deactivate`);
			await page.locator('#user_id').fill(`@${name}:news.example`);
			return send(page);
		},
	},
];
