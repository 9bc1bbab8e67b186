import {createHmac} from 'node:crypto';
import test from 'ava';
import {type App, call, REGISTRATION_SHARED_SECRET, request, type Session, startApp} from '../../../harness/index.ts';

const PATH = '/_synapse/admin/v1/register';

async function registerBySecret(app: App, username: string, options: {admin?: boolean; secret?: string} = {}) {
	const {admin = false, secret = REGISTRATION_SHARED_SECRET} = options;
	const {nonce} = await call<{nonce: string}>(app, 'GET', PATH);
	const password = 'correct horse';
	const text = [nonce, username, password, admin ? 'admin' : 'notadmin'].join('\0');
	const mac = createHmac('sha1', secret).update(text).digest('hex');
	const body = {nonce, username, password, admin, mac};
	return {body, answer: await request<Session & {errcode?: string}>(app, 'POST', PATH, {body})};
}

test('who knows the secret makes accounts and administrators, on a closed server too', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const {answer} = await registerBySecret(app, 'user-UPPER');
	t.is(answer.status, 200);
	t.is(answer.body.user_id, '@user-upper:news.example');
	const owner = await call(app, 'GET', '/_matrix/client/v3/account/whoami', {token: answer.body.access_token});
	t.is(owner['user_id'], '@user-upper:news.example');
	t.is((await registerBySecret(app, 'chief', {admin: true})).answer.status, 200);
	const {accounts} = app.application.services;
	t.like(await accounts.find(accounts.checkNewName('chief')), {isAdmin: true});
	t.like(await accounts.find(accounts.checkNewName('user-upper')), {isAdmin: false});
	const acts = await app.application.services.audit.list({limit: 9});
	t.deepEqual(
		acts.map(({who, act, whom}) => [who, act, whom]),
		[
			['shared-secret', 'create-account', '@chief:news.example'],
			['shared-secret', 'create-account', '@user-upper:news.example'],
		],
	);
});

test('a wrong proof, and a nonce that was used or is old, make nothing', async (t) => {
	const app = await startApp(t);
	t.is((await registerBySecret(app, 'alice', {secret: 'guess'})).answer.status, 403);
	const {body} = await registerBySecret(app, 'bobby');
	t.is((await request(app, 'POST', PATH, {body: {...body, username: 'carol'}})).status, 403);
	t.is((await request(app, 'POST', PATH, {body})).status, 403);
	const {nonce} = await call<{nonce: string}>(app, 'GET', PATH);
	app.advance(61_000);
	const text = [nonce, 'carol', 'correct horse', 'notadmin'].join('\0');
	const mac = createHmac('sha1', REGISTRATION_SHARED_SECRET).update(text).digest('hex');
	const late = {nonce, username: 'carol', password: 'correct horse', admin: false, mac};
	t.is((await request(app, 'POST', PATH, {body: late})).status, 403);
	// A proof for a common account makes no administrator.
	const {nonce: other} = await call<{nonce: string}>(app, 'GET', PATH);
	const raised = {...late, nonce: other, admin: true};
	t.is((await request(app, 'POST', PATH, {body: raised})).status, 403);
	const {accounts} = app.application.services;
	t.false(await accounts.isNameTaken(accounts.checkNewName('carol')));
});

test('names are held to the rules of registration', async (t) => {
	const app = await startApp(t);
	t.is((await registerBySecret(app, 'us,er')).answer.body.errcode, 'M_INVALID_USERNAME');
	await registerBySecret(app, 'alice');
	t.is((await registerBySecret(app, 'alice')).answer.body.errcode, 'M_USER_IN_USE');
	t.is((await request(app, 'POST', PATH, {body: {}})).body['errcode'], 'M_BAD_JSON');
});

test('without a secret nobody registers this way', async (t) => {
	const app = await startApp(t, {config: {registration_shared_secret: null}});
	t.is((await request(app, 'GET', PATH)).status, 400);
	const body = {nonce: 'x', username: 'alice', password: 'correct horse', mac: 'x'};
	t.is((await request(app, 'POST', PATH, {body})).status, 400);
});
