import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {Secret, TOTP} from 'otpauth';
import {PasswordHasher} from '../../../crypto/index.ts';
import {call, login, passwordOf, register, request, signInOnPage, startApp} from '../../harness/index.ts';
import {processorTime} from '../../harness/processor-time.ts';

/** Every file below a folder, as bytes. */
function readAll(directory: string): Buffer[] {
	return readdirSync(directory, {recursive: true, encoding: 'utf8'})
		.map((name) => join(directory, name))
		.filter((path) => statSync(path).isFile())
		.map((path) => readFileSync(path));
}

test('E4, E6: no password, token, code or secret is in the database, its log files, or the log', async (t) => {
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
	const visitor = await signInOnPage(app, 'alice', password);
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
	const {secondFactor, accounts} = services;
	const alice = accounts.checkNewName('alice');
	const {secret} = await secondFactor.beginTotp(alice);
	const totp = new TOTP({secret: Secret.fromBase32(secret)});
	await secondFactor.confirmTotp(alice, totp.generate(), 'test');
	const recoveryCodes = await secondFactor.renewRecoveryCodes(alice);
	const canaries: (string | Buffer)[] = [
		secret,
		Buffer.from(totp.secret.bytes),
		...recoveryCodes,
		...recoveryCodes.map((code) => code.replaceAll('-', '')),
		...visitor.cookies.values(),
		...Object.values(visitor.hidden()),
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

test('E10: a password beyond 512 bytes reaches no hash, wherever it is sent', async (t) => {
	let hashed = 0;
	class CountingHasher extends PasswordHasher {
		override hash(password: string) {
			hashed += 1;
			return super.hash(password);
		}

		override verify(password: string, stored: string | undefined) {
			hashed += 1;
			return super.verify(password, stored);
		}
	}
	const passwords = new CountingHasher({cost: {memoryKib: 8, passes: 1, lanes: 1}, permits: 8, waitingMax: 1000});
	const app = await startApp(t, {passwords});
	const setUpToken = (await app.application.services.setUp.open()) ?? '';
	const form = (long: string) => new URLSearchParams({username: 'chief', password: long, repeated: long});
	for (const long of ['ä'.repeat(257), 'x'.repeat(5_000_000)]) {
		const reply = await fetch(`${app.url}/setup/${setUpToken}`, {method: 'POST', body: form(long)});
		t.true([400, 413].includes(reply.status));
	}
	const {access_token: token, device_id: deviceId} = await register(app, 'alice');
	const V3 = '/_matrix/client/v3';
	const {nonce} = await call<{nonce: string}>(app, 'GET', '/_synapse/admin/v1/register');
	const auth = (long: string) => ({type: 'm.login.password', user: 'alice', password: long});
	const proof = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};
	hashed = 0;
	const asks: Readonly<Record<string, (long: string) => readonly [string, string, object]>> = {
		login: (long) => ['POST', `${V3}/login`, auth(long)],
		registration: (long) => [
			'POST',
			`${V3}/register`,
			{username: 'bob', password: long, auth: {type: 'm.login.dummy'}},
		],
		'a proof': (long) => ['DELETE', `${V3}/devices/${deviceId}`, {auth: auth(long)}],
		'the end of the account': (long) => ['POST', `${V3}/account/deactivate`, {auth: auth(long)}],
		'the old password': (long) => ['POST', `${V3}/account/password`, {new_password: 'good enough', auth: auth(long)}],
		'the shared secret': (long) => [
			'POST',
			'/_synapse/admin/v1/register',
			{nonce, username: 'tool', password: long, mac: 'x'},
		],
	};
	for (const [what, ask] of Object.entries(asks)) {
		for (const long of ['ä'.repeat(257), 'x'.repeat(5_000_000)]) {
			const [method, path, body] = ask(long);
			const answer = await request(app, method, path, {token, body});
			t.true([400, 401, 403, 413].includes(answer.status), `${what}: ${answer.status}`);
		}
	}
	t.is(hashed, 0);
	// Proving the old one costs a hash; the new one is refused for its length.
	const change = {new_password: 'ä'.repeat(257), auth: proof};
	t.is(
		(await request(app, 'POST', `${V3}/account/password`, {token, body: change})).body['errcode'],
		'M_INVALID_PARAM',
	);
	t.is(hashed, 1);
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token})).status, 200);
});

test('a session that was used is found again within microseconds', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const {accounts} = app.application.services;
	await accounts.authenticate(token, {allowsLocked: false});
	const rounds = 20_000;
	const began = processorTime();
	for (let round = 0; round < rounds; round += 1) {
		void accounts.authenticate(token, {allowsLocked: false});
	}
	const microseconds = ((processorTime() - began) * 1000) / rounds;
	t.log(`${microseconds.toFixed(1)} µs`);
	t.true(microseconds < 100);
	t.false(accounts.authenticate(token, {allowsLocked: false}) instanceof Promise);
});
