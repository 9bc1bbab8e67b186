import test from 'ava';
import {call, login, memberContent, passwordOf, register, request, startApp, until} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/account/deactivate';
const PROFILE = '/_matrix/client/v3/profile';
const WHOAMI = '/_matrix/client/v3/account/whoami';

const auth = (name: string) => ({type: 'm.login.password', user: name, password: passwordOf(name)});

test('E3: a deactivated account has no sessions, no devices and no profile', async (t) => {
	const app = await startApp(t, {config: {privacy: 'server'}});
	const [mine, bobby] = [await register(app, 'alice'), await register(app, 'bobby')];
	const other = await login(app, 'alice');
	const token = mine.access_token;
	const me = `${PROFILE}/@alice:news.example`;
	await call(app, 'PUT', `${me}/displayname`, {token, body: {displayname: 'Alice'}});
	t.deepEqual(await call(app, 'GET', me, {token: bobby.access_token}), {displayname: 'Alice'});
	t.deepEqual(await call(app, 'POST', PATH, {token, body: {auth: auth('alice')}}), {
		id_server_unbind_result: 'success',
	});
	for (const session of [mine, other]) {
		t.is((await request(app, 'GET', WHOAMI, {token: session.access_token})).status, 401);
	}
	t.is((await request(app, 'GET', me, {token: bobby.access_token})).status, 404);
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	t.deepEqual(await storage.devices.listOfUser(userId), []);
	t.deepEqual(await storage.profiles.find(userId), {});
	t.like(await storage.accounts.find(userId), {isDeactivated: true, isErased: false});
	// Nobody else is touched.
	t.is((await request(app, 'GET', WHOAMI, {token: bobby.access_token})).status, 200);
});

test('a deactivated account is out of its rooms', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {preset: 'private_chat', invite: [bobby.user_id]},
	});
	const room = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
	await call(app, 'POST', `${room}/join`, {token: bobby.access_token, body: {}});
	await call(app, 'POST', PATH, {token: bobby.access_token, body: {auth: auth('bobby')}});
	await until(async () => {
		const content = await memberContent(app, roomId, bobby.user_id);
		return JSON.stringify(content) === '{"membership":"leave"}';
	}, 'the room to be left');
	t.pass();
});

test('erasure is noted, and takes password and account data along', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	const batch = storage.batch();
	const pos = batch.announce({kind: 'account_data', subject: userId});
	storage.accountData.set(batch, {userId, roomId: null, type: 'org.example', content: {a: 1}, pos});
	await storage.commit(batch);
	await call(app, 'POST', PATH, {token, body: {auth: auth('alice'), erase: true}});
	t.like(await storage.accounts.find(userId), {isDeactivated: true, isErased: true, passwordHash: null});
	t.is(await storage.accountData.find(userId, null, 'org.example'), undefined);
});

test('nobody is deactivated without the password', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.is((await request(app, 'POST', PATH, {token, body: {}})).status, 401);
	const wrong = await request(app, 'POST', PATH, {token, body: {auth: {...auth('alice'), password: 'wrong'}}});
	t.is(wrong.status, 401);
	t.is(wrong.body['errcode'], 'M_FORBIDDEN');
	t.is((await request(app, 'POST', PATH, {body: {auth: auth('alice')}})).status, 401);
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 200);
});

test('E9: a proof for deleting a device is none for the end of the account', async (t) => {
	const app = await startApp(t);
	const {access_token: token, device_id: deviceId} = await register(app, 'alice');
	const devices = `/_matrix/client/v3/devices/${deviceId}`;
	const {body} = await request<{session: string}>(app, 'DELETE', devices, {token, body: {}});
	const fallback = `/_matrix/client/v3/auth/m.login.password/fallback/web?session=${body.session}`;
	const form = new URLSearchParams({user: 'alice', password: passwordOf('alice')});
	const done = await fetch(app.url + fallback, {method: 'POST', body: form});
	t.is(done.status, 200);
	const answer = await request(app, 'POST', PATH, {token, body: {auth: {session: body.session}}});
	t.is(answer.status, 401);
	t.is((await request(app, 'DELETE', devices, {token, body: {auth: {session: body.session}}})).status, 200);
});
