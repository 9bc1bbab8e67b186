import test, {type ExecutionContext} from 'ava';
import {type App, call, passwordOf, register, request, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/refresh';
const WHOAMI = '/_matrix/client/v3/account/whoami';
const MINUTE_MS = 60_000;

interface Tokens {
	readonly access_token: string;
	readonly refresh_token: string;
	readonly expires_in_ms: number;
	readonly device_id: string;
}

async function signIn(t: ExecutionContext): Promise<{app: App; tokens: Tokens}> {
	const app = await startApp(t);
	await register(app, 'alice');
	const body = {type: 'm.login.password', user: 'alice', password: passwordOf('alice'), refresh_token: true};
	return {app, tokens: await call<Tokens>(app, 'POST', '/_matrix/client/v3/login', {body})};
}

const exchange = (app: App, refreshToken: string) =>
	request<Tokens & {errcode: string; soft_logout: boolean}>(app, 'POST', PATH, {body: {refresh_token: refreshToken}});

const statusOf = async (app: App, token: string) => (await request(app, 'GET', WHOAMI, {token})).status;

test('an access token that can be refreshed ends after five minutes, softly', async (t) => {
	const {app, tokens} = await signIn(t);
	t.is(tokens.expires_in_ms, 5 * MINUTE_MS);
	t.is(await statusOf(app, tokens.access_token), 200);
	app.advance(5 * MINUTE_MS + 1_000);
	const late = await request(app, 'GET', WHOAMI, {token: tokens.access_token});
	t.is(late.status, 401);
	t.is(late.body['errcode'], 'M_UNKNOWN_TOKEN');
	t.is(late.body['soft_logout'], true);
	const next = await exchange(app, tokens.refresh_token);
	t.is(next.status, 200);
	const owner = await call(app, 'GET', WHOAMI, {token: next.body.access_token});
	t.is(owner['device_id'], tokens.device_id);
});

test('a token that cannot be refreshed does not end by itself', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	t.false('expires_in_ms' in session);
	app.advance(365 * 24 * 60 * MINUTE_MS);
	t.is(await statusOf(app, session.access_token), 200);
});

test('a refresh token can be exchanged again until what it gave is used', async (t) => {
	const {app, tokens} = await signIn(t);
	const lost = (await exchange(app, tokens.refresh_token)).body;
	const got = (await exchange(app, tokens.refresh_token)).body;
	t.not(got.access_token, lost.access_token);
	// What the lost answer gave was replaced.
	t.is(await statusOf(app, lost.access_token), 401);
	t.is(await statusOf(app, got.access_token), 200);
});

for (const which of ['spent', 'replaced'] as const) {
	test(`who comes with a ${which} refresh token ends the session, for somebody has a copy`, async (t) => {
		const {app, tokens} = await signIn(t);
		const lost = (await exchange(app, tokens.refresh_token)).body;
		const got = (await exchange(app, tokens.refresh_token)).body;
		t.is(await statusOf(app, got.access_token), 200);
		const copy = await exchange(app, (which === 'spent' ? tokens : lost).refresh_token);
		t.is(copy.status, 401);
		t.is(copy.body.errcode, 'M_UNKNOWN_TOKEN');
		t.is(copy.body.soft_logout, false);
		t.is(await statusOf(app, got.access_token), 401);
		t.is((await exchange(app, got.refresh_token)).status, 401);
	});
}

test('using the new refresh token revokes the old one too', async (t) => {
	const {app, tokens} = await signIn(t);
	const second = (await exchange(app, tokens.refresh_token)).body;
	const third = (await exchange(app, second.refresh_token)).body;
	t.is(await statusOf(app, third.access_token), 200);
	t.is((await exchange(app, tokens.refresh_token)).status, 401);
});

test('a device that refreshes stays one device, with few tokens', async (t) => {
	const {app, tokens} = await signIn(t);
	let last = tokens;
	for (let count = 0; count < 5; count += 1) {
		last = {...tokens, ...(await exchange(app, last.refresh_token)).body};
		t.is(await statusOf(app, last.access_token), 200);
	}
	const {devices} = await call<{devices: unknown[]}>(app, 'GET', '/_matrix/client/v3/devices', {
		token: last.access_token,
	});
	t.is(devices.length, 2);
});

test('E13: two exchanges at once leave the device with a token that works', async (t) => {
	const {app, tokens} = await signIn(t);
	const answers = await Promise.all([1, 2].map(() => exchange(app, tokens.refresh_token)));
	t.deepEqual(
		answers.map(({status}) => status),
		[200, 200],
	);
	const statuses: number[] = [];
	for (const {body} of answers) {
		statuses.push(await statusOf(app, body.access_token));
	}
	t.deepEqual(
		statuses.toSorted((a, b) => a - b),
		[200, 401],
	);
});

test('logging out ends the refresh token', async (t) => {
	const {app, tokens} = await signIn(t);
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: tokens.access_token, body: {}});
	t.is((await exchange(app, tokens.refresh_token)).status, 401);
});

test('signing the device in anew ends the refresh token', async (t) => {
	const {app, tokens} = await signIn(t);
	const body = {
		type: 'm.login.password',
		user: 'alice',
		password: passwordOf('alice'),
		device_id: tokens.device_id,
	};
	await call(app, 'POST', '/_matrix/client/v3/login', {body});
	t.is((await exchange(app, tokens.refresh_token)).status, 401);
	t.is(await statusOf(app, tokens.access_token), 401);
});

test('what is no refresh token is refused', async (t) => {
	const {app, tokens} = await signIn(t);
	for (const text of ['', 'nonsense', tokens.access_token]) {
		const answer = await exchange(app, text);
		t.is(answer.status, 401);
		t.is(answer.body.errcode, 'M_UNKNOWN_TOKEN');
	}
	t.is((await request(app, 'POST', PATH, {body: {}})).body['errcode'], 'M_BAD_JSON');
	// And a refresh token opens nothing by itself.
	t.is(await statusOf(app, tokens.refresh_token), 401);
});
