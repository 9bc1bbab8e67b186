/** Proofs that were stolen, forged, used before, or given in the place of another; each ends without access. */
import test from 'ava';
import {createServer} from 'node:net';
import type {UserId} from '../../../../crypto/index.ts';
import {Authenticator, type Lie} from '../../../harness/authenticator.ts';
import {
	type App,
	call,
	linkIn,
	login,
	passwordOf,
	register,
	request,
	signInOnPage,
	startApp,
	startMailServer,
	Visitor,
} from '../../../harness/index.ts';
import {ask, consent, exchange, postToken, refresh as refreshByOAuth, registerClient} from '../oauth/client.ts';
import {givePassword, openDesk, optionsOf, ORIGIN, SECOND_STEP, signIn} from '../pages/factor-pages.ts';

const V3 = '/_matrix/client/v3';
const PASSKEY = '/account/sign-in/passkey';
const ADD = '/account/passkeys/add';
const isIn = async (visitor: Visitor): Promise<boolean> => (await visitor.open('/account')).status === 200;
const isGood = async (app: App, token: string): Promise<boolean> =>
	(await request(app, 'GET', `${V3}/account/whoami`, {token})).status === 200;

interface Tokens {
	readonly access_token: string;
	readonly refresh_token: string;
}

test('a stolen refresh token of the older API ends the session, whoever comes first', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const refresh = (token: string) => request<Tokens>(app, 'POST', `${V3}/refresh`, {body: {refresh_token: token}});
	for (const isThiefFirst of [true, false]) {
		const body = {type: 'm.login.password', user: 'alice', password: passwordOf('alice'), refresh_token: true};
		const {refresh_token: stolen} = await call<Tokens>(app, 'POST', `${V3}/login`, {body});
		const {body: first} = await refresh(stolen);
		t.true(await isGood(app, first.access_token));
		t.is((await refresh(stolen)).status, 401, String(isThiefFirst));
		t.false(await isGood(app, first.access_token));
		t.is((await refresh(first.refresh_token)).status, 401);
	}
});

test('a revoked token is over at once where a request waits for news, when its owner signs it out on the page', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const stolen = await login(app, 'alice');
	const {next_batch: since} = await call<{next_batch: string}>(app, 'GET', `${V3}/sync`, {token: stolen.access_token});
	const waitMs = 60_000;
	const begunMs = performance.now();
	const path = `${V3}/sync?timeout=${waitMs}&since=${since}`;
	const waiting = request(app, 'GET', path, {token: stolen.access_token});
	const owner = await signInOnPage(app, 'alice', passwordOf('alice'));
	await owner.open('/account/sessions');
	await owner.submit('/account/sessions', {device_id: stolen.device_id});
	t.false(await isGood(app, stolen.access_token));
	t.is((await waiting).status, 401);
	t.true(performance.now() - begunMs < waitMs, 'and not because its time was up');
});

test('a replayed TOTP: a code that its owner has just used opens no page, no stage and no link to who knows the password', async (t) => {
	const mail = await startMailServer(t);
	const {app, alice, addGenerator} = await openDesk(t, {smtp: mail.smtp});
	const userId = alice.user_id as UserId;
	const show = await addGenerator();
	const code = show();
	await signIn(app, code);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	t.is((await visitor.submit(SECOND_STEP, {code})).status, 403);
	t.false(await isIn(visitor));
	const path = `${V3}/devices/${alice.device_id}`;
	const token = alice.access_token;
	const {body} = await request<{session: string}>(app, 'DELETE', path, {token, body: {}});
	const stages = [
		{type: 'm.login.password', identifier: {type: 'm.id.user', user: 'alice'}, password: passwordOf('alice')},
		{type: 'org.broadsheet.login.second_factor', code},
	];
	for (const stage of stages) {
		const answer = await request(app, 'DELETE', path, {token, body: {auth: {...stage, session: body.session}}});
		t.is(answer.status, 401);
	}
	t.true(await isGood(app, token));
	const batch = app.application.storage.batch();
	const address = {address: 'alice@mail.example', canonical: 'alice@mail.example', language: 'en', addedDay: 1};
	app.application.storage.mailAddresses.set(batch, {userId, ...address});
	await app.application.storage.commit(batch);
	const asker = new Visitor(app);
	await asker.open('/account/recover');
	await asker.submit('/account/recover', {name: 'alice'});
	const link = new URL(linkIn(await mail.take('alice@mail.example', /A new password/u)), ORIGIN).pathname;
	await asker.open(link);
	const wish = {code, password: 'of-a-thief-Zq7!', repeated: 'of-a-thief-Zq7!'};
	t.is((await asker.submit(link, wish)).status, 403);
	t.true(await app.application.services.accounts.checkPassword(userId, passwordOf('alice')));
});

const lies: Readonly<Record<string, Lie>> = {
	'of another host': {origin: 'https://matrix-news.example'},
	'of a host below': {origin: `https://login.${new URL(ORIGIN).host}`},
	'of a host above': {origin: 'https://news.example'},
	'of another port': {origin: `${ORIGIN}:8443`},
	'without https': {origin: ORIGIN.replace('https', 'http')},
	'of nobody': {origin: 'null'},
	'for another relying party': {rpId: 'matrix-news.example'},
	'from within a frame': {crossOrigin: true},
	'without a verified person': {isUnverified: true},
};

for (const [what, lie] of Object.entries(lies)) {
	test(`a forged WebAuthn origin: an answer ${what} signs nobody in and adds no passkey`, async (t) => {
		const {app, alice} = await openDesk(t);
		const {visitor: owner} = await givePassword(app);
		const authenticator = new Authenticator(ORIGIN);
		const forged = new Authenticator(ORIGIN).create(optionsOf(await owner.open(ADD)), lie);
		t.is((await owner.submit(ADD, {passkey: forged, name: 'Forged'})).status, 400);
		const made = authenticator.create(optionsOf(await owner.open(ADD)));
		t.is((await owner.submit(ADD, {passkey: made, name: 'Phone'})).status, 200);
		const thief = new Visitor(app);
		const options = optionsOf(await thief.open(PASSKEY));
		t.is((await thief.submit(PASSKEY, {passkey: authenticator.get(options, lie)})).status, 403);
		t.false(await isIn(thief));
		const {passkeys} = app.application.services.secondFactor;
		t.is((await passkeys.list(alice.user_id as UserId)).length, 1);
		const honest = optionsOf(await thief.open(PASSKEY));
		t.is((await thief.submit(PASSKEY, {passkey: authenticator.get(honest)})).to, '/account');
	});
}

test('swapped proofs: no token, code, cookie or link does what another one is for', async (t) => {
	const mail = await startMailServer(t);
	const app = await startApp(t, {config: {smtp: mail.smtp, registration: 'token'}});
	const alice = await app.application.services.accounts.register({
		userId: '@alice:news.example' as UserId,
		password: passwordOf('alice'),
	});
	const {accounts, addresses, loginTokens} = app.application.services;
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await addresses.requestFor(alice.userId, 'alice@mail.example', 'en');
	const address =
		linkIn(await mail.take('alice@mail.example'))
			.split('/')
			.at(-1) ?? '';
	const cookie = [...visitor.cookies.values()][0] ?? '';
	const body = {type: 'm.login.password', user: 'alice', password: passwordOf('alice'), refresh_token: true};
	const session = await call<Tokens & {device_id: string}>(app, 'POST', `${V3}/login`, {body});
	const {token: loginToken} = await loginTokens.issue({userId: alice.userId, deviceId: session.device_id as never});
	const registration = await accounts.createRegistrationToken({
		name: '',
		usesAllowed: 1,
		expiresTs: null,
		makesAdmin: false,
	});
	const asked = ask(await registerClient(app));
	const code = (await consent(app, alice.userId, asked)).searchParams.get('code') ?? '';
	const proofs = {
		address,
		cookie,
		code,
		loginToken,
		registration,
		access: session.access_token,
		refresh: session.refresh_token,
	};
	const opens: Readonly<Record<string, (token: string) => Promise<boolean>>> = {
		access: (token) => isGood(app, token),
		refresh: async (refresh_token) =>
			(await request(app, 'POST', `${V3}/refresh`, {body: {refresh_token}})).status === 200,
		loginToken: async (token) =>
			(await request(app, 'POST', `${V3}/login`, {body: {type: 'm.login.token', token}})).status === 200,
		async cookie(token) {
			const browser = new Visitor(app);
			browser.cookies.set('matrix-session', token);
			return isIn(browser);
		},
		address: async (token) => (await new Visitor(app).open(`/account/email/confirm/${token}`)).status === 200,
		recovery: async (token) => (await new Visitor(app).open(`/account/recover/${token}`)).status === 200,
		approval: async (token) => (await new Visitor(app).open(`/account/approve/${token}`)).status === 200,
		source: async (token) => (await new Visitor(app).open(`/source/${token}`)).status === 200,
		setUp: async (token) => (await new Visitor(app).open(`/setup/${token}`)).status === 200,
		registration: async (token) =>
			(
				await call<{valid: boolean}>(
					app,
					'GET',
					`/_matrix/client/v1/register/m.login.registration_token/validity?token=${encodeURIComponent(token)}`,
				)
			).valid,
		code: async (token) => (await exchange(app, asked, token)).status === 200,
		async deviceCode(token) {
			const grant = 'urn:ietf:params:oauth:grant-type:device_code';
			return (await postToken(app, {grant_type: grant, client_id: asked.clientId, device_code: token})).status === 200;
		},
		oauthRefresh: async (token) => (await refreshByOAuth(app, token, asked.clientId)).status === 200,
	};
	for (const [kind, token] of Object.entries(proofs)) {
		t.true(token.length > 10, kind);
		for (const [place, open] of Object.entries(opens)) {
			if (place !== kind) t.false(await open(token), `${kind} in the place of ${place}`);
		}
	}
	// And each does what it is for, after all that.
	for (const [kind, token] of Object.entries(proofs)) t.true(await opens[kind]?.(token), kind);
});

test('password known: a directory is asked as often about the right password of an account with a factor as about others', async (t) => {
	let questions = 0;
	const directory = createServer((socket) => {
		questions += 1;
		socket.destroy();
	});
	await new Promise<void>((resolve) => void directory.listen(0, '127.0.0.1', resolve));
	t.teardown(() => directory.close());
	const place = directory.address();
	if (place === null || typeof place === 'string') throw new Error('expected a port');
	const provider = {
		id: 'house',
		kind: 'ldap',
		name: 'The House',
		url: `ldap://127.0.0.1:${place.port}`,
		user_dn: 'uid={username}',
	};
	const {app, addGenerator} = await openDesk(t, {identity_providers: [provider]});
	await addGenerator();
	for (const [user, password] of [
		['alice', passwordOf('alice')],
		['alice', 'wrong password'],
		['nobody', 'wrong password'],
	] as const) {
		questions = 0;
		const body = {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password};
		t.is((await request(app, 'POST', `${V3}/login`, {body})).status, 403);
		t.is(questions, 1, `${user} ${password === 'wrong password'}`);
	}
});
