import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	type CallOptions,
	createCrossSigningKeys,
	createTestDevice,
	login,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	startMailServer,
	until,
} from '../../harness/index.ts';

const SENDER = '@notices:news.example';
const on = {server_notices: {enabled: true}};

interface SyncAnswer {
	readonly next_batch: string;
	readonly device_lists?: {readonly changed?: readonly string[]};
	readonly rooms?: {
		readonly join?: Record<
			string,
			{
				readonly timeline: {readonly events: {type: string; sender: string; content: Record<string, unknown>}[]};
				readonly state: {readonly events: {type: string; sender: string; content: Record<string, unknown>}[]};
				readonly account_data: {readonly events: {type: string; content: Record<string, unknown>}[]};
			}
		>;
		readonly invite?: Record<string, unknown>;
	};
}

const sync = (app: App, {access_token: token}: Session) =>
	call<SyncAnswer>(app, 'GET', '/_matrix/client/v3/sync', {token});

/** The texts that a session was told, with the room that they are in. */
async function listTold(app: App, session: Session): Promise<{roomId: string; texts: string[]} | undefined> {
	const {rooms} = await sync(app, session);
	for (const [roomId, {timeline}] of Object.entries(rooms?.join ?? {})) {
		const texts = timeline.events
			.filter(({type, sender}) => type === 'm.room.message' && sender === SENDER)
			.map(({content}) => String(content['body']));
		if (texts.length > 0) return {roomId, texts};
	}
	return undefined;
}

/** The contents that are in the room of somebody's notices, oldest first. */
async function listNotices(app: App, {access_token: token}: Session, roomId: string) {
	type Page = {chunk: {type: string; sender: string; content: Record<string, unknown>}[]};
	const where = `/_matrix/client/v3/rooms/${roomId}/messages?dir=f&limit=50`;
	const {chunk} = await call<Page>(app, 'GET', where, {token});
	return chunk.filter(({type, sender}) => type === 'm.room.message' && sender === SENDER).map(({content}) => content);
}

const untilTold = (app: App, session: Session, pattern: RegExp) =>
	until(
		async () => {
			const told = await listTold(app, session);
			return told?.texts.some((text) => pattern.test(text)) && told;
		},
		`to be told ${String(pattern)}`,
	);

async function withPassword(app: App, session: Session, method: string, path: string, body: object): Promise<unknown> {
	const {access_token: token, user_id: user} = session;
	const first = await request<{session: string}>(app, method, path, {token, body});
	const auth = {
		type: 'm.login.password',
		session: first.body.session,
		identifier: {type: 'm.id.user', user},
		password: passwordOf(user.slice(1, user.indexOf(':'))),
	};
	return call(app, method, path, {token, body: {...body, auth}});
}

test('nobody is told to ask for the keys of who writes notices, who has no device', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const {next_batch: since} = await sync(app, alice);
	await login(app, 'alice', 'DESK');
	await untilTold(app, alice, /DESK|new session/iu);
	const path = `/_matrix/client/v3/sync?since=${since}`;
	const {rooms, device_lists: lists} = await call<SyncAnswer>(app, 'GET', path, {token: alice.access_token});
	t.is(Object.keys({...rooms?.join, ...rooms?.invite}).length, 1);
	t.deepEqual(lists?.changed ?? [], [alice.user_id]);
});

test('the first two people who are told anything are told at once, also where they are told at the same moment', async (t) => {
	const app = await startApp(t, {config: on});
	const people = ['alice', 'bob', 'carol'];
	const sessions = await Promise.all(people.map((name) => register(app, name)));
	await Promise.all(people.map((name) => login(app, name, 'DESK')));
	for (const session of sessions) await untilTold(app, session, /DESK|without a name/u);
	t.pass();
});

test('a new session is told to the other sessions in a room of the server that has the tag of notices', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	await login(app, 'alice', 'DESK');
	const {roomId, texts} = await untilTold(app, alice, /DESK|without a name/u);
	t.is(texts.length, 1);
	t.regex(texts[0] ?? '', /^A new session signed in to your account: /u);
	t.regex(texts[0] ?? '', /When: .*20\d\d.*UTC/u);
	t.regex(texts[0] ?? '', /sign that session out and change your password at http/u);
	t.notRegex(texts[0] ?? '', /127\.0\.0\.1(?!:\d+\/account)/u);
	const {rooms} = await sync(app, alice);
	const room = rooms?.join?.[roomId];
	t.deepEqual(room?.account_data.events.find(({type}) => type === 'm.tag')?.content, {tags: {'m.server_notice': {}}});
	const create = await call(app, 'GET', `/_matrix/client/v3/rooms/${roomId}/state/m.room.create`, {
		token: alice.access_token,
	});
	t.false(create['m.federate']);
});

test('signing in on the pages is told once, when all proofs are given', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	await signInOnPage(app, 'alice', passwordOf('alice'));
	const {texts} = await untilTold(app, alice, /signed in to the pages of your account/u);
	t.is(texts.length, 1);
});

test('the first session of an account is told to nobody', async (t) => {
	const app = await startApp(t, {config: on});
	await register(app, 'alice');
	await until(async () => (await app.application.storage.jobs.findNextDue(['tell-sessions'])) === undefined, 'no job');
	t.is(await app.application.storage.accounts.find(SENDER as UserId), undefined);
});

test('a sign-in as the only device of an account waits in the room of notices for its next session', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const thief = await login(app, 'alice', alice.device_id);
	const {roomId} = await untilTold(app, thief, /A new session signed in to your account: /u);
	const {access_token: token} = thief;
	// Whoever leaves the room and forgets it, and signs out, has removed nothing.
	await call(app, 'POST', `/_matrix/client/v3/rooms/${roomId}/leave`, {token, body: {}});
	await call(app, 'POST', `/_matrix/client/v3/rooms/${roomId}/forget`, {token, body: {}});
	await call(app, 'POST', '/_matrix/client/v3/logout', {token, body: {}});
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: alice.access_token})).status, 401);
	const owner = await login(app, 'alice', 'DESK');
	await until(async () => (await sync(app, owner)).rooms?.invite?.[roomId], 'an invite');
	await call(app, 'POST', `/_matrix/client/v3/join/${roomId}`, {token: owner.access_token, body: {}});
	const told = await until(
		async () => (await listNotices(app, owner, roomId)).length === 2 && (await listNotices(app, owner, roomId)),
		'both',
	);
	t.like(told[0], {msgtype: 'm.text', 'm.mentions': {user_ids: [alice.user_id]}});
	t.regex(String(told[0]?.['body']), /change your password/u);
	t.like(told[1], {msgtype: 'm.notice', 'm.mentions': {}});
});

test('who signs in again after signing out, with no other session, sees it as one line without a sound', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	await call(app, 'POST', '/_matrix/client/v3/createRoom', {token: alice.access_token, body: {}});
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: alice.access_token, body: {}});
	const again = await login(app, 'alice', 'DESK');
	const {roomId, texts} = await untilTold(app, again, /new session/u);
	t.is(texts.length, 1);
	t.is(texts[0]?.split('\n').length, 1);
	t.like((await listNotices(app, again, roomId))[0], {msgtype: 'm.notice', 'm.mentions': {}});
});

test('what is done to an account while it has no session waits for the next one', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	await call(app, 'POST', '/_matrix/client/v3/createRoom', {token: alice.access_token, body: {}});
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: alice.access_token, body: {}});
	const {storage, services} = app.application;
	const batch = storage.batch();
	services.notices.add(batch, alice.user_id as UserId, {kind: 'totp-removed'});
	await storage.commit(batch);
	await until(async () => (await storage.jobs.findNextDue(['tell-sessions'])) === undefined, 'no job');
	const {roomId} = await untilTold(app, await login(app, 'alice'), /authenticator app of your account was removed/u);
	t.true(roomId.startsWith('!'));
});

test('a changed password and replaced keys are told in the same room', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	await login(app, 'alice');
	const first = await untilTold(app, alice, /new session/u);
	await withPassword(app, alice, 'POST', '/_matrix/client/v3/account/password', {
		new_password: passwordOf('alice'),
		logout_devices: false,
	});
	await untilTold(app, alice, /password of your account was changed/u);
	const upload = '/_matrix/client/v3/keys/device_signing/upload';
	const device = createTestDevice(alice);
	const keys = () => createCrossSigningKeys(alice.user_id, device).body;
	await call(app, 'POST', upload, {token: alice.access_token, body: keys()});
	await withPassword(app, alice, 'POST', upload, keys());
	const last = await untilTold(app, alice, /keys by which your sessions vouch/u);
	t.is(last.roomId, first.roomId);
	t.is(last.texts.length, 3);
});

test('an invite to the room of notices cannot be refused, and the room can be left', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const {access_token: token} = alice;
	await login(app, 'alice');
	const {roomId} = await untilTold(app, alice, /new session/u);
	const leave = (): Promise<{status: number; body: Record<string, unknown>}> =>
		request(app, 'POST', `/_matrix/client/v3/rooms/${roomId}/leave`, {token, body: {}});
	t.is((await leave()).status, 200);
	await login(app, 'alice');
	await until(async () => (await sync(app, alice)).rooms?.invite?.[roomId], 'an invite');
	const refused = await leave();
	t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM']);
	await call(app, 'POST', `/_matrix/client/v3/join/${roomId}`, {token, body: {}});
	t.is((await leave()).status, 200);
});

test('who takes no invites is told all the same', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const path = `/_matrix/client/v3/user/${alice.user_id}/account_data/m.invite_permission_config`;
	await call(app, 'PUT', path, {token: alice.access_token, body: {default_action: 'block'}});
	await login(app, 'alice');
	await untilTold(app, alice, /new session/u);
	t.pass();
});

test('people are told in the language and the time zone that they chose', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const {access_token: token, user_id: userId} = alice;
	const set: [string, string, CallOptions][] = [
		['PUT', `user/${userId}/account_data/org.broadsheet.language`, {token, body: {language: 'de'}}],
		['PUT', `profile/${userId}/m.tz`, {token, body: {'m.tz': 'Europe/Berlin'}}],
	];
	for (const [method, path, options] of set) await call(app, method, `/_matrix/client/v3/${path}`, options);
	await login(app, 'alice');
	const {texts} = await untilTold(app, alice, /neue Sitzung/u);
	t.regex(texts[0] ?? '', /MEZ|MESZ|GMT[+]/u);
});

test('nobody gets the name of who sends the notices, and who had it before keeps it', async (t) => {
	const app = await startApp(t, {config: on});
	await t.throwsAsync(register(app, 'notices'));
	const taken = await startApp(t);
	const squatter = await register(taken, 'notices');
	t.is(squatter.user_id, SENDER);
	const alice = await register(taken, 'alice');
	await taken.application.stop();
	const file = join(taken.directory, 'homeserver.yaml');
	const document: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'));
	writeFileSync(file, JSON.stringify({...document, ...on}));
	const again = await taken.restart();
	await login(again, 'alice');
	await until(() => again.readLog().includes("the name notices is somebody's"), 'a word to the operator');
	t.is(await listTold(again, alice), undefined);
});

test('E7: what a session is named is neither a link nor a line of the notice', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const body = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
		initial_device_display_name: 'Phone\n\nCall https://thief.example/now',
	};
	await call(app, 'POST', '/_matrix/client/v3/login', {body});
	const {texts} = await untilTold(app, alice, /Phone/u);
	t.regex(texts[0] ?? '', /Phone Call https thief\.example now/u);
});

test('no notice is lost when the server ends before it is told', async (t) => {
	const app = await startApp(t, {config: on});
	const alice = await register(app, 'alice');
	const {storage, services} = app.application;
	const batch = storage.batch();
	services.notices.add(batch, alice.user_id as UserId, {kind: 'totp-removed'});
	await storage.commit(batch);
	await app.application.stop();
	const again = await app.restart();
	await untilTold(again, alice, /authenticator app of your account was removed/u);
	t.pass();
});

async function giveAddress(app: App, {user_id: userId}: Session, address: string): Promise<void> {
	const {storage} = app.application;
	const batch = storage.batch();
	storage.mailAddresses.set(batch, {
		userId: userId as UserId,
		address,
		canonical: address,
		language: 'fr',
		addedDay: 1,
	});
	await storage.commit(batch);
}

async function startWithMail(t: ExecutionContext) {
	const mail = await startMailServer(t);
	const app = await startApp(t, {config: {smtp: mail.smtp}});
	return {app, mail};
}

test('who gave an address is told by mail as well, in plain text and without traces of the machine', async (t) => {
	const {app, mail} = await startWithMail(t);
	const alice = await register(app, 'alice');
	await giveAddress(app, alice, 'alice@mail.example');
	await login(app, 'alice');
	const {headers, subject, text} = await mail.take('alice@mail.example');
	t.is(subject.replaceAll(/\p{C}/gu, ''), 'Votre compte chez news.example');
	t.regex(text, /^Une nouvelle session s’est connectée/u);
	t.regex(headers, /^Auto-Submitted: auto-generated$/mu);
	t.regex(headers, /^Content-Type: text\/plain; charset=utf-8$/imu);
	t.notRegex(headers, /X-Mailer|nodemailer/iu);
	t.deepEqual([...new Set(mail.greetings)], ['news.example']);
	t.false(text.includes(alice.user_id));
});

test('a relay that is down is tried again, and what it says is in no log', async (t) => {
	const {app, mail} = await startWithMail(t);
	const alice = await register(app, 'alice');
	await giveAddress(app, alice, 'alice@mail.example');
	mail.refusal = {code: 450, text: 'alice@mail.example is busy'};
	await login(app, 'alice');
	await until(() => mail.refused > 0 && app.readLog().includes('A background job failed'), 'a refusal');
	t.regex(app.readLog(), /took no mail \(EENVELOPE 450\)/u);
	t.false(app.readLog().includes('alice@mail.example'));
	mail.refusal = undefined;
	app.advance(10 * 60_000);
	// Another notice has the runner look at what is due.
	await login(app, 'alice');
	await mail.take('alice@mail.example');
	await mail.take('alice@mail.example');
	t.pass();
});

test('a mail that is refused for good is not tried again', async (t) => {
	const {app, mail} = await startWithMail(t);
	const alice = await register(app, 'alice');
	await giveAddress(app, alice, 'alice@mail.example');
	mail.refusal = {code: 550, text: 'alice@mail.example does not exist'};
	await login(app, 'alice');
	await until(() => mail.refused === 1, 'a refusal');
	await until(async () => (await app.application.storage.jobs.findNextDue(['mail-notice'])) === undefined, 'no job');
	t.false(app.readLog().includes('alice@mail.example'));
});
