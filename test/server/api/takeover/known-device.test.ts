/** Where new sessions wait: somebody with the password takes the place of none that its owner has. */
import test, {type ExecutionContext} from 'ava';
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
	type Visitor,
} from '../../../harness/index.ts';
import {ask, consentOnPage, exchange, pathOf, registerClient} from '../oauth/client.ts';

const V3 = '/_matrix/client/v3';
const WAITING = '/account/waiting';
const FALLBACK = '/_matrix/static/client/login/';

const sees = async (app: App, {access_token: token}: Session): Promise<boolean> =>
	(await request(app, 'GET', `${V3}/joined_rooms`, {token})).status === 200;

const logOut = (app: App, {access_token: token}: Session) => call(app, 'POST', `${V3}/logout`, {token, body: {}});

const tryLogin = (app: App, deviceId: string) =>
	request<Session & {errcode?: string; error?: string}>(app, 'POST', `${V3}/login`, {
		body: {
			type: 'm.login.password',
			identifier: {type: 'm.id.user', user: 'alice'},
			password: passwordOf('alice'),
			device_id: deviceId,
		},
	});

/** Whoever it is that shows the password, and has not been told the device ids by anybody else. */
async function readDeviceIds(thief: Visitor): Promise<string[]> {
	const {text} = await thief.open('/account/sessions');
	return [...text.matchAll(/name="device_id" value="([^"]+)"/gu)].map(([, id = '']) => id);
}

/** A person with two sessions, and the browser of a thief who knows the password. */
async function startWithOwner(
	t: ExecutionContext,
): Promise<{app: App; phone: Session; desk: Session; thief: Visitor; deviceIds: string[]}> {
	const app = await startApp(t, {config: {quarantine: true, server_notices: {enabled: true}}});
	const phone = await register(app, 'alice');
	const desk = await login(app, 'alice');
	await approveWaiting(app, desk);
	const thief = await signInOnPage(app, 'alice', passwordOf('alice'));
	const deviceIds = await readDeviceIds(thief);
	t.deepEqual(deviceIds.toSorted(), [phone.device_id, desk.device_id].toSorted());
	return {app, phone, desk, thief, deviceIds};
}

/** That the owner is where they were, and a thief nowhere, however they come. */
async function checkKeptOut(
	t: ExecutionContext,
	{app, phone, desk, thief}: {app: App; phone: Session; desk: Session; thief: Visitor},
): Promise<void> {
	t.true(await sees(app, phone));
	t.true(await sees(app, desk));
	t.false(await sees(app, await login(app, 'alice')));
	for (const path of ['/account/totp', '/account/data', '/account/password']) {
		t.is((await thief.open(path)).status, 303, path);
	}
	await thief.open('/account');
	t.regex((await thief.submit('/account/totp', {action: 'begin'})).to, /second-step/u);
}

test('password known, with the device ids of its owner: signing in by each brings nobody in', async (t) => {
	const owned = await startWithOwner(t);
	const {app, deviceIds} = owned;
	for (const deviceId of deviceIds) {
		const {status, body} = await tryLogin(app, deviceId);
		t.deepEqual([status, body.errcode], [400, 'M_INVALID_PARAM']);
		t.regex(body.error ?? '', /sign in as a new device/u);
	}
	await checkKeptOut(t, owned);
});

test('password known, with the device ids of its owner: sessions that wait sign out nobody but themselves', async (t) => {
	const owned = await startWithOwner(t);
	const {app, phone} = owned;
	for (let times = 0; times < 3; times += 1) {
		const stolen = await login(app, 'alice');
		const {access_token: token} = stolen;
		t.is((await request(app, 'DELETE', `${V3}/devices/${phone.device_id}`, {token, body: {}})).status, 403);
		t.is((await request(app, 'POST', `${V3}/logout/all`, {token, body: {}})).status, 403);
		await logOut(app, stolen);
	}
	await checkKeptOut(t, owned);
});

test('password known, with the device ids of its owner: OAuth gives no tokens for them', async (t) => {
	const owned = await startWithOwner(t);
	const {app, thief, deviceIds} = owned;
	const clientId = await registerClient(app);
	for (const deviceId of deviceIds) {
		const asked = ask(clientId, {scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`});
		const page = await thief.open(pathOf(asked));
		t.regex(page.text, /it stays signed in/u);
		t.notRegex(page.text, /value="allow"/u);
		const code = await consentOnPage(thief, asked);
		for (const time of ['first', 'second']) {
			const {status, body} = await exchange(app, asked, code);
			t.deepEqual([status, body.error], [400, 'invalid_grant'], time);
		}
	}
	await checkKeptOut(t, owned);
});

test('password known, with the device ids of its owner: neither a login token nor the page for old clients does', async (t) => {
	const owned = await startWithOwner(t);
	const {app, thief, deviceIds} = owned;
	const redirectUrl = encodeURIComponent('https://app.example/');
	for (const deviceId of deviceIds) {
		const {to} = await thief.open(`${V3}/login/sso/redirect?redirectUrl=${redirectUrl}`);
		await thief.open(to);
		const token = new URL((await thief.submit(to)).to).searchParams.get('loginToken');
		const body = {type: 'm.login.token', token, device_id: deviceId};
		t.is((await request(app, 'POST', `${V3}/login`, {body})).status, 400);
		const path = `${FALLBACK}?device_id=${deviceId}`;
		await thief.open(path);
		const {status, text} = await thief.submit(path);
		t.is(status, 400);
		t.notRegex(text, /data-response/u);
	}
	await checkKeptOut(t, owned);
});

test('password known, with the device ids of its owner: nobody slips into the place of a new session of theirs that waits', async (t) => {
	const {app, thief} = await startWithOwner(t);
	const tablet = await login(app, 'alice');
	t.true((await readDeviceIds(thief)).includes(tablet.device_id));
	await thief.open(WAITING);
	t.is((await thief.submit(WAITING, {act: 'refuse', ...(await fieldsOfWaiting(app, tablet))})).status, 403);
	t.is((await tryLogin(app, tablet.device_id)).status, 400);
	await approveWaiting(app, tablet);
	t.true(await sees(app, tablet));
});
