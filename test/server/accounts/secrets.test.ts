import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {call, login, passwordOf, register, request, startApp} from '../../harness/index.ts';

/** Every file below a folder, as bytes. */
function readAll(directory: string): Buffer[] {
	return readdirSync(directory, {recursive: true, encoding: 'utf8'})
		.map((name) => join(directory, name))
		.filter((path) => statSync(path).isFile())
		.map((path) => readFileSync(path));
}

test('E4, E6: no password or token is in the database, its log files, or the log', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const {services} = app.application;
	const registrationToken = await services.accounts.createRegistrationToken({
		name: 'desk',
		usesAllowed: 5,
		expiresTs: null,
		makesAdmin: false,
	});
	const setUpToken = (await services.setUp.open()) ?? '';
	await request(app, 'GET', `/setup/${setUpToken}`);
	const password = passwordOf('alice');
	const newPassword = 'canary of another kind';
	const auth = {type: 'm.login.registration_token', token: registrationToken};
	const first = await request<{session: string}>(app, 'POST', '/_matrix/client/v3/register', {
		body: {username: 'alice', password},
	});
	const session = await call<{access_token: string; refresh_token: string}>(
		app,
		'POST',
		'/_matrix/client/v3/register',
		{
			body: {username: 'alice', password, refresh_token: true, auth: {...auth, session: first.body.session}},
		},
	);
	const second = await login(app, 'alice');
	const {refresh_token: refreshToken} = session;
	const refreshed = await call<{access_token: string; refresh_token: string}>(
		app,
		'POST',
		'/_matrix/client/v3/refresh',
		{
			body: {refresh_token: refreshToken},
		},
	);
	// A session of interactive authentication stays open with the new password in the request.
	const token = second.access_token;
	const change = {new_password: newPassword, auth: {type: 'm.login.password', user: 'alice', password: 'wrong canary'}};
	await request(app, 'POST', '/_matrix/client/v3/account/password', {token, body: change});
	await request(app, 'GET', `/_matrix/client/v3/account/whoami?access_token=${token}`);
	await request(
		app,
		'GET',
		`/_matrix/client/v1/register/m.login.registration_token/validity?token=${registrationToken}`,
	);
	const canaries = [
		password,
		newPassword,
		'wrong canary',
		registrationToken,
		setUpToken,
		token,
		session.access_token,
		session.refresh_token,
		refreshed.access_token,
		refreshed.refresh_token,
	];
	const places = [...readAll(app.directory), Buffer.from(app.readLog())];
	t.true(places.length > 2);
	for (const canary of canaries) {
		t.true(canary.length > 5);
		t.false(places.some((bytes) => bytes.includes(canary)));
	}
});

test('E5: tokens are long, and no two are alike', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const tokens = await Promise.all(Array.from({length: 50}, async () => (await login(app, 'alice')).access_token));
	t.is(new Set(tokens).size, 50);
	t.true(tokens.every((token) => /^bst_[0-9A-Za-z]{49}$/.test(token)));
});

test('a session that was used is found again within microseconds', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const {accounts} = app.application.services;
	await accounts.authenticate(token, {allowsLocked: false});
	const rounds = 20_000;
	const began = performance.now();
	for (let round = 0; round < rounds; round += 1) {
		void accounts.authenticate(token, {allowsLocked: false});
	}
	const microseconds = ((performance.now() - began) * 1000) / rounds;
	t.log(`${microseconds.toFixed(1)} µs`);
	t.true(microseconds < 100);
	t.false(accounts.authenticate(token, {allowsLocked: false}) instanceof Promise);
});
