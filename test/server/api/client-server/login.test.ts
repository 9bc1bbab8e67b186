import test from 'ava';
import {type DeviceId, PasswordHasher} from '../../../../crypto/index.ts';
import {call, login, passwordOf, register, request, type Session, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/login';
const WHOAMI = '/_matrix/client/v3/account/whoami';

function passwordLogin(user: string, password: string, more: object = {}): object {
	return {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password, ...more};
}

const WRONG_PASSWORD =
	'The name or the password is wrong, or the account signs in with a second factor, in the browser (m.login.sso)';

test('people sign in by password, or by a token that another of their devices got', async (t) => {
	const app = await startApp(t);
	t.deepEqual(await call(app, 'GET', PATH), {
		flows: [
			{type: 'm.login.password'},
			// Clients that know of OAuth and cannot use it go by the browser.
			{
				type: 'm.login.sso',
				oauth_aware_preferred: true,
				'org.matrix.msc3824.delegated_oidc_compatibility': true,
			},
			{type: 'm.login.token', get_login_token: true},
		],
	});
	const token = await request(app, 'POST', PATH, {body: {type: 'm.login.sso', token: 'x'}});
	t.is(token.status, 400);
	t.is(token.body['errcode'], 'M_UNKNOWN');
});

for (const name of ['alice', 'ALICE', '@alice:news.example', '@Alice:news.example']) {
	test(`alice signs in as ${name}`, async (t) => {
		const app = await startApp(t);
		await register(app, 'alice');
		const session = await call<Session>(app, 'POST', PATH, {body: passwordLogin(name, passwordOf('alice'))});
		t.is(session.user_id, '@alice:news.example');
		const owner = await call(app, 'GET', WHOAMI, {token: session.access_token});
		t.deepEqual(owner, {user_id: '@alice:news.example', device_id: session.device_id, is_guest: false});
	});
}

test('the older form without an identifier still signs in', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const body = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};
	t.is((await request(app, 'POST', PATH, {body})).status, 200);
});

test('a device keeps its id, and its name at the first login', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const first = {device_id: 'DESK', initial_device_display_name: 'Desk'};
	const session = await call<Session>(app, 'POST', PATH, {
		body: passwordLogin('alice', passwordOf('alice'), first),
	});
	t.is(session.device_id, 'DESK');
	const second = {device_id: 'DESK', initial_device_display_name: 'Other'};
	const again = await call<Session>(app, 'POST', PATH, {body: passwordLogin('alice', passwordOf('alice'), second)});
	const device = await call(app, 'GET', '/_matrix/client/v3/devices/DESK', {token: again.access_token});
	t.is(device['display_name'], 'Desk');
	// The tokens that the device had before are of no use any more.
	const old = await request(app, 'GET', WHOAMI, {token: session.access_token});
	t.is(old.status, 401);
	t.is(old.body['errcode'], 'M_UNKNOWN_TOKEN');
});

test('a device id of control characters, or too long a one, is refused', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	for (const deviceId of ['', 'a\u0000b', 'x'.repeat(256)]) {
		const body = passwordLogin('alice', passwordOf('alice'), {device_id: deviceId});
		const answer = await request(app, 'POST', PATH, {body});
		t.is(answer.status, 400);
		t.is(answer.body['errcode'], 'M_INVALID_PARAM');
	}
});

test('no device is named like a cross-signing key of its user', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	const key = 'a'.repeat(43);
	const batch = storage.batch();
	storage.keys.setCrossSigningKey(batch, {
		userId,
		usage: 'master',
		json: {user_id: userId, usage: ['master'], keys: {[`ed25519:${key}`]: key}},
	});
	await storage.commit(batch);
	const named = (deviceId: string) =>
		request(app, 'POST', PATH, {body: passwordLogin('alice', passwordOf('alice'), {device_id: deviceId})});
	const answer = await named(key);
	t.is(answer.status, 403);
	t.is(answer.body['errcode'], 'M_FORBIDDEN');
	t.is((await named('b'.repeat(43))).status, 200);
});

test('somebody with a thousand devices signs in to those alone', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	const batch = storage.batch();
	for (let count = 1; count < 1_000; count += 1) {
		storage.devices.add(batch, {userId, deviceId: `D${count}` as DeviceId, displayName: null, lastSeenDay: null});
	}
	await storage.commit(batch);
	const answer = await request(app, 'POST', PATH, {body: passwordLogin('alice', passwordOf('alice'))});
	t.is(answer.status, 403);
	const body = passwordLogin('alice', passwordOf('alice'), {device_id: 'D7'});
	t.is((await request(app, 'POST', PATH, {body})).status, 200);
});

test('a wrong password, an unknown name and a deactivated account are answered by the same bytes', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const bob = await register(app, 'bobby');
	const auth = {...passwordLogin('bobby', passwordOf('bobby'))};
	await call(app, 'POST', '/_matrix/client/v3/account/deactivate', {token: bob.access_token, body: {auth}});
	const answers = await Promise.all(
		['alice', 'bobby', 'carol', '@carol:news.example', '@alice:elsewhere.example', 'not a name', ''].map((name) =>
			request(app, 'POST', PATH, {body: passwordLogin(name, 'wrong password')}),
		),
	);
	const faces = new Set(
		answers.map(({status, text, headers}) =>
			JSON.stringify([status, text, [...headers].filter(([name]) => name !== 'date')]),
		),
	);
	t.is(faces.size, 1);
	t.is(answers[0]?.status, 403);
	t.deepEqual(answers[0]?.body, {errcode: 'M_FORBIDDEN', error: WRONG_PASSWORD});
});

test('an address or phone number is a name that nobody has', async (t) => {
	const app = await startApp(t);
	const identifier = {type: 'm.id.thirdparty', medium: 'email', address: 'alice@news.example'};
	const answer = await request(app, 'POST', PATH, {body: {type: 'm.login.password', identifier, password: 'whatever'}});
	t.is(answer.status, 403);
	t.is(answer.body['errcode'], 'M_FORBIDDEN');
});

test('E3: only who knows the password is told that the account is deactivated, and after erasure nobody is', async (t) => {
	const app = await startApp(t);
	for (const [name, erase, errcode] of [
		['alice', false, 'M_USER_DEACTIVATED'],
		['bobby', true, 'M_FORBIDDEN'],
	] as const) {
		const {access_token: token} = await register(app, name);
		const body = {auth: passwordLogin(name, passwordOf(name)), erase};
		await call(app, 'POST', '/_matrix/client/v3/account/deactivate', {token, body});
		const answer = await request(app, 'POST', PATH, {body: passwordLogin(name, passwordOf(name))});
		t.is(answer.status, 403);
		t.is(answer.body['errcode'], errcode);
	}
});

test('a refusal comes on a grid of a tenth of a second', async (t) => {
	const app = await startApp(t);
	const began = performance.now();
	await request(app, 'POST', PATH, {body: passwordLogin('carol', 'wrong password')});
	t.true(performance.now() - began >= 99);
});

test('E10: a password of megabytes is refused before anything is hashed or looked up', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const refuse = (password: string) => request(app, 'POST', PATH, {body: passwordLogin('alice', password)});
	t.is((await refuse('x'.repeat(5_000_000))).status, 413);
	const long = await refuse('ä'.repeat(257));
	t.is(long.status, 400);
	t.is(long.body['errcode'], 'M_INVALID_PARAM');
	t.is((await refuse('ä'.repeat(256))).status, 403);
});

test('E10: logins beyond the queue are turned away with a time to come again', async (t) => {
	// Slow enough that others come before the first is done.
	const passwords = new PasswordHasher({cost: {memoryKib: 131_072, passes: 4, lanes: 1}, permits: 1, waitingMax: 2});
	const app = await startApp(t, {passwords});
	const answers = await Promise.all(
		Array.from({length: 8}, () => request(app, 'POST', PATH, {body: passwordLogin('carol', 'wrong password')})),
	);
	const countOf = (wanted: number) => answers.filter(({status}) => status === wanted).length;
	// One is hashed and two wait; whoever comes while that is so is turned away.
	t.true(countOf(403) >= 3 && countOf(429) >= 1);
	t.is(countOf(403) + countOf(429), 8);
	const turnedAway = answers.find(({status}) => status === 429);
	t.is(turnedAway?.body['errcode'], 'M_LIMIT_EXCEEDED');
	t.is(turnedAway?.headers.get('retry-after'), '2');
});

test('tries at a name are counted alike whether it exists or not', async (t) => {
	const rateLimits = {'login-name': {per_second: 0.01, burst: 2}};
	const app = await startApp(t, {config: {rate_limits: rateLimits}});
	await register(app, 'alice');
	for (const name of ['alice', 'carol']) {
		const statuses: number[] = [];
		for (let count = 0; count < 3; count += 1) {
			statuses.push((await request(app, 'POST', PATH, {body: passwordLogin(name, 'wrong password')})).status);
		}
		t.deepEqual(statuses, [403, 403, 429]);
	}
	// Another spelling of the name is the same name.
	t.is((await request(app, 'POST', PATH, {body: passwordLogin('@ALICE:news.example', 'wrong')})).status, 429);
});

test('requests that are no logins are refused by what is wrong with them', async (t) => {
	const app = await startApp(t);
	const refusals = [
		[{}, 'M_BAD_JSON'],
		[{type: 5}, 'M_BAD_JSON'],
		[{type: 'm.login.password', password: 'x'}, 'M_MISSING_PARAM'],
		[{type: 'm.login.password', user: 'alice'}, 'M_MISSING_PARAM'],
		[passwordLogin('alice', 'x', {identifier: 'alice'}), 'M_BAD_JSON'],
		[passwordLogin('alice', 'x', {refresh_token: 'yes'}), 'M_BAD_JSON'],
	] as const;
	for (const [body, errcode] of refusals) {
		const answer = await request(app, 'POST', PATH, {body});
		t.is(answer.status, 400);
		t.is(answer.body['errcode'], errcode);
	}
});

test('logins of one account at once each get a device of their own', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const sessions = await Promise.all(Array.from({length: 16}, () => login(app, 'alice')));
	t.is(new Set(sessions.map(({device_id: id}) => id)).size, 16);
});
