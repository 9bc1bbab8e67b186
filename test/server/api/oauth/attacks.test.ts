/** Ways to take a session that is another's: each ends without access. */
import {randomBytes} from 'node:crypto';
import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {DeviceId, UserId} from '../../../../crypto/index.ts';
import {type App, call, passwordOf, register, request, signInOnPage, startApp, until} from '../../../harness/index.ts';
import {givePassword, openDesk, SECOND_STEP, SIGN_IN} from '../pages/factor-pages.ts';
import {
	ask,
	consent,
	exchange,
	METADATA,
	postForm,
	postToken,
	refresh,
	registerClient,
	signIn,
	type TokenAnswer,
} from './client.ts';

const V3 = '/_matrix/client/v3';

async function isGood(app: App, token: string): Promise<boolean> {
	return (await request(app, 'GET', `${V3}/account/whoami`, {token})).status === 200;
}

/** A code that somebody has consented to. */
async function getCode(app: App, userId: string) {
	const asked = ask(await registerClient(app));
	const code = (await consent(app, userId, asked)).searchParams.get('code') ?? '';
	return {asked, code};
}

test('a code that comes a second time ends the session that it opened', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const {asked, code} = await getCode(app, alice);
	const {body} = await exchange(app, asked, code);
	t.true(await isGood(app, body.access_token));
	const again = await exchange(app, asked, code);
	t.deepEqual([again.status, again.body.error], [400, 'invalid_grant']);
	t.false(await isGood(app, body.access_token));
	t.is((await refresh(app, body.refresh_token, asked.clientId)).status, 400);
});

test('of sixty-four that come with one code none keeps a session', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const {asked, code} = await getCode(app, alice);
	const answers = await Promise.all(Array.from({length: 64}, () => exchange(app, asked, code)));
	const given = answers.filter(({status}) => status === 200);
	t.is(given.length, 1);
	for (const {body} of given) t.false(await isGood(app, body.access_token));
});

test('E9: a code is good with its own client, address and verifier, in its minute, and with nothing else', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const other = await registerClient(app, {...METADATA, client_name: 'Another client'});
	const swaps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
		'another client': {client_id: other},
		'another address': {redirect_uri: METADATA.redirect_uris[1] ?? ''},
		'another verifier': {code_verifier: randomBytes(32).toString('base64url')},
		'a verifier that is too short': {code_verifier: 'short'},
		'no verifier': {code_verifier: ''},
		'a plain challenge': {code_verifier: 'challenge'},
		'no code': {code: ''},
		'another code': {code: randomBytes(32).toString('base64url')},
	};
	for (const [what, swap] of Object.entries(swaps)) {
		const {asked, code} = await getCode(app, alice);
		const more = what === 'a plain challenge' ? {code_verifier: asked.search.get('code_challenge') ?? ''} : swap;
		const {status, body} = await exchange(app, asked, code, more);
		t.deepEqual([status, 'access_token' in body], [400, false], what);
	}
	const {asked, code} = await getCode(app, alice);
	app.advance(61_000);
	t.is((await exchange(app, asked, code)).status, 400);
});

test('a stolen refresh token ends the session, whoever comes first', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	for (const isThiefFirst of [true, false]) {
		const owner = await signIn(app, alice);
		const use = async () => {
			const {body} = await refresh(app, owner.refresh_token, owner.clientId);
			t.true(await isGood(app, body.access_token));
			return body;
		};
		const first = await use();
		const second = await refresh(app, owner.refresh_token, owner.clientId);
		t.deepEqual([second.status, second.body.error], [400, 'invalid_grant'], String(isThiefFirst));
		t.false(await isGood(app, first.access_token));
		t.is((await refresh(app, first.refresh_token, owner.clientId)).status, 400);
	}
});

test('whose session ends because a token came twice is told so in the others', async (t) => {
	const app = await startApp(t, {config: {server_notices: {enabled: true}}});
	const {user_id: alice, access_token: token} = await register(app, 'alice');
	const owner = await signIn(app, alice);
	const {body} = await refresh(app, owner.refresh_token, owner.clientId);
	t.true(await isGood(app, body.access_token));
	t.is((await refresh(app, owner.refresh_token, owner.clientId)).status, 400);
	await until(async () => {
		const {text} = await request(app, 'GET', `${V3}/sync`, {token});
		return text.includes('came twice');
	}, 'the notice');
	t.pass();
});

test('E4, E6: no code, token or cookie of OAuth is in the database, its log files, or the log', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const session = await signIn(app, alice);
	const next = (await refresh(app, session.refresh_token, session.clientId)).body;
	const {asked, code} = await getCode(app, alice);
	const scope = 'urn:matrix:client:api:* urn:matrix:client:device:TELEVISION';
	const {body} = await postForm(app, '/oauth2/device', {client_id: asked.clientId, scope});
	const userCode = String(body['user_code']);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open(`/oauth2/link?user_code=${userCode}`);
	await visitor.submit('/oauth2/link', {user_code: userCode, decision: 'allow'});
	const canaries = [
		session.access_token,
		session.refresh_token,
		next.access_token,
		next.refresh_token,
		next.refresh_token.slice(4, 26),
		code,
		asked.verifier,
		String(body['device_code']),
		userCode,
		userCode.replace('-', ''),
		...visitor.cookies.values(),
	];
	const files = readdirSync(app.directory, {recursive: true, encoding: 'utf8'}).map((name) =>
		join(app.directory, name),
	);
	const places = files.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path));
	t.true(places.length > 1);
	for (const canary of canaries) {
		t.true(canary.length > 5);
		t.false([...places, Buffer.from(app.readLog())].some((bytes) => bytes.includes(canary)));
	}
});

test('a refresh token is good for its own client and its own API alone, and who tries otherwise ends nothing', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const session = await signIn(app, alice);
	const other = await registerClient(app, {...METADATA, client_name: 'Another client'});
	t.is((await refresh(app, session.refresh_token, other)).status, 400);
	t.is((await request(app, 'POST', `${V3}/refresh`, {body: {refresh_token: session.refresh_token}})).status, 401);
	const body = {type: 'm.login.password', user: 'alice', password: passwordOf('alice'), refresh_token: true};
	const older = await call<{refresh_token: string; access_token: string}>(app, 'POST', `${V3}/login`, {body});
	t.is((await refresh(app, older.refresh_token, session.clientId)).status, 400);
	t.true(await isGood(app, session.access_token));
	t.true(await isGood(app, older.access_token));
	t.is((await refresh(app, session.refresh_token, session.clientId)).status, 200);
});

test('a session that is revoked is over at once where a request waits for news', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const {access_token: token} = await signIn(app, alice);
	const {next_batch: since} = await call<{next_batch: string}>(app, 'GET', `${V3}/sync`, {token});
	const waitMs = 60_000;
	const begunMs = performance.now();
	const ended = request(app, 'GET', `${V3}/sync?timeout=${waitMs}&since=${since}`, {token});
	for (let turn = 0; turn < 5; turn += 1) await request(app, 'GET', '/_matrix/client/versions');
	t.is((await postForm(app, '/oauth2/revoke', {token})).status, 200);
	t.is((await ended).status, 401);
	t.true(performance.now() - begunMs < waitMs, 'and not because its time was up');
	t.false(await isGood(app, token));
});

test('whoever finds a token can end what it opens, with any client id or none, and also one that was used up', async (t) => {
	const app = await startApp(t);
	const {user_id: alice, access_token: older} = await register(app, 'alice');
	const session = await signIn(app, alice);
	const next = (await refresh(app, session.refresh_token, session.clientId)).body;
	t.true(await isGood(app, next.access_token));
	await postForm(app, '/oauth2/revoke', {token: session.refresh_token, client_id: 'another'});
	t.false(await isGood(app, next.access_token));
	await postForm(app, '/oauth2/revoke', {token: older, token_type_hint: 'refresh_token'});
	t.false(await isGood(app, older));
	t.is((await postForm(app, '/oauth2/revoke', {token: 'nonsense'})).status, 200);
	t.is((await postForm(app, '/oauth2/revoke', {})).status, 400);
});

test('an account that ends or is locked gets no session for a code, and keeps none to refresh', async (t) => {
	const app = await startApp(t);
	const {storage, services} = app.application;
	const alice = (await register(app, 'alice')).user_id as UserId;
	const {asked, code} = await getCode(app, alice);
	const setLocked = async (isLocked: boolean) => {
		const batch = storage.batch();
		storage.accounts.setStates(batch, alice, {isLocked});
		batch.announce({kind: 'account', subject: alice});
		await storage.commit(batch);
	};
	await setLocked(true);
	t.is((await exchange(app, asked, code)).body.error, 'invalid_grant');
	await setLocked(false);
	const session = await signIn(app, alice);
	await setLocked(true);
	// Who is locked for a while keeps the session, and is told of it by whatever is asked.
	const locked = await refresh(app, session.refresh_token, session.clientId);
	t.is(locked.status, 200);
	const told = await request(app, 'GET', `${V3}/account/whoami`, {token: locked.body.access_token});
	t.like(told.body, {errcode: 'M_USER_LOCKED', soft_logout: true});
	await setLocked(false);
	const later = await getCode(app, alice);
	await services.accounts.deactivate(alice, {erase: true});
	t.is((await refresh(app, locked.body.refresh_token, session.clientId)).body.error, 'invalid_grant');
	t.is((await exchange(app, later.asked, later.code)).body.error, 'invalid_grant');
	t.is(await storage.oauth.findSession(alice, 'AAABBBCCCDDD' as DeviceId), undefined);
});

const ends: Readonly<Record<string, (app: App, userId: UserId, token: string) => Promise<unknown>>> = {
	'another password': ({application}, userId) =>
		application.services.accounts.changePassword(userId, 'another good one', {endsOtherSessions: true}),
	'signing out everywhere': (app, _, token) => call(app, 'POST', `${V3}/logout/all`, {token, body: {}}),
};

for (const [what, end] of Object.entries(ends)) {
	test(`${what} ends what was consented to and is not yet a session, also of a device that waits`, async (t) => {
		const app = await startApp(t);
		const {user_id: alice, access_token: token} = await register(app, 'alice');
		const {asked, code} = await getCode(app, alice);
		const scope = 'urn:matrix:client:api:* urn:matrix:client:device:TELEVISION';
		const {body} = await postForm(app, '/oauth2/device', {client_id: asked.clientId, scope});
		const {oauth} = app.application.services;
		await oauth.decideDevice(String(body['user_code']), {userId: alice as UserId, isApproved: true});
		await end(app, alice as UserId, token);
		t.is((await exchange(app, asked, code)).body.error, 'invalid_grant');
		const poll = await postToken(app, {
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
			device_code: String(body['device_code']),
			client_id: asked.clientId,
		});
		t.is(poll.body.error, 'invalid_grant');
	});
}

test('who has a second factor lets no program in by the password alone', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const asked = ask(await registerClient(app));
	const path = `/oauth2/authorize?${asked.search.toString()}`;
	const {visitor} = await givePassword(app, `${SIGN_IN}?return_to=${encodeURIComponent(path)}`);
	t.true((await visitor.open(path)).to.startsWith(SIGN_IN));
	t.true((await visitor.open('/oauth2/link')).to.startsWith(SIGN_IN));
	await visitor.open(SECOND_STEP);
	t.not((await visitor.submit(path, {decision: 'allow'})).to.slice(0, 20), 'https://app.example/');
	await visitor.open(SECOND_STEP);
	const back = await visitor.submit(SECOND_STEP, {code: show()});
	t.is(back.to, path);
	t.is((await visitor.open(path)).status, 200);
	const {to} = await visitor.submit(path, {decision: 'allow'});
	const {body} = await exchange(app, asked, new URL(to).searchParams.get('code') ?? '');
	t.true(await isGood(app, body.access_token));
	t.is(alice.user_id, '@alice:news.example');
});

test('grants that there are not, and secrets that there are not, are refused', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const clientId = await registerClient(app);
	const errorOf = async (fields: Readonly<Record<string, string>>): Promise<string> => {
		const {status, body}: TokenAnswer = await postToken(app, fields);
		t.true(status >= 400 && status < 500);
		return body.error;
	};
	t.is(await errorOf({grant_type: 'password', client_id: clientId}), 'unsupported_grant_type');
	t.is(await errorOf({grant_type: 'client_credentials', client_id: clientId}), 'unsupported_grant_type');
	t.is(await errorOf({grant_type: 'authorization_code', code: 'a'}), 'invalid_request');
	t.is(await errorOf({grant_type: 'authorization_code', client_id: 'unknown'}), 'invalid_client');
	t.is(await errorOf({client_id: clientId}), 'invalid_request');
	t.is(await errorOf({}), 'invalid_request');
});
