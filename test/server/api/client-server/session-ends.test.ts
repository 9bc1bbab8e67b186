/** However a session ends, it ends everywhere at once: rows E3 and E9 of the list of threats. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {type App, call, login, passwordOf, register, request, type Session, startApp} from '../../../harness/index.ts';

const V3 = '/_matrix/client/v3';
/** So long a request waits for news where nothing ends it before. */
const WAIT_MS = 60_000;

const proof = (name: string) => ({
	type: 'm.login.password',
	identifier: {type: 'm.id.user', user: name},
	password: passwordOf(name),
});

/** Ways in which a session ends; each is told the session that ends and another of the same person. */
const ends: Readonly<Record<string, (app: App, ending: Session, other: Session) => Promise<unknown>>> = {
	logout: (app, ending) => call(app, 'POST', `${V3}/logout`, {token: ending.access_token, body: {}}),
	'logout everywhere': (app, _, other) => call(app, 'POST', `${V3}/logout/all`, {token: other.access_token, body: {}}),
	'deleting the device': (app, ending, other) =>
		call(app, 'DELETE', `${V3}/devices/${ending.device_id}`, {token: other.access_token, body: {auth: proof('alice')}}),
	'deleting devices': (app, ending, other) =>
		call(app, 'POST', `${V3}/delete_devices`, {
			token: other.access_token,
			body: {devices: [ending.device_id], auth: proof('alice')},
		}),
	'another password': (app, _, other) =>
		call(app, 'POST', `${V3}/account/password`, {
			token: other.access_token,
			body: {new_password: 'another good one', auth: proof('alice')},
		}),
	'the end of the account': (app, _, other) =>
		call(app, 'POST', `${V3}/account/deactivate`, {token: other.access_token, body: {auth: proof('alice')}}),
	'a new login of the device': (app, ending) =>
		call(app, 'POST', `${V3}/login`, {body: {...proof('alice'), device_id: ending.device_id}}),
	'another password, by an administrator': ({application}, ending) =>
		application.services.accounts.changePassword(ending.user_id as UserId, 'another good one', {
			endsOtherSessions: true,
		}),
};

/** Begins a wait for news. Resolves, when the request waits, with how it ends. */
async function waitForNews(app: App, {access_token: token}: Session) {
	const {next_batch: since} = await call<{next_batch: string}>(app, 'GET', `${V3}/sync`, {token});
	const begunMs = performance.now();
	const path = `${V3}/sync?timeout=${WAIT_MS}&since=${since}`;
	const ended = request(app, 'GET', path, {token}).then(({status, body}) => ({
		isRefused: status === 401 && body['errcode'] === 'M_UNKNOWN_TOKEN',
		// The end of an account ends waits too, with nothing told.
		isEmpty: status === 200 && ['rooms', 'to_device', 'account_data'].every((name) => body[name] === undefined),
		tookMs: performance.now() - begunMs,
	}));
	// What is asked after it is answered after it has begun to wait.
	for (let turn = 0; turn < 5; turn += 1) await request(app, 'GET', '/_matrix/client/versions');
	return {ended};
}

async function checkOver(t: ExecutionContext, app: App, {access_token: token}: Session, what: string): Promise<void> {
	for (const [method, path, body] of [
		['GET', `${V3}/account/whoami`],
		['GET', `${V3}/sync`],
		['POST', `${V3}/createRoom`, {}],
		['POST', `${V3}/logout`, {}],
		['POST', `${V3}/account/password`, {auth: proof('alice'), new_password: 'yet another one'}],
	] as const) {
		const answer = await request(app, method, path, {token, ...(body && {body})});
		t.deepEqual([answer.status, answer.body['errcode']], [401, 'M_UNKNOWN_TOKEN'], `${what}: ${path}`);
	}
}

for (const [what, end] of Object.entries(ends)) {
	test(`E3: by ${what} a session ends at once, also where it waits and where it is remembered`, async (t) => {
		const app = await startApp(t);
		const ending = await register(app, 'alice');
		const other = await login(app, 'alice');
		// Used, so that the program remembers the token.
		t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: ending.access_token})).status, 200);
		const news = await waitForNews(app, ending);
		await end(app, ending, other);
		await checkOver(t, app, ending, what);
		const {isRefused, isEmpty, tookMs} = await news.ended;
		t.true(isRefused || isEmpty);
		t.true(tookMs < WAIT_MS, 'and not because its time was up');
	});
}

const SLIDING = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

/** Ways in which a wait by sliding sync ends, and what it is answered with. */
const slidingEnds: Readonly<
	Record<string, readonly [errcode: string, end: (app: App, ending: Session, other: Session) => Promise<unknown>]>
> = {
	'a token that is revoked': ['M_UNKNOWN_TOKEN', ends['logout everywhere']!],
	'the lock of the account': [
		'M_USER_LOCKED',
		({application}, {user_id: userId}) =>
			application.services.moderation.set('@root:news.example' as UserId, userId as UserId, 'isLocked', true),
	],
};

for (const [what, [errcode, end]] of Object.entries(slidingEnds)) {
	test(`E3: by ${what} a wait of sliding sync ends at once`, async (t) => {
		const app = await startApp(t);
		const ending = await register(app, 'alice');
		const other = await login(app, 'alice');
		const {access_token: token} = ending;
		const body = {conn_id: 'list', lists: {}};
		const {pos} = await call<{pos: string}>(app, 'POST', `${SLIDING}?timeout=0`, {token, body});
		const path = `${SLIDING}?timeout=${WAIT_MS}&pos=${pos}`;
		const begunMs = performance.now();
		const waiting = request(app, 'POST', path, {token, body});
		// What is asked after it is answered after it has begun to wait.
		for (let turn = 0; turn < 5; turn += 1) await request(app, 'GET', '/_matrix/client/versions');
		await end(app, ending, other);
		const {status, body: said} = await waiting;
		t.true(performance.now() - begunMs < WAIT_MS, 'and not because its time was up');
		// A wait may also end with nothing told; whatever is asked next is refused.
		const isEmpty = status === 200 && Object.keys(said['rooms'] ?? {}).length === 0;
		t.true(isEmpty || (status === 401 && said['errcode'] === errcode));
		const next = await request(app, 'POST', path, {token, body});
		t.deepEqual([next.status, next.body['errcode']], [401, errcode]);
	});
}

test('E3: nobody gets into an account that is over, by password, refresh token or another password', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const session = await call<{refresh_token: string}>(app, 'POST', `${V3}/login`, {
		body: {...proof('alice'), refresh_token: true},
	});
	await ends['the end of the account']!(app, alice, alice);
	const refreshed = await request(app, 'POST', `${V3}/refresh`, {body: {refresh_token: session.refresh_token}});
	t.deepEqual([refreshed.status, refreshed.body['errcode']], [401, 'M_UNKNOWN_TOKEN']);
	const again = () => request(app, 'POST', `${V3}/login`, {body: proof('alice')});
	t.is((await again()).body['errcode'], 'M_USER_DEACTIVATED');
	// An operator may set a password by mistake.
	await app.application.services.accounts.changePassword(alice.user_id as UserId, passwordOf('alice'), {
		endsOtherSessions: false,
	});
	t.is((await again()).body['errcode'], 'M_USER_DEACTIVATED');
	const name = await request(app, 'POST', `${V3}/register`, {
		body: {username: 'alice', password: 'good enough', auth: {type: 'm.login.dummy'}},
	});
	t.is(name.body['errcode'], 'M_USER_IN_USE');
});

test('E9: a proof that differs in one thing from what was asked for is none', async (t) => {
	const app = await startApp(t);
	const [alice, mallory] = [await register(app, 'alice'), await register(app, 'mallory')];
	const [phone, tablet] = [await login(app, 'alice'), await login(app, 'alice')];
	const path = (deviceId: string) => `${V3}/devices/${deviceId}`;
	const open = async () => {
		const body = {};
		const first = await request<{session: string}>(app, 'DELETE', path(phone.device_id), {
			token: alice.access_token,
			body,
		});
		return first.body.session;
	};
	const fallback = (session: string, name: string) =>
		fetch(`${app.url}${V3}/auth/m.login.password/fallback/web?session=${session}`, {
			method: 'POST',
			body: new URLSearchParams({user: name, password: passwordOf(name)}),
		});
	// Somebody else's password completes nothing of hers.
	const session = await open();
	t.is((await fallback(session, 'mallory')).status, 400);
	const notHers = {auth: {...proof('mallory'), session}};
	t.is((await request(app, 'DELETE', path(phone.device_id), {token: alice.access_token, body: notHers})).status, 403);
	// Completed by herself, it is good for this operation on this device by her, once.
	t.is((await fallback(session, 'alice')).status, 200);
	const body = {auth: {session}};
	const swapped: Readonly<Record<string, () => Promise<{status: number}>>> = {
		'another account': () => request(app, 'DELETE', path(phone.device_id), {token: mallory.access_token, body}),
		'another device': () => request(app, 'DELETE', path(tablet.device_id), {token: alice.access_token, body}),
		'another operation': () => request(app, 'POST', `${V3}/account/deactivate`, {token: alice.access_token, body}),
		'a password': () =>
			request(app, 'POST', `${V3}/account/password`, {
				token: alice.access_token,
				body: {...body, new_password: 'good enough'},
			}),
		'a list with the same device': () =>
			request(app, 'POST', `${V3}/delete_devices`, {
				token: alice.access_token,
				body: {...body, devices: [phone.device_id]},
			}),
		'a registration': () =>
			request(app, 'POST', `${V3}/register`, {body: {...body, username: 'eve', password: 'long enough'}}),
		'another session': () =>
			request(app, 'DELETE', path(phone.device_id), {
				token: alice.access_token,
				body: {auth: {session: `${session}x`}},
			}),
	};
	for (const [what, ask] of Object.entries(swapped)) t.is((await ask()).status, 401, what);
	t.is((await request(app, 'DELETE', path(phone.device_id), {token: alice.access_token, body})).status, 200);
	t.is((await request(app, 'DELETE', path(phone.device_id), {token: alice.access_token, body})).status, 401);
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: tablet.access_token})).status, 200);
});

test('E9: one kind of token is never taken for another', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const {accounts, setUp} = app.application.services;
	const setUpToken = (await setUp.open()) ?? '';
	const registrationToken = await accounts.createRegistrationToken({
		name: 'desk',
		usesAllowed: 2,
		expiresTs: null,
		makesAdmin: false,
	});
	const first = await request<{session: string}>(app, 'POST', `${V3}/register`, {body: {}});
	const auth = {type: 'm.login.registration_token', token: registrationToken, session: first.body.session};
	const alice = await call<Session & {refresh_token: string}>(app, 'POST', `${V3}/register`, {
		body: {username: 'alice', password: passwordOf('alice'), refresh_token: true, auth},
	});
	const tokens = {
		access: alice.access_token,
		refresh: alice.refresh_token,
		registration: registrationToken,
		setUp: setUpToken,
	};
	for (const [kind, token] of Object.entries(tokens)) {
		const asAccess = await request(app, 'GET', `${V3}/account/whoami`, {token});
		t.is(asAccess.status, kind === 'access' ? 200 : 401, `${kind} as an access token`);
		const asRefresh = await request(app, 'POST', `${V3}/refresh`, {body: {refresh_token: token}});
		t.is(asRefresh.status, kind === 'refresh' ? 200 : 401, `${kind} as a refresh token`);
		const validity = `/_matrix/client/v1/register/m.login.registration_token/validity?token=${token}`;
		t.is((await call<{valid: boolean}>(app, 'GET', validity)).valid, kind === 'registration', `${kind} as a ticket`);
		// There is an account by now, so the link is over too.
		t.is((await request(app, 'GET', `/setup/${token}`)).status, 404, `${kind} in a link`);
	}
});
