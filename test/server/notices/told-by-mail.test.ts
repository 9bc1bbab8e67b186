/** What an owner is mailed of changes that they, or somebody else, made by pages and clients: from the change to the mailbox. */
import test, {type ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	createCrossSigningKeys,
	createTestDevice,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	startMailServer,
	until,
} from '../../harness/index.ts';

const V3 = '/_matrix/client/v3';
const ADDRESS = 'alice@mail.example';

/** Alice, with an address that is written to and nobody to be told in a room. */
async function openMailbox(t: ExecutionContext) {
	const mail = await startMailServer(t);
	const app = await startApp(t, {config: {smtp: mail.smtp}});
	const alice = await register(app, 'alice');
	const {storage} = app.application;
	const batch = storage.batch();
	const address = {address: ADDRESS, canonical: ADDRESS, language: 'en', addedDay: 1};
	storage.mailAddresses.set(batch, {userId: alice.user_id as UserId, ...address});
	await storage.commit(batch);
	return {app, alice, mails: mail.mails, take: (pattern: RegExp) => mail.take(ADDRESS, pattern)};
}

/** Asks for something that wants the password, and gives it. */
async function withPassword(app: App, {access_token: token, user_id: user}: Session, path: string, body: object) {
	const first = await request<{session: string}>(app, 'POST', V3 + path, {token, body});
	const auth = {
		type: 'm.login.password',
		session: first.body.session,
		identifier: {type: 'm.id.user', user},
		password: passwordOf('alice'),
	};
	return call(app, 'POST', V3 + path, {token, body: {...body, auth}});
}

test('a code generator that is set up and taken away on the pages is mailed to the owner', async (t) => {
	const {app, take} = await openMailbox(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open('/account/totp');
	const {text} = await visitor.submit('/account/totp', {action: 'begin'});
	const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/u.exec(text)?.[1]?.replaceAll(' ', '') ?? '';
	const totp = new TOTP({secret: Secret.fromBase32(secret)});
	await visitor.submit('/account/totp/confirm', {code: totp.generate()});
	const {subject, text: said} = await take(/authenticator app was added/u);
	t.regex(subject, /Your account at/u);
	t.regex(said, /If this was not you/u);
	t.regex(said, /https?:\S+\/account/u);
	await visitor.open('/account/totp');
	await visitor.submit('/account/totp', {action: 'remove'});
	await take(/authenticator app of your account was removed/u);
});

test('an ordinary change of the password by a client is mailed to the owner', async (t) => {
	const {app, alice, take} = await openMailbox(t);
	await withPassword(app, alice, '/account/password', {new_password: 'another good one', logout_devices: false});
	const {text} = await take(/password of your account was changed/u);
	t.false(text.includes('another good one'));
});

test('the replacement of cross-signing keys is mailed to the owner, and the first ones are not', async (t) => {
	const {app, alice, take, mails} = await openMailbox(t);
	const device = createTestDevice(alice);
	const keys = () => createCrossSigningKeys(alice.user_id, device).body;
	const upload = '/keys/device_signing/upload';
	await call(app, 'POST', V3 + upload, {token: alice.access_token, body: keys()});
	await withPassword(app, alice, upload, keys());
	const {text} = await take(/keys by which your sessions vouch for each other were replaced/u);
	t.regex(text, /If this was not you/u);
	const {jobs} = app.application.storage;
	await until(async () => (await jobs.findNextDue(['mail-notice'])) === undefined, 'nothing to wait');
	t.is(mails.length, 0, 'the first ones are no news');
});
