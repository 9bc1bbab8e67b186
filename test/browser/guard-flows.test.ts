/** What guards an account, in a real browser: addresses, ways back, sessions that wait, keys, factors that are taken away. */
import type {ExecutionContext} from 'ava';
import type {Page} from 'playwright-core';
import {
	type App,
	call,
	linkIn,
	login,
	passwordOf,
	request,
	type Session,
	startMailServer,
	until,
} from '../harness/index.ts';
import {ask, METADATA, registerClient} from '../server/api/oauth/client.ts';
import {askReset} from './ask-reset.ts';
import {sharedBrowser, testInBrowser} from './in-browser.ts';
import {
	addAuthenticator,
	addGenerator,
	addPerson,
	giveName,
	heading,
	newCode,
	openContext,
	press,
	signIn,
	signInWithCode,
	startVisited,
} from './visit.ts';

const V3 = '/_matrix/client/v3';
const ALICE = '@alice:news.example';
const ADDRESS = 'alice@mail.example';

/** A browser without scripts. */
async function openPlain(t: ExecutionContext): Promise<Page> {
	return (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
}

const statusOf = async (app: App, {access_token: token}: Pick<Session, 'access_token'>, path = '/joined_rooms') =>
	(await request(app, 'GET', V3 + path, {token})).status;

testInBrowser('without scripts: an address is given, confirmed by the link in the mail, and removed', async (t) => {
	const mail = await startMailServer(t);
	const app = await startVisited(t, {smtp: mail.smtp});
	await addPerson(app, 'alice');
	const page = await openPlain(t);
	await signIn(page, app, 'alice');
	await page.getByRole('link', {name: 'E-mail address'}).click();
	await page.getByText('You have given no address.').waitFor();
	await page.getByLabel('New address').fill(ADDRESS);
	await press(page, 'Send a link to confirm it');
	await page.getByRole('status').waitFor();
	await page.goto(app.url + linkIn(await mail.take(ADDRESS, /email\/confirm/u)));
	await press(page, 'This address is mine');
	await page.getByRole('status').waitFor();
	await page.goto(`${app.url}/account/email`);
	await page.getByText(`Your address: ${ADDRESS}`).waitFor();
	await press(page, 'Remove the address');
	await page.getByText('You have given no address.').waitFor();
	await page.getByRole('link', {name: 'Back to your account'}).click();
	await heading(page, 'Your account');
	t.is(
		await app.application.services.addresses.find(app.application.services.accounts.checkNewName('alice')),
		undefined,
	);
});

testInBrowser('without scripts: a lost password is replaced by the link in a mail and a recovery code', async (t) => {
	const mail = await startMailServer(t);
	const app = await startVisited(t, {smtp: mail.smtp});
	await addPerson(app, 'alice');
	const page = await openPlain(t);
	await signIn(page, app, 'alice');
	await page.goto(`${app.url}/account/email`);
	await page.getByLabel('New address').fill(ADDRESS);
	await press(page, 'Send a link to confirm it');
	await page.goto(app.url + linkIn(await mail.take(ADDRESS, /email\/confirm/u)));
	await press(page, 'This address is mine');
	await addGenerator(app, ALICE);
	await page.context().clearCookies();
	await page.goto(`${app.url}/account`);
	await page.getByRole('link', {name: 'Forgot your password?'}).click();
	await page.getByLabel('Name or e-mail address').fill('alice');
	await press(page, 'Send the link');
	await page.goto(app.url + linkIn(await mail.take(ADDRESS, /A new password/u)));
	const fill = async (code: string) => {
		await page.locator('#code').fill(code);
		await page.getByLabel('New password').fill('a whole new password');
		await page.getByLabel('Password again').fill('a whole new password');
		await press(page, 'Set the password');
	};
	await fill('000000');
	await page.getByRole('alert').filter({hasText: 'The name or the code is wrong'}).waitFor();
	await fill(await newCode(app, ALICE));
	await page.getByText('Your new password is set.').waitFor();
	t.true(
		await app.application.services.accounts.checkPassword(
			app.application.services.accounts.checkNewName('alice'),
			'a whole new password',
		),
	);
});

/** The link in the notice that the other sessions were given. */
const findLink = (app: App, {access_token: token}: Session): Promise<string> =>
	until(
		async () => {
			const {text} = await request(app, 'GET', `${V3}/sync?timeout=1000`, {token});
			return /https?:[^\s"\\]*\/account\/approve\/\w+/u.exec(text)?.[0];
		},
		'a link',
		30_000,
	);

testInBrowser(
	'without scripts: a session that waits is approved by a link, another by a recovery code, a third is signed out',
	async (t) => {
		const app = await startVisited(t, {quarantine: true, server_notices: {enabled: true}});
		await addPerson(app, 'alice');
		const phone = await login(app, 'alice');
		const desk = await login(app, 'alice');
		t.deepEqual([await statusOf(app, phone), await statusOf(app, desk)], [200, 403]);
		const page = await openPlain(t);
		await page.goto(await findLink(app, phone));
		await page.getByText(desk.device_id).waitFor();
		await press(page, 'It is mine: approve it');
		await page.getByText('The session is approved.').waitFor();
		t.is(await statusOf(app, desk), 200);

		const [tablet, thief] = [await login(app, 'alice'), await login(app, 'alice')];
		await addGenerator(app, ALICE);
		await signInWithCode(page, app, 'alice', await newCode(app, ALICE));
		await page.goto(`${app.url}/account/waiting`);
		const entry = (session: Session) => page.getByRole('listitem').filter({hasText: session.device_id});
		await entry(tablet).getByRole('button', {name: 'It is mine: approve it'}).click();
		await page.getByText('The session is approved.').waitFor();
		await page.goto(`${app.url}/account/waiting`);
		await entry(thief).getByRole('button', {name: 'Sign it out'}).click();
		await page.getByText('The session is signed out.').waitFor();
		t.deepEqual([await statusOf(app, tablet), await statusOf(app, thief)], [200, 401]);
		await page.goto(`${app.url}/account/waiting`);
		await page.getByText('No session waits.').waitFor();
	},
);

testInBrowser('without scripts: somebody lets their client replace their keys', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const asked = await askReset(app, ALICE);
	const page = await openPlain(t);
	await page.goto(asked.url);
	await giveName(page, 'alice');
	await heading(page, 'Replace your keys');
	t.is((await asked.replace()).status, 401);
	await press(page, 'Allow it');
	await page.getByRole('status').waitFor();
	t.is((await asked.replace()).status, 200);
});

testInBrowser('without scripts: recovery codes are made anew, and a code generator is taken away', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	await addGenerator(app, ALICE);
	const [first, page] = [await newCode(app, ALICE), await openPlain(t)];
	await signInWithCode(page, app, 'alice', first);
	await page.getByRole('link', {name: 'Recovery codes'}).click();
	await page.getByText(/Codes left: .?9/u).waitFor();
	await press(page, 'Make new recovery codes');
	t.is((await page.locator('ol code').allTextContents()).length, 10);
	await page.getByRole('link', {name: 'I have written them down'}).click();
	await page.goto(`${app.url}/account/totp`);
	await press(page, 'Remove the code generator');
	await page.getByRole('status').waitFor();
	await page.goto(`${app.url}/account`);
	await press(page, 'Sign out');
	await signIn(page, app, 'alice');
	await page.goto(`${app.url}/account/recovery-codes`);
	await page.getByText('Please set up a passkey or a code generator first').waitFor();
	t.pass();
});

testInBrowser('a passkey is named anew and taken away, and then the password alone is enough', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const page = await (await openContext(t, sharedBrowser())).newPage();
	await addAuthenticator(page);
	await signIn(page, app, 'alice');
	await page.goto(`${app.url}/account/passkeys/add`);
	await page.getByLabel('Name of the passkey').fill('Telephone');
	await press(page, 'Add a passkey');
	await page.getByRole('link', {name: 'I have written them down'}).click();
	await page.getByLabel('Name of the passkey').fill('Old telephone');
	await press(page, 'Rename');
	await page.locator('strong', {hasText: 'Old telephone'}).waitFor();
	await press(page, 'Remove');
	await page.getByText('You have no passkey yet.').waitFor();
	await press(page, 'Sign out');
	await signIn(page, app, 'alice');
	await heading(page, 'Your account');
	t.pass();
});

testInBrowser('without scripts: a program that is not let in is told so, and has nothing', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const redirectUri = 'http://localhost:9/callback';
	const metadata = {...METADATA, redirect_uris: ['http://localhost/callback'], application_type: 'native'};
	const asked = ask(await registerClient(app, metadata), {redirect_uri: redirectUri});
	const page = await openPlain(t);
	const back = page.waitForRequest((sent) => sent.url().startsWith(redirectUri));
	await page.goto(`${app.url}/oauth2/authorize?${asked.search.toString()}`);
	await giveName(page, 'alice');
	await press(page, 'Do not sign in');
	const {searchParams} = new URL((await back).url());
	t.deepEqual([searchParams.get('error'), searchParams.get('code')], ['access_denied', null]);
});

testInBrowser('without scripts: a client’s link to sessions leads there, by way of signing in', async (t) => {
	const app = await startVisited(t);
	await addPerson(app, 'alice');
	const {device_id: deviceId} = await login(app, 'alice');
	const page = await openPlain(t);
	const metadata = await call<{account_management_uri: string}>(app, 'GET', '/_matrix/client/v1/auth_metadata');
	await page.goto(`${metadata.account_management_uri}?action=org.matrix.devices_list`);
	await giveName(page, 'alice');
	await heading(page, 'Sessions');
	await press(page, 'Sign out all clients and other browsers');
	await page.getByText(deviceId).waitFor({state: 'detached'});
	t.pass();
});

testInBrowser(
	'without scripts: a client that knows passwords alone is let in by the browser, with a code',
	async (t) => {
		const app = await startVisited(t);
		await addPerson(app, 'alice');
		await addGenerator(app, ALICE);
		// Codes that are made anew end what was begun by others.
		const code = await newCode(app, ALICE);
		const identifier = {type: 'm.id.user', user: 'alice'};
		const byPassword = {type: 'm.login.password', identifier, password: passwordOf('alice')};
		t.is((await request(app, 'POST', `${V3}/login`, {body: byPassword})).status, 403);
		const redirectUrl = 'http://localhost:9/back';
		const page = await openPlain(t);
		const back = page.waitForRequest((sent) => sent.url().startsWith(redirectUrl));
		await page.goto(`${app.url}${V3}/login/sso/redirect?${new URLSearchParams({redirectUrl}).toString()}`);
		await giveName(page, 'alice');
		await page.getByLabel('Code of your code generator').fill(code);
		await press(page, 'Continue');
		await press(page, 'Go on and sign in there');
		const token = new URL((await back).url()).searchParams.get('loginToken');
		const session = await call<Session>(app, 'POST', `${V3}/login`, {body: {type: 'm.login.token', token}});
		t.is(session.user_id, ALICE);
	},
);
