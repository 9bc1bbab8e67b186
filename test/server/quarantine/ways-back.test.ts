/** Ways back for who has lost the sessions that could approve, with a thief of their password before the door. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	approveWaiting,
	call,
	fieldsOfWaiting,
	login,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	until,
	type Visitor,
} from '../../harness/index.ts';
import {ask, consentOnPage, exchange, registerClient} from '../api/oauth/client.ts';
import {makeLink, openInBrowser, openPage, signIn, startSourceWorld} from '../source-links/source-world.ts';

const V3 = '/_matrix/client/v3';
const WAITING = '/account/waiting';
const SECOND_STEP = '/account/sign-in/second-step';
const CODE = /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/u;
const password = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};

const statusOf = async (app: App, {access_token: token}: Pick<Session, 'access_token'>): Promise<number> =>
	(await request(app, 'GET', `${V3}/joined_rooms`, {token})).status;

/** A person with one session, and that of a thief, which waits. */
async function startWithThief(t: ExecutionContext): Promise<{app: App; phone: Session; stolen: Session}> {
	const app = await startApp(t, {config: {quarantine: true, server_notices: {enabled: true}}});
	const phone = await register(app, 'alice');
	const stolen = await login(app, 'alice');
	t.is(await statusOf(app, stolen), 403);
	return {app, phone, stolen};
}

/** Has whoever keeps the server make a code, as its command does. */
const makeCode = (app: App, {user_id: userId}: Session): Promise<string> =>
	app.application.services.secondFactor.createCodeByAdministrator(userId as UserId, (batch) =>
		app.application.services.audit.note(batch, {who: 'console', act: 'create-factor-code', whom: userId}),
	);

async function approve(app: App, visitor: Visitor, session: Session, code: string): Promise<number> {
	await visitor.open(WAITING);
	return (await visitor.submit(WAITING, {act: 'approve', ...(await fieldsOfWaiting(app, session)), code})).status;
}

/** Has a thief's browser ask the owner's session for a code. */
async function haveCodeTold(app: App, {access_token: token}: Session): Promise<void> {
	const thief = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {to} = await thief.open('/account/totp');
	await thief.open(to);
	await thief.submit(to, {act: 'ask'});
	await until(async () => {
		const {text} = await request(app, 'GET', `${V3}/sync`, {token});
		return text.includes('Give it to nobody') && CODE.test(text);
	}, 'a code among the notices');
}

const partings: Readonly<Record<string, (app: App, phone: Session) => Promise<unknown>>> = {
	'signs out': (app, {access_token: token}) => call(app, 'POST', `${V3}/logout`, {token, body: {}}),
	'removes its device': async (app, {access_token: token, device_id: deviceId}) => {
		const path = `${V3}/delete_devices`;
		const devices = [deviceId];
		const {body} = await request<{session: string}>(app, 'POST', path, {token, body: {devices}});
		await call(app, 'POST', path, {token, body: {devices, auth: {...password, session: body.session}}});
	},
};

for (const [parts, part] of Object.entries(partings)) {
	test(`who ${parts} in their last session ends what waits with it, and comes in anew by the password`, async (t) => {
		const {app, phone, stolen} = await startWithThief(t);
		await part(app, phone);
		t.is(await statusOf(app, stolen), 401);
		const tablet = await login(app, 'alice');
		t.is(await statusOf(app, tablet), 200);
		t.is(await statusOf(app, await login(app, 'alice')), 403, 'the next one waits');
	});
}

test('a session by OAuth that is given back as the last one ends what waits, too', async (t) => {
	const {app, phone, stolen} = await startWithThief(t);
	const asked = ask(await registerClient(app));
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {body: tokens} = await exchange(app, asked, await consentOnPage(visitor, asked));
	await approveWaiting(app, {...phone, device_id: 'AAABBBCCCDDD'});
	await call(app, 'POST', `${V3}/logout`, {token: phone.access_token, body: {}});
	t.is(await statusOf(app, stolen), 403, 'one is left that could approve');
	const body = new URLSearchParams({token: tokens.access_token, client_id: asked.clientId});
	t.is((await fetch(`${app.url}/oauth2/revoke`, {method: 'POST', body})).status, 200);
	t.is(await statusOf(app, stolen), 401);
});

test('a code that a thief had the sessions told keeps out nobody who has signed out of them', async (t) => {
	const {app, phone} = await startWithThief(t);
	await haveCodeTold(app, phone);
	await call(app, 'POST', `${V3}/logout`, {token: phone.access_token, body: {}});
	t.is(await statusOf(app, await login(app, 'alice')), 200);
});

test('who has lost their telephone approves the next session by a code of the administrator, and signs the lost one out', async (t) => {
	const {app, phone, stolen} = await startWithThief(t);
	const tablet = await login(app, 'alice');
	const code = await makeCode(app, phone);
	const owner = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.is(await approve(app, owner, tablet, 'AAAA-BBBB-CCCC-DDDD'), 403);
	t.is(await approve(app, owner, tablet, code), 200);
	t.is(await statusOf(app, tablet), 200);
	const {access_token: token} = tablet;
	const path = `${V3}/devices/${phone.device_id}`;
	const {body} = await request<{session: string}>(app, 'DELETE', path, {token, body: {}});
	await call(app, 'DELETE', path, {token, body: {auth: {...password, session: body.session}}});
	t.is(await statusOf(app, phone), 401);
	t.is(await statusOf(app, stolen), 403, 'it goes on waiting');
});

test('a code of the administrator outlives the lost session that they sign out: nobody comes in without it', async (t) => {
	const {app, phone, stolen} = await startWithThief(t);
	const code = await makeCode(app, phone);
	const {administration} = app.application.services;
	await administration.people.removeDevices('console', phone.user_id as UserId, [phone.device_id as never]);
	t.is(await statusOf(app, stolen), 403);
	const owner = await signInOnPage(app, 'alice', passwordOf('alice'));
	await owner.open(SECOND_STEP);
	t.is((await owner.submit(SECOND_STEP, {code})).status, 303);
	// The code is used up: the browser that has shown it stands for it.
	t.is(await statusOf(app, await login(app, 'alice')), 403);
	const thief = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.is((await thief.open('/account/totp')).status, 303);
	const tablet = await login(app, 'alice');
	t.is(await approve(app, owner, tablet, ''), 200);
	t.is(await statusOf(app, tablet), 200);
});

test('who signs in and out by the password alone takes no code of the administrator away', async (t) => {
	const {app, phone, stolen} = await startWithThief(t);
	const code = await makeCode(app, phone);
	const {administration} = app.application.services;
	await administration.people.removeDevices('console', phone.user_id as UserId, [phone.device_id as never]);
	for (const session of [stolen, await login(app, 'alice')]) {
		await call(app, 'POST', `${V3}/logout`, {token: session.access_token, body: {}});
	}
	const tablet = await login(app, 'alice');
	t.is(await statusOf(app, tablet), 403);
	t.is(await approve(app, await signInOnPage(app, 'alice', passwordOf('alice')), tablet, code), 200);
	t.is(await statusOf(app, tablet), 200);
});

test('a browser that has shown the last code stands for it: it lets nobody in but by its word', async (t) => {
	const app = await startApp(t, {config: {quarantine: true, server_notices: {enabled: true}}});
	const phone = await register(app, 'alice');
	await call(app, 'POST', `${V3}/logout`, {token: phone.access_token, body: {}});
	const code = await makeCode(app, phone);
	const owner = await signInOnPage(app, 'alice', passwordOf('alice'));
	await owner.open(SECOND_STEP);
	t.is((await owner.submit(SECOND_STEP, {code})).status, 303);
	const thief = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.is((await thief.open('/account/totp')).status, 303);
	t.is((await owner.open('/account/totp')).status, 200);
	t.is(await statusOf(app, await login(app, 'alice')), 403);
});

test('an administrator’s new password signs everybody out, and lets in nobody who knows the old one', async (t) => {
	const {app, phone, stolen} = await startWithThief(t);
	await haveCodeTold(app, phone);
	const {administration} = app.application.services;
	const fresh = 'a fresh one of Alice-9';
	await administration.people.setPassword('console', phone.user_id as UserId, fresh, {endsSessions: true});
	t.is(await statusOf(app, phone), 401);
	t.is(await statusOf(app, stolen), 401);
	t.is((await request(app, 'POST', `${V3}/login`, {body: password})).status, 403);
	t.is((await app.application.storage.factors.count(phone.user_id as UserId)).recoveryCodes, 0);
	const tablet = await call<Session>(app, 'POST', `${V3}/login`, {body: {...password, password: fresh}});
	t.is(await statusOf(app, tablet), 200);
});

test('a source’s second session waits for nobody, since nobody is told of it', async (t) => {
	const {app, alice} = await startSourceWorld(t, {}, {quarantine: true, server_notices: {enabled: true}});
	const shown = await openPage(app, await makeLink(app, alice));
	for (const time of ['first', 'second']) t.is(await statusOf(app, await signIn(app, shown)), 200, time);
	const browser = await openInBrowser(app, await makeLink(app, alice));
	const clientId = await registerClient(app);
	for (const deviceId of ['FIRSTDEVICE', 'SECONDDEVICE']) {
		const asked = ask(clientId, {scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`});
		const {body} = await exchange(app, asked, await consentOnPage(browser, asked));
		t.is(await statusOf(app, body), 200, deviceId);
	}
});
