import test, {type ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {UserId} from '../../../../crypto/index.ts';
import {
	type App,
	call,
	fieldsOfWaiting,
	linkIn,
	login,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	startMailServer,
	until,
	Visitor,
} from '../../../harness/index.ts';

const JOINED = '/_matrix/client/v3/joined_rooms';
const WAITING = '/account/waiting';

const sees = async (app: App, {access_token: token}: Session): Promise<boolean> =>
	(await request(app, 'GET', JOINED, {token})).status === 200;

interface Told {
	readonly body?: string;
	readonly format?: string;
	readonly formatted_body?: string;
}

async function startWaiting(t: ExecutionContext, config: object = {}) {
	const app = await startApp(t, {config: {quarantine: true, server_notices: {enabled: true}, ...config}});
	const phone = await register(app, 'alice');
	const desk = await login(app, 'alice');
	return {app, phone, desk};
}

/** The link in the notice that the other sessions were given. */
const findLink = (app: App, {access_token: token}: Session): Promise<string> =>
	until(async () => {
		const {text} = await request(app, 'GET', '/_matrix/client/v3/sync', {token});
		const [link] = /https?:[^\s"\\]*\/account\/approve\/\w+/u.exec(text) ?? [];
		return link !== undefined && new URL(link).pathname;
	}, 'a link');

test('the link in the notice shows the session, and a button approves it', async (t) => {
	const {app, phone, desk} = await startWaiting(t);
	const link = await findLink(app, phone);
	const visitor = new Visitor(app);
	t.regex((await visitor.open(link)).text, new RegExp(desk.device_id, 'u'));
	t.false(await sees(app, desk), 'opening the link approves nothing');
	const done = await visitor.submit(link, {act: 'approve'});
	t.is(done.status, 200);
	t.regex(done.text, /The session is approved/u);
	t.true(await sees(app, desk));
	t.is((await visitor.submit(link, {act: 'approve'})).status, 404, 'the link works once');
	t.is((await visitor.open(link)).status, 404);
	await until(async () => {
		const {text} = await request(app, 'GET', '/_matrix/client/v3/sync', {token: phone.access_token});
		return text.includes('A session was approved');
	}, 'a notice');
});

test('a link approves nobody who signs in anew under the device id while it is pressed', async (t) => {
	const {app, phone, desk} = await startWaiting(t);
	const link = await findLink(app, phone);
	const visitor = new Visitor(app);
	await visitor.open(link);
	const {quarantinedDevices: rows} = app.application.storage;
	const find = rows.findByCode.bind(rows);
	let finds = 0;
	let thief = desk;
	Object.assign(rows, {
		async findByCode(codeHash: string) {
			const found = await find(codeHash);
			// The last look before the approval is written down.
			if ((finds += 1) === 2) {
				await call(app, 'POST', '/_matrix/client/v3/logout', {token: desk.access_token, body: {}});
				thief = await login(app, 'alice', desk.device_id);
			}
			return found;
		},
	});
	t.is((await visitor.submit(link, {act: 'approve'})).status, 404);
	t.is(thief.device_id, desk.device_id);
	t.not(thief.access_token, desk.access_token);
	t.false(await sees(app, thief));
});

test('the link in the notice can be pressed, and what a client calls itself is text', async (t) => {
	const {app, phone} = await startWaiting(t);
	const identifier = {type: 'm.id.user', user: 'alice'};
	const name = {initial_device_display_name: '<b>"Desk"<b> & Co'};
	await call(app, 'POST', '/_matrix/client/v3/login', {
		body: {type: 'm.login.password', identifier, password: passwordOf('alice'), ...name},
	});
	const content = await until(async () => {
		const {rooms} = await call<{rooms?: {join?: Record<string, {timeline: {events: {content: Told}[]}}>}}>(
			app,
			'GET',
			'/_matrix/client/v3/sync',
			{token: phone.access_token},
		);
		const events = Object.values(rooms?.join ?? {}).flatMap(({timeline}) => timeline.events);
		return events.find((event) => event.content.body?.includes('Desk'))?.content;
	}, 'a notice');
	const [link = ''] = /https?:\S*\/account\/approve\/\w+/u.exec(content.body ?? '') ?? [];
	t.is(content.format, 'org.matrix.custom.html');
	t.true(content.formatted_body?.includes(`<a href="${link}">Approve the session</a>`));
	t.true(content.formatted_body?.includes('&#60;b&#62;&#34;Desk&#34;&#60;b&#62; &#38; Co'));
	t.false(content.formatted_body?.includes('<b>'));
});

test('the link in the notice signs a session out that is not one’s own', async (t) => {
	const {app, phone, desk} = await startWaiting(t);
	const link = await findLink(app, phone);
	const visitor = new Visitor(app);
	await visitor.open(link);
	t.regex((await visitor.submit(link, {act: 'refuse'})).text, /signed out/u);
	t.is((await request(app, 'GET', JOINED, {token: desk.access_token})).status, 401);
	t.is((await visitor.submit(link, {act: 'approve'})).status, 404);
});

test('no link of another kind or form approves anything', async (t) => {
	const {app, phone} = await startWaiting(t);
	const link = await findLink(app, phone);
	const visitor = new Visitor(app);
	for (const token of ['x', link.slice('/account/approve/'.length, -1), phone.access_token]) {
		t.is((await visitor.open(`/account/approve/${token}`)).status, 404);
		t.is((await visitor.submit(`/account/approve/${token}`, {act: 'approve'})).status, 404);
	}
});

test('the link is no part of a mail: a password and somebody’s mail approve nothing', async (t) => {
	const mail = await startMailServer(t);
	const {app, phone} = await startWaiting(t, {smtp: mail.smtp});
	const {storage} = app.application;
	const batch = storage.batch();
	storage.mailAddresses.set(batch, {
		userId: phone.user_id as UserId,
		address: 'alice@mail.example',
		canonical: 'alice@mail.example',
		language: 'en',
		addedDay: 1,
	});
	await storage.commit(batch);
	await login(app, 'alice');
	const {text} = await mail.take('alice@mail.example', /new session/u);
	t.false(text.includes('/account/approve/'));
	t.is(linkIn({text}), '/account');
});

test('who signs in to the pages by a password alone sees what waits, and neither approves it nor signs it out', async (t) => {
	const {app, desk} = await startWaiting(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.regex((await visitor.open('/account')).text, /href="\/account\/waiting"/u);
	t.regex((await visitor.open(WAITING)).text, new RegExp(desk.device_id, 'u'));
	const waiting = await fieldsOfWaiting(app, desk);
	const act = (name: string, code = '') => visitor.submit(WAITING, {act: name, ...waiting, code});
	t.is((await act('approve')).status, 403);
	t.is((await act('approve', '123456')).status, 403);
	t.false(await sees(app, desk));
	t.is((await act('refuse')).status, 403);
	t.is((await request(app, 'GET', JOINED, {token: desk.access_token})).status, 403, 'it waits as before');
});

test('a recovery code signs out a session that waits, for who signed in by a password alone', async (t) => {
	const {app, phone, desk} = await startWaiting(t);
	const [code = ''] = await app.application.services.secondFactor.renewRecoveryCodes(phone.user_id as UserId);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open(WAITING);
	t.is((await visitor.submit(WAITING, {act: 'refuse', ...(await fieldsOfWaiting(app, desk)), code})).status, 200);
	t.is((await request(app, 'GET', JOINED, {token: desk.access_token})).status, 401);
});

test('who has shown a second factor on the pages approves a session', async (t) => {
	const {app, phone, desk} = await startWaiting(t);
	const {secondFactor} = app.application.services;
	const userId = phone.user_id as UserId;
	const [code = ''] = await secondFactor.renewRecoveryCodes(userId);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {secret} = await secondFactor.beginTotp(userId);
	await secondFactor.confirmTotp(userId, new TOTP({secret: Secret.fromBase32(secret)}).generate(), 'test');
	t.is((await visitor.open(WAITING)).status, 303, 'the password alone signs in no more');
	const step = '/account/sign-in/second-step';
	await visitor.open(step);
	await visitor.submit(step, {code});
	const page = await visitor.open(WAITING);
	t.notRegex(page.text, /name="code"/u);
	const waiting = await fieldsOfWaiting(app, desk);
	t.is((await visitor.submit(WAITING, {act: 'approve', ...waiting, since_ts: '5'})).status, 404, 'one of before');
	await visitor.open(WAITING);
	t.is((await visitor.submit(WAITING, {act: 'approve', ...waiting})).status, 200);
	t.true(await sees(app, desk));
});

test('a recovery code approves a session for who signed in by a password alone, once', async (t) => {
	const {app, phone, desk} = await startWaiting(t);
	const [code = ''] = await app.application.services.secondFactor.renewRecoveryCodes(phone.user_id as UserId);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open(WAITING);
	t.is((await visitor.submit(WAITING, {act: 'approve', ...(await fieldsOfWaiting(app, desk)), code})).status, 200);
	t.true(await sees(app, desk));
	const next = await login(app, 'alice');
	await visitor.open(WAITING);
	t.is((await visitor.submit(WAITING, {act: 'approve', ...(await fieldsOfWaiting(app, next)), code})).status, 403);
	t.false(await sees(app, next));
});

test('nobody approves the sessions of another person', async (t) => {
	const {app, desk} = await startWaiting(t);
	await register(app, 'mallory');
	const visitor = await signInOnPage(app, 'mallory', passwordOf('mallory'));
	t.notRegex((await visitor.open(WAITING)).text, new RegExp(desk.device_id, 'u'));
	const waiting = await fieldsOfWaiting(app, desk);
	t.is((await visitor.submit(WAITING, {act: 'approve', ...waiting})).status, 404);
	t.is((await visitor.submit(WAITING, {act: 'refuse', ...waiting})).status, 404);
	t.false(await sees(app, desk));
	await t.notThrowsAsync(call(app, 'GET', '/_matrix/client/v3/account/whoami', {token: desk.access_token}));
});
