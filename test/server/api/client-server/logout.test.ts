import test from 'ava';
import {call, login, register, request, startApp} from '../../../harness/index.ts';

const WHOAMI = '/_matrix/client/v3/account/whoami';

test('logging out ends the session and removes its device, and no other', async (t) => {
	const app = await startApp(t);
	const first = await register(app, 'alice');
	const second = await login(app, 'alice');
	t.is((await request(app, 'GET', WHOAMI, {token: first.access_token})).status, 200);
	t.deepEqual(await call(app, 'POST', '/_matrix/client/v3/logout', {token: first.access_token}), {});
	const ended = await request(app, 'GET', WHOAMI, {token: first.access_token});
	t.is(ended.status, 401);
	t.deepEqual(ended.body, {
		errcode: 'M_UNKNOWN_TOKEN',
		error: 'The access token is not known',
		soft_logout: false,
	});
	const {devices} = await call<{devices: {device_id: string}[]}>(app, 'GET', '/_matrix/client/v3/devices', {
		token: second.access_token,
	});
	t.deepEqual(
		devices.map(({device_id: id}) => id),
		[second.device_id],
	);
});

test('logging out everywhere ends all sessions of the account, and of no other', async (t) => {
	const app = await startApp(t);
	const last = await register(app, 'alice');
	const alice = [last, await login(app, 'alice'), await login(app, 'alice')];
	const bobby = await register(app, 'bobby');
	await call(app, 'POST', '/_matrix/client/v3/logout/all', {token: last.access_token});
	for (const {access_token: token} of alice) {
		t.is((await request(app, 'GET', WHOAMI, {token})).status, 401);
	}
	t.is((await request(app, 'GET', WHOAMI, {token: bobby.access_token})).status, 200);
});

test('logging out needs a token that is good', async (t) => {
	const app = await startApp(t);
	for (const path of ['/_matrix/client/v3/logout', '/_matrix/client/v3/logout/all']) {
		t.is((await request(app, 'POST', path)).body['errcode'], 'M_MISSING_TOKEN');
		t.is((await request(app, 'POST', path, {token: 'nonsense'})).body['errcode'], 'M_UNKNOWN_TOKEN');
	}
});

test('a locked account can do nothing but log out, and loses no session by being locked', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	const token = session.access_token;
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 200);
	const {storage} = app.application;
	const userId = app.application.services.accounts.checkNewName('alice');
	const setLocked = async (isLocked: boolean) => {
		const batch = storage.batch();
		storage.accounts.setStates(batch, userId, {isLocked});
		batch.announce({kind: 'account', subject: userId});
		await storage.commit(batch);
	};
	await setLocked(true);
	const locked = await request(app, 'GET', WHOAMI, {token});
	t.is(locked.status, 401);
	t.is(locked.body['errcode'], 'M_USER_LOCKED');
	t.is(locked.body['soft_logout'], true);
	const body = {type: 'm.login.password', user: 'alice', password: 'pw-alice-Zq7!'};
	t.is((await request(app, 'POST', '/_matrix/client/v3/login', {body})).body['errcode'], 'M_USER_LOCKED');
	await setLocked(false);
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 200);
	await setLocked(true);
	t.is((await request(app, 'POST', '/_matrix/client/v3/logout', {token})).status, 200);
	await setLocked(false);
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 401);
});
