/** What people do with their account on the server's own pages, in a real browser; without scripts but for passkeys. */
import type {ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {Page} from 'playwright-core';
import {type App, findFreePort, login, passwordOf, request} from '../harness/index.ts';
import {
	ask,
	exchange,
	METADATA,
	pathOf,
	postForm,
	postToken,
	registerClient,
	whoami,
} from '../server/api/oauth/client.ts';
import {makeLink} from '../server/source-links/source-world.ts';
import {sharedBrowser, testInBrowser} from './in-browser.ts';
import {addAuthenticator, addPerson, giveName, heading, openContext, press, signIn, startVisited} from './visit.ts';

const STEP_MS = 30_000;

/** A browser without scripts. */
async function openPlain(t: ExecutionContext): Promise<Page> {
	return (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
}

async function signOut(page: Page): Promise<void> {
	await press(page, 'Sign out');
	await heading(page, 'Sign in');
}

testInBrowser(
	'without scripts: a code generator is set up, asked for, and stood in for by a recovery code, once',
	async (t) => {
		const app = await startVisited(t);
		await addPerson(app, 'alice');
		const page = await openPlain(t);
		await signIn(page, app, 'alice');
		await page.getByRole('link', {name: 'Code generator'}).click();
		await press(page, 'Set up a code generator');
		const secret = (await page.locator('dd code').textContent())?.replaceAll(' ', '') ?? '';
		const totp = new TOTP({secret: Secret.fromBase32(secret)});
		let steps = -1;
		const giveCode = async (code: string) => {
			await page.locator('#code').fill(code);
			await press(page, 'Continue');
		};
		// Each time step counts once, so each code is of the next one.
		const next = (): string => totp.generate({timestamp: Date.now() + STEP_MS * steps++});
		await giveCode('000000');
		await page.getByRole('alert').waitFor();
		await giveCode(next());
		await page.getByRole('status').waitFor();
		const codes = await page.locator('ol code').allTextContents();
		t.is(codes.length, 10);
		await page.getByRole('link', {name: 'I have written them down'}).click();
		await page.getByText('Your code generator is set up.').waitFor();

		await signOut(page);
		await page.goto(`${app.url}/account/sessions`);
		await giveName(page, 'alice');
		await heading(page, 'Second step');
		await page.goto(`${app.url}/account`);
		t.true(page.url().includes('/sign-in'), 'a password alone opens nothing');
		await page.goto(`${app.url}/account/sign-in/second-step`);
		await giveCode(next());
		await heading(page, 'Sessions');

		await signOut(page);
		for (const isUsed of [false, true]) {
			await page.goto(`${app.url}/account/sign-in`);
			await giveName(page, 'alice');
			await giveCode(codes[0] ?? '');
			if (isUsed) await page.getByRole('alert').waitFor();
			else await heading(page, 'Your account');
			if (!isUsed) await signOut(page);
		}
	},
);

testInBrowser('a passkey is made, and signs in by itself, without a password', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const page = await (await openContext(t, sharedBrowser())).newPage();
	await addAuthenticator(page);
	await signIn(page, app, 'alice');
	await page.getByRole('link', {name: 'Passkeys'}).click();
	await page.getByRole('link', {name: 'Add a passkey'}).click();
	await page.getByLabel('Name of the passkey').fill('Telephone');
	await press(page, 'Add a passkey');
	await page.getByRole('link', {name: 'I have written them down'}).click();
	await page.getByText('Telephone').first().waitFor();

	await signOut(page);
	await page.goto(`${app.url}/account/sessions`);
	await page.getByRole('link', {name: 'Use a passkey'}).click();
	await press(page, 'Continue');
	await heading(page, 'Sessions');

	// The password alone is not enough any more, here or for a client.
	await signOut(page);
	await giveName(page, 'alice');
	await heading(page, 'Second step');
	const body = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
	};
	t.is((await request(app, 'POST', '/_matrix/client/v3/login', {body})).status, 403);
});

testInBrowser('without scripts: sessions are signed out, the password is changed, and the account ends', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const devices = [await login(app, 'alice'), await login(app, 'alice')];
	const statusOf = async (index: number) => {
		const {access_token: token} = devices[index]!;
		return (await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token})).status;
	};
	const page = await openPlain(t);
	await signIn(page, app, 'alice');
	await page.getByRole('link', {name: 'Sessions'}).click();
	await page.getByRole('button', {name: new RegExp(devices[0]!.device_id, 'u')}).click();
	await page.getByText(devices[0]!.device_id).waitFor({state: 'detached'});
	t.deepEqual([await statusOf(0), await statusOf(1)], [401, 200]);

	await page.goto(`${app.url}/account/password`);
	await page.locator('#password').fill('another horse');
	await page.locator('#repeated').fill('another horse');
	await page.locator('main form button').first().click();
	await page.getByRole('status').waitFor();
	t.is(await statusOf(1), 401);
	await page.goto(`${app.url}/account`);
	await heading(page, 'Your account');

	await page.goto(`${app.url}/account/data`);
	const download = page.waitForEvent('download');
	await page.locator('main form button').first().click();
	t.regex((await download).suggestedFilename(), /\.zip$/);

	await page.goto(`${app.url}/account/deactivate`);
	await page.locator('input[name="erase"]').check();
	await page.locator('#user_id').fill('@alice:news.example');
	await page.locator('main form button').first().click();
	await page.getByRole('status').waitFor();
	await page.goto(`${app.url}/account`);
	await heading(page, 'Sign in');
	const {accounts} = app.application.services;
	t.like(await accounts.find(accounts.checkNewName('alice')), {isDeactivated: true, isErased: true});
});

/** A client on this machine, to which a browser can be sent back: at any port. */
function addClient(app: App): Promise<string> {
	return registerClient(app, {
		...METADATA,
		redirect_uris: ['http://localhost/callback'],
		application_type: 'native',
	});
}

testInBrowser('without scripts: a program is let in by its code', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const redirectUri = `http://localhost:${await findFreePort('127.0.0.1')}/callback`;
	const asked = ask(await addClient(app), {redirect_uri: redirectUri});
	const page = await openPlain(t);
	const back = page.waitForRequest((sent) => sent.url().startsWith(redirectUri));
	await page.goto(`${app.url}/oauth2/authorize?${asked.search.toString()}`);
	await giveName(page, 'alice');
	await heading(page, 'Sign in with a program');
	await page.locator('button[value="allow"]').click();
	const {searchParams} = new URL((await back).url());
	const {status, body} = await exchange(app, asked, searchParams.get('code') ?? '');
	t.is(status, 200);
	t.like(await whoami(app, body.access_token), {user_id: '@alice:news.example'});
});

testInBrowser('without scripts: a device is signed in by the code that it shows', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const clientId = await addClient(app);
	const scope = 'urn:matrix:client:api:* urn:matrix:client:device:AAABBBCCCDDD';
	const begun = await postForm(app, '/oauth2/device', {client_id: clientId, scope});
	t.is(begun.status, 200);
	const page = await openPlain(t);
	await page.goto(`${app.url}/oauth2/link`);
	await giveName(page, 'alice');
	await page.locator('#user_code').fill(String(begun.body['user_code']));
	await press(page, 'Continue');
	await page.getByText('AAABBBCCCDDD').waitFor();
	await page.locator('button[value="allow"]').click();
	await page.getByRole('status').waitFor();
	const {status, body} = await postToken(app, {
		grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
		client_id: clientId,
		device_code: String(begun.body['device_code']),
	});
	t.is(status, 200);
	t.like(await whoami(app, body.access_token), {user_id: '@alice:news.example', device_id: 'AAABBBCCCDDD'});
});

testInBrowser('without scripts: a source is given an account by a link, once, and signs in with it', async (t) => {
	const config = {source_links: {enabled: true, who: ['alice'], days_max: 30, silence_days: 7}, privacy: 'server'};
	const app = await startVisited(t, config);
	await addPerson(app, 'alice');
	const link = await makeLink(app, await login(app, 'alice'));
	const page = await openPlain(t);
	await page.goto(app.url + link);
	await press(page, 'Make the account');
	await heading(page, 'Your account');
	t.is(await page.locator('dd code').count(), 2, 'no password is shown before it is asked for');
	const asked = ask(await registerClient(app));
	await page.goto(app.url + pathOf(asked));
	await page.getByRole('button', {name: 'Sign in', exact: true}).waitFor();
	await page.goto(`${app.url}/source`);
	await press(page, 'Make a password');
	const [user, , password] = await page.locator('dd code').allTextContents();
	const body = {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password};
	t.is((await request(app, 'POST', '/_matrix/client/v3/login', {body})).status, 200);
	await page.goto(app.url + link);
	await heading(page, 'This link does not work');
});
