/** Every page of the server, one row each: how a browser comes to it. */
import type {Page, Response} from 'playwright-core';
import {type App, type AppOptions, login, request, register} from '../harness/index.ts';
import {addGenerator, addPerson, giveName} from './visit.ts';

/** A page that is looked at. */
export interface PageCase {
	/** In names of files. */
	readonly name: string;
	/** In titles: `the sign-in page`. */
	readonly what: string;
	/** Who is signed in; absent: nobody. */
	readonly as?: 'alice';
	/** How the server differs from one with accounts by token. */
	readonly config?: AppOptions['config'];
	/** Done once, before a browser comes. */
	readonly prepare?: (app: App) => Promise<void>;
	readonly open: (page: Page, app: App) => Promise<Response | null>;
}

const at =
	(path: string): PageCase['open'] =>
	(page, app) =>
		page.goto(app.url + path);

const addAlice = (app: App): Promise<void> => addPerson(app, 'alice');
const signedIn = {as: 'alice', prepare: addAlice} as const;

/** Alice may make links for sources. */
const withSources = {config: {source_links: {enabled: true, who: ['alice']}}, prepare: addAlice} as const;

/** Makes a link for a source in alice's name, and opens its page. */
async function openSourceLink(page: Page, {application, url}: App): Promise<Response | null> {
	const {accounts, sourceLinks} = application.services;
	const link = await sourceLinks.create(accounts.checkNewName('alice'), {name: 'the ministry'});
	return page.goto(url + new URL(link.url).pathname);
}

/** Sends the page's first form, its fields filled in as they are by the page. */
export async function send(page: Page): Promise<Response | null> {
	const answered = page.waitForResponse((response) => response.request().method() === 'POST');
	await page.locator('main form button').first().click();
	const response = await answered;
	await page.waitForLoadState();
	return response;
}

/** A program that asks to sign in: where it sends its person, and what a device without a browser shows. */
async function beginOAuth({url}: App): Promise<{readonly path: string; readonly userCode: string}> {
	const redirectUri = 'https://app.example/callback';
	const registered = await fetch(`${url}/oauth2/clients/register`, {
		method: 'POST',
		headers: {'content-type': 'application/json'},
		body: JSON.stringify({
			client_name: 'Fable for desks',
			client_uri: 'https://app.example/',
			policy_uri: 'https://app.example/privacy',
			redirect_uris: [redirectUri],
			grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
		}),
	});
	const {client_id: clientId} = (await registered.json()) as {client_id: string};
	const scope = 'urn:matrix:client:api:* urn:matrix:client:device:AAABBBCCCDDD';
	const search = new URLSearchParams({
		response_type: 'code',
		client_id: clientId,
		redirect_uri: redirectUri,
		scope,
		code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
		code_challenge_method: 'S256',
	});
	const body = new URLSearchParams({client_id: clientId, scope});
	const started = await fetch(`${url}/oauth2/device`, {method: 'POST', body});
	const {user_code: userCode} = (await started.json()) as {user_code: string};
	return {path: `/oauth2/authorize?${search.toString()}`, userCode};
}

/** Mail is on, and nobody takes it. */
const SMTP = {smtp: {host: '127.0.0.1', port: 9, tls: 'off', from: 'server@news.example'}};

/** Other services that sign people in; none of them is there. */
const PROVIDERS = {
	identity_providers: [
		{
			id: 'house',
			kind: 'oidc',
			name: 'The House',
			issuer: 'https://sso.example',
			client_id: 'x',
			client_secret: 'secret',
		},
		{
			id: 'press',
			kind: 'oidc',
			name: 'The Press',
			issuer: 'https://id.example',
			client_id: 'x',
			client_secret: 'secret',
		},
	],
};

/** The pages, in the order in which people come to them. */
export const pageCases: readonly PageCase[] = [
	{name: 'sign-in', what: 'the sign-in page', open: at('/account/sign-in')},
	{
		name: 'sign-in-wrong',
		what: 'the sign-in page after a mistake',
		async open(page, app) {
			await page.goto(`${app.url}/account/sign-in`);
			await page.locator('#username').fill('nobody');
			await page.locator('#password').fill('wrong horse');
			return send(page);
		},
	},
	{name: 'register', what: 'the page that makes an account', open: at('/account/register?token=bsg_0123456789')},
	{
		name: 'register-wrong',
		what: 'the page that makes an account after a mistake',
		async open(page, app) {
			await page.goto(`${app.url}/account/register?token=x`);
			await page.locator('#username').fill('somebody');
			await page.locator('#password').fill('wrong horse');
			await page.locator('#repeated').fill('wrong horse');
			return send(page);
		},
	},
	{name: 'account', what: 'the account', ...signedIn, open: at('/account')},
	{name: 'source', what: 'the page of a link for a source', ...withSources, open: openSourceLink},
	{
		name: 'source-made',
		what: 'the account of a source',
		...withSources,
		async open(page, app) {
			await openSourceLink(page, app);
			await send(page);
			return page.goto(`${app.url}/source`);
		},
	},
	{
		name: 'source-password',
		what: 'the password of a source',
		...withSources,
		async open(page, app) {
			await openSourceLink(page, app);
			await send(page);
			return send(page);
		},
	},
	{name: 'source-gone', what: 'a link for a source that is over', open: at('/source/x')},
	{
		name: 'source-links',
		what: 'the page that makes links for sources',
		...signedIn,
		...withSources,
		async open(page, app) {
			const {accounts, sourceLinks} = app.application.services;
			const alice = accounts.checkNewName('alice');
			await sourceLinks.create(alice, {name: 'the ministry'});
			const {url} = await sourceLinks.create(alice, {name: 'the harbour'});
			await sourceLinks.open(url.slice(url.lastIndexOf('/') + 1));
			return page.goto(`${app.url}/account/source-links`);
		},
	},
	{
		name: 'to-client',
		what: 'the page that lets a client in',
		...signedIn,
		open: at('/account/to-client?redirectUrl=https%3A%2F%2Fapp.example%2F'),
	},
	{
		name: 'consent',
		what: 'the page that asks whether a program may sign in',
		...signedIn,
		open: async (page, app) => page.goto(app.url + (await beginOAuth(app)).path),
	},
	{
		name: 'consent-failed',
		what: 'a program’s request that cannot be answered',
		...signedIn,
		open: at('/oauth2/authorize?client_id=x'),
	},
	{name: 'link', what: 'the page that asks for a device’s code', ...signedIn, open: at('/oauth2/link')},
	{
		name: 'link-consent',
		what: 'the page that asks whether a device may sign in',
		...signedIn,
		open: async (page, app) => page.goto(`${app.url}/oauth2/link?user_code=${(await beginOAuth(app)).userCode}`),
	},
	{
		name: 'link-wrong',
		what: 'a device’s code that is wrong',
		...signedIn,
		open: at('/oauth2/link?user_code=AAAA-AAAA'),
	},
	{
		name: 'link-done',
		what: 'what is said of a device that signs in',
		...signedIn,
		async open(page, app) {
			await page.goto(`${app.url}/oauth2/link?user_code=${(await beginOAuth(app)).userCode}`);
			return send(page);
		},
	},
	{
		name: 'reset-gone',
		what: 'a replacement of keys that nobody waits for',
		...signedIn,
		open: at('/oauth2/reset-identity?session=x'),
	},
	{
		name: 'problem',
		what: 'a page that says what did not work',
		...signedIn,
		open: at('/account/to-client?redirectUrl=x'),
	},
	{
		name: 'set-up',
		what: 'the page that sets a server up',
		open: async (page, app) => page.goto(`${app.url}/setup/${(await app.application.services.setUp.open()) ?? ''}`),
	},
	{name: 'set-up-gone', what: 'a link that is over', open: at('/setup/x')},
	{
		name: 'fallback',
		what: 'the page that completes a stage',
		async open(page, app) {
			const path = '/_matrix/client/v3/register';
			const {body} = await request<{session: string}>(app, 'POST', path, {body: {username: 'x', password: 'y'}});
			return page.goto(
				`${app.url}/_matrix/client/v3/auth/m.login.registration_token/fallback/web?session=${body.session}`,
			);
		},
	},
	{
		name: 'second-step',
		what: 'the page that asks for a code',
		async prepare(app) {
			await addAlice(app);
			await addGenerator(app, '@alice:news.example');
		},
		async open(page, app) {
			await page.goto(`${app.url}/account/sign-in`);
			await giveName(page, 'alice');
			await page.waitForURL(`${app.url}/account/sign-in/second-step`);
			await page.locator('#code').fill('000000');
			return send(page);
		},
	},
	{
		name: 'choose-factor',
		what: 'the page that has a factor chosen',
		config: {second_factor: 'everybody'},
		prepare: addAlice,
		async open(page, app) {
			await page.goto(`${app.url}/account/sign-in`);
			await giveName(page, 'alice');
			await page.waitForURL(`${app.url}/account/sign-in/set-up`);
			return null;
		},
	},
	{
		name: 'vouching',
		what: 'the page that asks who has no factor yet for a code',
		config: {second_factor: 'everybody', registration: 'open'},
		async prepare(app) {
			await register(app, 'alice');
		},
		async open(page, app) {
			await page.goto(`${app.url}/account/sign-in`);
			await giveName(page, 'alice');
			await page.waitForURL(`${app.url}/account/sign-in/second-step`);
			return null;
		},
	},
	{name: 'passkey', what: 'the page that asks for a passkey', open: at('/account/sign-in/passkey')},
	{name: 'password', what: 'the page for another password', ...signedIn, open: at('/account/password')},
	{name: 'passkeys', what: 'the page of passkeys', ...signedIn, open: at('/account/passkeys')},
	{name: 'add-passkey', what: 'the page that adds a passkey', ...signedIn, open: at('/account/passkeys/add')},
	{name: 'totp', what: 'the page of the code generator', ...signedIn, open: at('/account/totp')},
	{
		name: 'totp-set-up',
		what: 'the page that sets a code generator up',
		...signedIn,
		async open(page, app) {
			await page.goto(`${app.url}/account/totp`);
			return send(page);
		},
	},
	{name: 'recovery-codes', what: 'the page of recovery codes', ...signedIn, open: at('/account/recovery-codes')},
	{
		name: 'sessions',
		what: 'the page of sessions',
		as: 'alice',
		async prepare(app) {
			await addAlice(app);
			for (let count = 0; count < 2; count += 1) await login(app, 'alice');
		},
		open: at('/account/sessions'),
	},
	{name: 'data', what: 'the page that gives people their data', ...signedIn, open: at('/account/data')},
	{name: 'deactivate', what: 'the page that ends an account', ...signedIn, open: at('/account/deactivate')},
	{name: 'email', what: 'the page of an e-mail address', ...signedIn, config: SMTP, open: at('/account/email')},
	{name: 'recover', what: 'the page that recovers an account', config: SMTP, open: at('/account/recover')},
	{
		name: 'recover-asked',
		what: 'what is said of a link that was asked for',
		config: SMTP,
		async open(page, app) {
			await page.goto(`${app.url}/account/recover`);
			await page.locator('#name').fill('nobody');
			return send(page);
		},
	},
	{name: 'recover-gone', what: 'a link of a mail that is over', config: SMTP, open: at('/account/recover/x')},
	{
		name: 'waiting',
		what: 'the page of sessions that wait',
		as: 'alice',
		config: {quarantine: true},
		async prepare(app) {
			await addAlice(app);
			for (let count = 0; count < 2; count += 1) await login(app, 'alice');
		},
		open: at('/account/waiting'),
	},
	{name: 'approve-gone', what: 'a link to a session that waits no more', open: at('/account/approve/x')},
	{
		name: 'sign-in-providers',
		what: 'the sign-in page beside other services',
		config: PROVIDERS,
		open: at('/account/sign-in'),
	},
	{name: 'upstream', what: 'the page of other services', ...signedIn, config: PROVIDERS, open: at('/account/upstream')},
];
