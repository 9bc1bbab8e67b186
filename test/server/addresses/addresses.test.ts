import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {
	type App,
	call,
	linkIn,
	login,
	type MailServer,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	startMailServer,
	until,
	Visitor,
} from '../../harness/index.ts';

const PATH = '/_matrix/client/v3/account/3pid';
const ALICE = 'alice@mail.example';

async function startWithMail(t: ExecutionContext) {
	const mail = await startMailServer(t);
	const app = await startApp(t, {config: {smtp: mail.smtp}});
	const alice = await register(app, 'alice');
	return {app, mail, alice};
}

const ask = (app: App, email: string, secret = 'secret', attempt = 1) =>
	request<{sid: string}>(app, 'POST', `${PATH}/email/requestToken`, {
		body: {client_secret: secret, email, send_attempt: attempt},
	});

async function add(app: App, {access_token: token, user_id: user}: Session, sid: string, secret = 'secret') {
	const body = {client_secret: secret, sid};
	const first = await request<{session: string}>(app, 'POST', `${PATH}/add`, {token, body});
	const auth = {
		type: 'm.login.password',
		session: first.body.session,
		identifier: {type: 'm.id.user', user},
		password: passwordOf('alice'),
	};
	return request(app, 'POST', `${PATH}/add`, {token, body: {...body, auth}});
}

async function follow(app: App, mail: MailServer, to: string): Promise<string> {
	const link = linkIn(await mail.take(to));
	const visitor = new Visitor(app);
	await visitor.open(link);
	await visitor.submit(link);
	return link;
}

const listAddresses = async (app: App, {access_token: token}: Session) =>
	(await call<{threepids: {address: string}[]}>(app, 'GET', PATH, {token})).threepids.map(({address}) => address);

test('a client adds an address by a link, a button and the password', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const {body} = await ask(app, 'Alice@Mail.Example');
	const early = await add(app, alice, body.sid);
	t.deepEqual([early.status, early.body['errcode']], [403, 'M_THREEPID_AUTH_FAILED']);
	const {subject, text, to} = await mail.take('Alice@mail.example');
	t.is(to, 'Alice@mail.example');
	t.regex(subject, /Your address at/u);
	const link = linkIn({text});
	const visitor = new Visitor(app);
	const page = await visitor.open(link);
	t.is(page.status, 200);
	t.is((await add(app, alice, body.sid)).status, 403, 'opening the link confirms nothing');
	t.is((await visitor.submit(link)).status, 200);
	t.is((await visitor.submit(link)).status, 404, 'the link works once');
	t.is((await add(app, alice, body.sid, 'another')).status, 403, 'the secret is the client’s');
	t.is((await add(app, alice, body.sid)).status, 200);
	t.is((await add(app, alice, body.sid)).status, 403, 'a confirmation is used once');
	t.deepEqual(await listAddresses(app, alice), ['Alice@mail.example']);
	await mail.take('Alice@mail.example');
	await signInOnPage(app, 'alice', passwordOf('alice'));
	await call(app, 'POST', `${PATH}/delete`, {
		token: alice.access_token,
		body: {medium: 'email', address: 'ALICE@mail.example'},
	});
	t.deepEqual(await listAddresses(app, alice), []);
	t.truthy(await mail.take('Alice@mail.example', /removed or replaced/u));
});

test('a token alone does not remove the address at which its owner is warned', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const {body} = await ask(app, ALICE);
	await follow(app, mail, ALICE);
	await add(app, alice, body.sid);
	const remove = (address: string) =>
		request(app, 'POST', `${PATH}/delete`, {token: alice.access_token, body: {medium: 'email', address}});
	const refused = await remove(ALICE);
	t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_FORBIDDEN']);
	t.regex(String(refused.body['error']), /\/account\/email/u);
	t.is((await remove('another@mail.example')).status, 200, 'which it has not');
	await signInOnPage(app, 'alice', passwordOf('alice'));
	app.advance(11 * 60_000);
	t.is((await remove(ALICE)).status, 403, 'it is too long ago');
	t.deepEqual(await listAddresses(app, alice), [ALICE]);
	await signInOnPage(app, 'alice', passwordOf('alice'));
	t.is((await remove(ALICE)).status, 200);
	t.deepEqual(await listAddresses(app, alice), []);
	t.truthy(await mail.take(ALICE, /removed or replaced/u), 'the former address is told');
});

test('every address is answered alike, whether somebody has it or not', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const {body} = await ask(app, ALICE);
	await follow(app, mail, ALICE);
	await add(app, alice, body.sid);
	await mail.take(ALICE);
	const known = await ask(app, ALICE, 'x');
	const unknown = await ask(app, 'nobody@mail.example', 'x');
	t.is(known.status, 200);
	t.is(unknown.status, 200);
	t.is(known.text.length, unknown.text.length);
	t.deepEqual([...known.headers.keys()], [...unknown.headers.keys()]);
	t.is((await ask(app, 'no address')).status, 400);
});

test('a client that asks again for the same try gets the same session and no second mail', async (t) => {
	const {app, mail} = await startWithMail(t);
	const first = await ask(app, ALICE);
	await mail.take(ALICE);
	t.is((await ask(app, ALICE)).body.sid, first.body.sid);
	t.is((await ask(app, ALICE, 'secret', 2)).body.sid, first.body.sid);
	await mail.take(ALICE);
	await until(async () => (await app.application.storage.jobs.findNextDue(['mail-link'])) === undefined, 'no job');
	t.deepEqual(mail.mails, []);
});

test('nobody’s mailbox is filled: three links at a time', async (t) => {
	const {app, mail} = await startWithMail(t);
	for (let index = 0; index < 6; index += 1) t.is((await ask(app, ALICE, `secret ${index}`)).status, 200);
	await until(async () => (await app.application.storage.jobs.findNextDue(['mail-link'])) === undefined, 'no job');
	t.is(mail.mails.length, 3);
});

test('an address is set and removed on the account’s page', async (t) => {
	const {app, mail} = await startWithMail(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.regex((await visitor.open('/account')).text, /href="\/account\/email"/u);
	t.regex((await visitor.open('/account/email')).text, /You have given no address/u);
	t.is((await visitor.submit('/account/email', {act: 'set', email: 'nonsense'})).status, 400);
	t.regex((await visitor.submit('/account/email', {act: 'set', email: ALICE})).text, /A link is on its way/u);
	await follow(app, mail, ALICE);
	t.truthy(await mail.take(ALICE, /address was set/u));
	t.regex((await visitor.open('/account/email')).text, /alice@mail\.example/u);
	await visitor.submit('/account/email', {act: 'set', email: 'new@mail.example'});
	await follow(app, mail, 'new@mail.example');
	t.truthy(await mail.take(ALICE, /removed or replaced/u), 'the address before is told');
	await mail.take('new@mail.example');
	await visitor.open('/account/email');
	t.regex((await visitor.submit('/account/email', {act: 'remove'})).text, /You have given no address/u);
});

test('a link ends after half an hour', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const {body} = await ask(app, ALICE);
	const link = linkIn(await mail.take(ALICE));
	app.advance(30 * 60_000);
	const visitor = new Visitor(app);
	t.is((await visitor.open(link)).status, 404);
	t.is((await visitor.submit(link)).status, 404);
	t.is((await add(app, alice, body.sid)).status, 403);
});

test('an address goes with its account', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const {body} = await ask(app, ALICE);
	await follow(app, mail, ALICE);
	await add(app, alice, body.sid);
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	t.truthy(await storage.mailAddresses.find(userId));
	await services.accounts.deactivate(userId, {erase: false});
	t.is(await storage.mailAddresses.find(userId), undefined);
});

test('no link is kept plain, and no address is in the log', async (t) => {
	const {app, mail} = await startWithMail(t);
	await ask(app, ALICE, 'the secret of a client');
	const link = linkIn(await mail.take(ALICE));
	const token = link.slice(link.lastIndexOf('/') + 1);
	t.is(await app.application.storage.mailValidations.findByToken(token), undefined);
	const files = readdirSync(app.directory, {recursive: true, withFileTypes: true}).filter((file) => file.isFile());
	const kept = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('');
	t.true(kept.includes(ALICE), 'what is read here is what is kept');
	for (const secret of [token, 'the secret of a client']) {
		t.false(kept.includes(secret));
		t.false(app.readLog().includes(secret));
	}
	t.false(app.readLog().includes('mail.example'));
});

test('a name is no address of an account: nobody signs in or is found by one', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const {body} = await ask(app, ALICE);
	await follow(app, mail, ALICE);
	await add(app, alice, body.sid);
	const identifier = {type: 'm.id.thirdparty', medium: 'email', address: ALICE};
	const answer = await request(app, 'POST', '/_matrix/client/v3/login', {
		body: {type: 'm.login.password', identifier, password: passwordOf('alice')},
	});
	t.is(answer.status, 403);
	await login(app, 'alice');
	const found = await call<{results: object[]}>(app, 'POST', '/_matrix/client/v3/user_directory/search', {
		token: alice.access_token,
		body: {search_term: 'mail.example'},
	});
	t.deepEqual(found.results, []);
});

test('E9: what was confirmed of one address says nothing of another, whatever a client asks for with the same secret', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const own = 'mallory@mail.example';
	const {body: first} = await ask(app, own);
	await follow(app, mail, own);
	// The same secret, and the next try, for an address that is somebody else's.
	const others = ['victim@mail.example', 'mallory@other.example', 'm\u0430llory@mail.example'];
	for (const [index, email] of others.entries()) {
		const {body, status} = await ask(app, email, 'secret', 2 + index);
		if (status === 400) continue;
		t.not(body.sid, first.sid, email);
		t.is((await add(app, alice, body.sid)).status, 403, email);
	}
	t.is((await add(app, alice, `${first.sid}x`)).status, 403);
	t.is((await add(app, alice, first.sid)).status, 200);
	t.deepEqual(await listAddresses(app, alice), [own]);
});
