import test, {type ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	linkIn,
	type MailServer,
	passwordOf,
	register,
	request,
	type Session,
	startApp,
	startMailServer,
	until,
	Visitor,
} from '../../harness/index.ts';

const PAGE = '/account/recover';
const ALICE = 'alice@mail.example';
const NEW = 'a whole new password';
/** Notices are told one after the other, each by a job; a machine with much else to do takes some seconds for each. */
const TOLD_WITHIN_MS = 60_000;

/** Has Alice's address be somebody's, as if they had confirmed it. */
async function giveAddress({application: {storage}}: App, {user_id: userId}: Session): Promise<void> {
	const batch = storage.batch();
	const address = {address: ALICE, canonical: ALICE, language: 'en', addedDay: 1};
	storage.mailAddresses.set(batch, {userId: userId as UserId, ...address});
	await storage.commit(batch);
}

/** A server with mail, and somebody with an address there and, unless said otherwise, a second factor. */
async function startWithMail(t: ExecutionContext, config: object = {}, {hasFactor = true} = {}) {
	const mail = await startMailServer(t);
	const app = await startApp(t, {config: {smtp: mail.smtp, ...config}});
	const alice = await register(app, 'alice');
	await giveAddress(app, alice);
	return {app, mail, alice, codes: hasFactor ? await giveRecoveryCodes(app, alice) : []};
}

/** Asks for a link, and gives it with the browser that asked. */
async function askLink(app: App, mail: MailServer, name = 'alice') {
	const visitor = new Visitor(app);
	await visitor.open(PAGE);
	await visitor.submit(PAGE, {name});
	return {visitor, link: linkIn(await mail.take(ALICE, /A new password/u))};
}

const fields = {password: NEW, repeated: NEW, sign_out: 'yes'};

const hasPassword = (app: App, password: string): Promise<boolean> =>
	app.application.services.accounts.checkPassword('@alice:news.example' as UserId, password);

/** Sets up a code generator, and gives the recovery codes that come with it. */
async function giveRecoveryCodes(app: App, {user_id: user}: Session): Promise<readonly string[]> {
	const {secondFactor} = app.application.services;
	const userId = user as UserId;
	const {secret} = await secondFactor.beginTotp(userId);
	await secondFactor.confirmTotp(userId, new TOTP({secret: Secret.fromBase32(secret)}).generate(), 'test');
	return secondFactor.renewRecoveryCodes(userId);
}

test('who asks by name or by address sets another password by the link, in the same browser, and all sessions end', async (t) => {
	for (const name of ['alice', '@alice:news.example', 'ALICE@mail.example']) {
		const {app, mail, alice, codes} = await startWithMail(t);
		const [code = ''] = codes;
		const {visitor, link} = await askLink(app, mail, name);
		const page = await visitor.open(link);
		t.notRegex(page.text, /name="name"/u);
		t.regex((await visitor.submit(link, {...fields, repeated: 'x'})).text, /not the same/u);
		t.regex((await visitor.submit(link, {...fields, password: 'short', repeated: 'short'})).text, /8 characters/u);
		t.regex((await visitor.submit(link, {...fields, code})).text, /Your new password is set/u);
		t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: alice.access_token})).status, 401);
		t.false(await hasPassword(app, passwordOf('alice')));
		t.true(await hasPassword(app, NEW));
		t.truthy(await mail.take(ALICE, /replaced by means of a link/u));
		t.is((await visitor.open(link)).status, 404, 'the link works once');
	}
});

test('sessions stay where that is wanted, and are told', async (t) => {
	const {app, mail, alice, codes} = await startWithMail(t, {server_notices: {enabled: true}});
	const {visitor, link} = await askLink(app, mail);
	await visitor.open(link);
	await visitor.submit(link, {password: NEW, repeated: NEW, code: codes[0] ?? ''});
	const token = alice.access_token;
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token})).status, 200);
	// Waits as a client does. To ask for everything again and again keeps the server from what is waited for.
	let since = '';
	await until(
		async () => {
			const sync = `/_matrix/client/v3/sync?timeout=5000${since}`;
			const {text, body} = await request<{next_batch: string}>(app, 'GET', sync, {token});
			since = `&since=${body.next_batch}`;
			return text.includes('replaced by means of a link');
		},
		'a notice',
		TOLD_WITHIN_MS,
	);
	t.pass();
});

test('row 49: the page answers alike, in bytes and in writes, whoever is asked for', async (t) => {
	const {app, mail} = await startWithMail(t);
	const {storage} = app.application;
	await register(app, 'bob');
	const visitor = new Visitor(app);
	const answers: string[] = [];
	for (const name of ['alice', ALICE, 'bob', 'nobody', 'nobody@mail.example', '@alice:elsewhere.example', '', '☃']) {
		await visitor.open(PAGE);
		const commits = storage.figures().batches;
		const {status, text, headers} = await visitor.submit(PAGE, {name});
		answers.push(JSON.stringify([status, text, [...headers.keys()]]));
		t.true(storage.figures().batches > commits);
	}
	t.is(new Set(answers).size, 1);
	await mail.take(ALICE, /account\/recover/u);
	await mail.take(ALICE, /account\/recover/u);
});

test('a stolen link opens nothing elsewhere without the name, dies after five tries, and is told at once', async (t) => {
	const {app, mail} = await startWithMail(t);
	const {link} = await askLink(app, mail);
	const thief = new Visitor(app);
	const page = await thief.open(link);
	t.regex(page.text, /name="name"/u);
	t.notRegex(page.text, /alice/u);
	t.is((await thief.submit(link, {...fields, name: 'bob'})).status, 403);
	t.truthy(await mail.take(ALICE, /could not show that they are you/u));
	for (const name of ['carol', 'dan', 'eve', 'frank']) await thief.submit(link, {...fields, name});
	t.is((await thief.submit(link, {...fields, name: 'alice'})).status, 404);
	t.true(await hasPassword(app, passwordOf('alice')));
	t.false(
		mail.mails.some(({text}) => text.includes('could not show')),
		'and it is told once',
	);
});

test('the owner of the name uses the link in another browser', async (t) => {
	const {app, mail, codes} = await startWithMail(t);
	const {link} = await askLink(app, mail);
	const phone = new Visitor(app);
	await phone.open(link);
	t.is((await phone.submit(link, {...fields, name: 'Alice', code: codes[0] ?? ''})).status, 200);
	t.true(await hasPassword(app, NEW));
});

test('an account is not recovered by a link, the browser and the name: it wants the second factor', async (t) => {
	const {app, mail, alice, codes} = await startWithMail(t);
	const [code = '', second = ''] = codes;
	const {visitor, link} = await askLink(app, mail);
	t.regex((await visitor.open(link)).text, /name="code"/u);
	for (const wrong of ['', '123456', `${code.slice(0, -1)}${code.endsWith('X') ? 'Y' : 'X'}`]) {
		t.is((await visitor.submit(link, {...fields, name: 'alice', code: wrong})).status, 403, wrong);
	}
	t.true(await app.application.services.accounts.checkPassword(alice.user_id as UserId, passwordOf('alice')));
	await until(() => mail.mails.some(({text}) => text.includes('could not show')), 'a word to the owner');
	t.is((await visitor.submit(link, {...fields, code})).status, 200);
	t.true(await app.application.services.accounts.checkPassword(alice.user_id as UserId, NEW));
	const again = await askLink(app, mail);
	await again.visitor.open(again.link);
	t.is((await again.visitor.submit(again.link, {...fields, code})).status, 403, 'a code is used once');
	t.is((await again.visitor.submit(again.link, {...fields, code: second})).status, 200);
});

for (const policy of ['optional', 'everybody']) {
	test(`who has no second factor recovers nothing by mail (second_factor: ${policy})`, async (t) => {
		const {app, mail, alice} = await startWithMail(t, {second_factor: policy}, {hasFactor: false});
		const {visitor, link} = await askLink(app, mail);
		await visitor.open(link);
		const answer = await visitor.submit(link, {...fields, name: 'alice'});
		t.is(answer.status, 403);
		t.regex(answer.text, /has no second factor/u);
		t.true(await app.application.services.accounts.checkPassword(alice.user_id as UserId, passwordOf('alice')));
	});
}

test('E9: a link is good for half an hour, and for the address that it went to', async (t) => {
	const {app, mail, alice} = await startWithMail(t);
	const first = await askLink(app, mail);
	app.advance(30 * 60_000);
	t.is((await first.visitor.open(first.link)).status, 404);
	const second = await askLink(app, mail);
	await second.visitor.open(second.link);
	await app.application.services.addresses.remove(alice.user_id as UserId);
	t.is((await second.visitor.submit(second.link, fields)).status, 404);
	t.is((await second.visitor.open(second.link)).status, 404);
});

test('a program that opens the link uses nothing up', async (t) => {
	const {app, mail, codes} = await startWithMail(t);
	const {visitor, link} = await askLink(app, mail);
	for (let index = 0; index < 3; index += 1) await new Visitor(app).open(link);
	await visitor.open(link);
	t.is((await visitor.submit(link, {...fields, code: codes[0] ?? ''})).status, 200);
});

test('without mail the page says so, and every endpoint refuses', async (t) => {
	const app = await startApp(t);
	t.regex((await new Visitor(app).open(PAGE)).text, /sends no mail/u);
	const answer = await request(app, 'POST', '/_matrix/client/v3/account/password', {body: {new_password: NEW}});
	t.deepEqual([answer.status, answer.body['errcode']], [401, 'M_MISSING_TOKEN']);
});

const TOKEN = '/_matrix/client/v3/account/password/email/requestToken';
const PASSWORD = '/_matrix/client/v3/account/password';

test('a client sets another password by the stage of an e-mail address, once the link was confirmed with the name and a code', async (t) => {
	const {app, mail, codes} = await startWithMail(t);
	const threepid = {client_secret: 'secret'};
	const {sid} = await call<{sid: string}>(app, 'POST', TOKEN, {body: {...threepid, email: ALICE, send_attempt: 1}});
	const link = linkIn(await mail.take(ALICE, /account\/recover/u));
	const first = await request<{session: string; flows: object}>(app, 'POST', PASSWORD, {body: {new_password: NEW}});
	t.is(first.status, 401);
	t.deepEqual(first.body.flows, [{stages: ['m.login.email.identity']}]);
	const {session} = first.body;
	const change = (secret = 'secret') =>
		request(app, 'POST', PASSWORD, {
			body: {
				new_password: NEW,
				auth: {type: 'm.login.email.identity', session, threepid_creds: {sid, client_secret: secret}},
			},
		});
	t.is((await change()).status, 401, 'not confirmed yet');
	const visitor = new Visitor(app);
	t.regex((await visitor.open(link)).text, /name="name"/u);
	t.is((await visitor.submit(link)).status, 403);
	t.is((await visitor.submit(link, {name: 'alice'})).status, 403);
	t.regex((await visitor.submit(link, {name: 'alice', code: codes[0] ?? ''})).text, /Confirmed/u);
	t.is((await change('another')).status, 401, 'the secret is the client’s');
	t.is((await change()).status, 200);
	t.true(await hasPassword(app, NEW));
	const again = await request<{session: string}>(app, 'POST', PASSWORD, {body: {new_password: 'x'}});
	const replayed = await request(app, 'POST', PASSWORD, {
		body: {
			new_password: 'yet another password',
			auth: {type: 'm.login.email.identity', session: again.body.session, threepid_creds: {sid, ...threepid}},
		},
	});
	t.is(replayed.status, 401, 'what was confirmed is used once');
	t.true(await hasPassword(app, NEW));
});

test('an address that several accounts share resets none of them by a client, and nobody is told which have it', async (t) => {
	const {app, mail} = await startWithMail(t);
	const bob = await register(app, 'bob');
	await giveAddress(app, bob);
	const {storage} = app.application;
	const ask = (email: string) => request(app, 'POST', TOKEN, {body: {client_secret: 'secret', email, send_attempt: 1}});
	const [known, unknown] = [await ask(ALICE), await ask('nobody@mail.example')];
	t.deepEqual([known.status, known.text.length], [unknown.status, unknown.text.length]);
	await until(async () => (await storage.jobs.findNextDue(['mail-link'])) === undefined, 'no job');
	t.deepEqual(mail.mails, []);
});

/** Mails with links; others tell of what was done to the account. */
const linkMails = ({mails}: MailServer) => mails.filter(({text}) => /\/account\/(?:recover|email)\//u.test(text));

/** Until nobody is written to any more. */
const untilSent = (app: App) =>
	until(async () => (await app.application.storage.jobs.findNextDue(['mail-link'])) === undefined, 'no job');

test('strangers who use up what a mailbox is sent leave its owner a link, which is then not theirs', async (t) => {
	const {app, mail, codes} = await startWithMail(t);
	const ask = (secret: string, attempt = 1) =>
		call<{sid: string}>(app, 'POST', TOKEN, {body: {client_secret: secret, email: ALICE, send_attempt: attempt}});
	const sids: string[] = [];
	for (let index = 0; index < 6; index += 1) {
		sids.push((await ask(`stranger ${index}`)).sid);
		await untilSent(app);
	}
	t.is(linkMails(mail).length, 3);
	const link = linkIn(linkMails(mail).at(-1) ?? {text: ''});
	mail.mails.length = 0;
	const owner = new Visitor(app);
	await owner.open(PAGE);
	t.regex((await owner.submit(PAGE, {name: 'alice'})).text, /Open the newest one/u);
	await untilSent(app);
	t.deepEqual(linkMails(mail), [], 'no more are sent');
	app.advance(9 * 60_000);
	t.regex((await owner.open(link)).text, /Have you asked in no client/u);
	const taken = await owner.submit(link, {act: 'take'});
	t.is(taken.status, 303);
	t.regex((await owner.open(link)).text, /name="password"/u);
	t.is((await owner.submit(link, {...fields, code: codes[0] ?? ''})).status, 403, 'the name is asked for');
	t.is((await owner.submit(link, {...fields, name: 'alice', code: codes[0] ?? ''})).status, 200);
	t.true(await hasPassword(app, NEW));
	const first = await request<{session: string}>(app, 'POST', PASSWORD, {body: {new_password: 'x'.repeat(10)}});
	for (const [index, sid] of sids.entries()) {
		const proof = {sid, client_secret: `stranger ${index}`};
		const auth = {type: 'm.login.email.identity', session: first.body.session, threepid_creds: proof};
		t.is((await request(app, 'POST', PASSWORD, {body: {new_password: 'x'.repeat(10), auth}})).status, 401);
	}
	t.true(await hasPassword(app, NEW));
});

test('whoever gets no mail has a link that is good for ten minutes yet, and after that there are mails again', async (t) => {
	const {app, mail} = await startWithMail(t);
	const links: string[] = [];
	for (let index = 0; index < 3; index += 1) links.push((await askLink(app, mail)).link);
	app.advance(19 * 60_000);
	const owner = new Visitor(app);
	await owner.open(PAGE);
	await owner.submit(PAGE, {name: 'alice'});
	await untilSent(app);
	t.deepEqual(linkMails(mail), []);
	app.advance(9 * 60_000);
	for (const link of links) t.is((await owner.open(link)).status, 200);
	await askLink(app, mail);
	t.pass();
});

test('no mailbox is filled by one client that counts its tries up, nor by links of another kind', async (t) => {
	const {app, mail} = await startWithMail(t);
	const {storage} = app.application;
	for (const url of [TOKEN, '/_matrix/client/v3/account/3pid/email/requestToken']) {
		for (let attempt = 1; attempt <= 6; attempt += 1) {
			await call(app, 'POST', url, {body: {client_secret: 'secret', email: ALICE, send_attempt: attempt}});
			await untilSent(app);
		}
		t.is(linkMails(mail).length, 3, url);
		mail.mails.length = 0;
	}
	const bob = await register(app, 'bob');
	await giveAddress(app, bob);
	t.is((await storage.mailAddresses.listOfAddress(ALICE, 5)).length, 2);
	await askLink(app, mail, 'bob');
	t.pass('what is asked for one account does not stand against another one');
});

test('requests for links are limited by place', async (t) => {
	const {app} = await startWithMail(t, {rate_limits: 'default'});
	const visitor = new Visitor(app);
	const statuses: number[] = [];
	for (let index = 0; index < 6; index += 1) {
		await visitor.open(PAGE);
		statuses.push((await visitor.submit(PAGE, {name: 'nobody'})).status);
	}
	t.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
});

test('a form that is not the browser’s own sets no password', async (t) => {
	const {app, mail} = await startWithMail(t);
	const {visitor, link} = await askLink(app, mail);
	t.is((await visitor.send(link, fields)).status, 403);
	t.true(await hasPassword(app, passwordOf('alice')));
});

test('E9: what was confirmed to set a password confirms no address, and opens no other stage', async (t) => {
	const {app, mail, alice, codes} = await startWithMail(t);
	const threepid = {client_secret: 'secret'};
	const {sid} = await call<{sid: string}>(app, 'POST', TOKEN, {body: {...threepid, email: ALICE, send_attempt: 1}});
	const link = linkIn(await mail.take(ALICE, /account\/recover/u));
	const visitor = new Visitor(app);
	await visitor.open(link);
	t.regex((await visitor.submit(link, {name: 'alice', code: codes[0] ?? ''})).text, /Confirmed/u);
	const mallory = await register(app, 'mallory');
	const proof = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'mallory'},
		password: passwordOf('mallory'),
	};
	const token = mallory.access_token;
	const adding = '/_matrix/client/v3/account/3pid/add';
	const {body: asked} = await request<{session: string}>(app, 'POST', adding, {token, body: {...threepid, sid}});
	const added = await request(app, 'POST', adding, {
		token,
		body: {...threepid, sid, auth: {...proof, session: asked.session}},
	});
	t.deepEqual([added.status, added.body['errcode']], [403, 'M_THREEPID_AUTH_FAILED']);
	// It lets nobody end the account, or put away its devices.
	for (const [method, path] of [
		['POST', '/account/deactivate'],
		['DELETE', `/devices/${alice.device_id}`],
	] as const) {
		const at = `/_matrix/client/v3${path}`;
		const {body} = await request<{session: string}>(app, method, at, {token: alice.access_token, body: {}});
		const auth = {
			type: 'm.login.email.identity',
			session: body.session,
			threepid_creds: {...threepid, sid},
		};
		t.not((await request(app, method, at, {token: alice.access_token, body: {auth}})).status, 200, path);
	}
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: alice.access_token})).status, 200);
});
