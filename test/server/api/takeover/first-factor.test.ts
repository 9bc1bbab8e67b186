/** Who stole a password before its owner set up the second factor that they must have. */
import test, {type ExecutionContext} from 'ava';
import {call, linkIn, register, request, startMailServer, until} from '../../../harness/index.ts';
import type {UserId} from '../../../../crypto/index.ts';
import {Authenticator} from '../../../harness/authenticator.ts';
import {givePassword, openDesk, optionsOf, ORIGIN, SECOND_STEP, SIGN_IN} from '../pages/factor-pages.ts';

const CODE = /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/u;

/** A server on which everybody must have a factor, and somebody whose client is signed in already. */
function openStrict(t: ExecutionContext, config: object = {}) {
	return openDesk(t, {second_factor: 'everybody', server_notices: {enabled: true}, ...config});
}

test('password known, no factor yet: who has no more sets up none, sees nothing, and lets no client in', async (t) => {
	const {app, alice} = await openStrict(t);
	const {visitor, visit} = await givePassword(app);
	t.is(visit.to, SECOND_STEP);
	t.regex((await visitor.open(SECOND_STEP)).text, /its password alone is not enough for this/u);
	for (const path of ['/account/sign-in/set-up', '/account/totp', '/account/passkeys/add', '/account']) {
		t.regex((await visitor.open(path)).to, /^\/account\/sign-in\?/u, path);
	}
	await visitor.open(SECOND_STEP);
	const forms: readonly (readonly [string, Record<string, string>])[] = [
		['/account/totp', {action: 'begin'}],
		['/account/totp/confirm', {code: '000000'}],
		['/account/passkeys/add', {name: 'mine', passkey: new Authenticator(ORIGIN).create(optionsOf(await anyPage(t)))}],
		['/account/email', {act: 'set', email: 'thief@mail.example'}],
	];
	for (const [path, fields] of forms) {
		t.regex((await visitor.submit(path, fields)).to, /^\/account\/sign-in\?/u, path);
	}
	for (const code of ['000000', 'AAAA-BBBB-CCCC-DDDD', '']) {
		await visitor.open(SECOND_STEP);
		t.is((await visitor.submit(SECOND_STEP, {code})).status, 403);
	}
	const {secondFactor} = app.application.services;
	t.false((await secondFactor.find({userId: alice.user_id as UserId, isAdmin: false})).hasAny);
});

/** Options of some other server's page: an authenticator makes a passkey for whatever it is asked. */
async function anyPage(t: ExecutionContext) {
	const {app} = await openDesk(t);
	const {visitor} = await givePassword(app);
	return visitor.open('/account/passkeys/add');
}

test('password and intercepted e-mail, no factor yet: the mail tells its reader, and has no code', async (t) => {
	const mail = await startMailServer(t);
	const {app, alice} = await openStrict(t, {smtp: mail.smtp});
	const {storage} = app.application;
	const batch = storage.batch();
	const address = {address: 'alice@mail.example', canonical: 'alice@mail.example', language: 'en', addedDay: 1};
	storage.mailAddresses.set(batch, {userId: alice.user_id as UserId, ...address});
	await storage.commit(batch);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	t.regex((await visitor.submit(SECOND_STEP, {act: 'ask'})).text, /If you are signed in anywhere/u);
	const {text} = await mail.take('alice@mail.example', /wants to change your account/u);
	t.notRegex(text, CODE);
	// Nor does recovering the account help: it wants the factor that there is not.
	await visitor.open('/account/recover');
	await visitor.submit('/account/recover', {name: 'alice'});
	const link = linkIn(await mail.take('alice@mail.example', /A new password/u));
	const path = new URL(link, ORIGIN).pathname;
	await visitor.open(path);
	const wish = {name: 'alice', password: 'of-a-thief-Zq7!', repeated: 'of-a-thief-Zq7!'};
	t.is((await visitor.submit(path, wish)).status, 403);
});

test('the owner finds a code in a session of theirs, sets a factor up with it, and it is good no more', async (t) => {
	const {app, alice, show} = await openStrict(t);
	const {visitor} = await givePassword(app, `${SIGN_IN}?return_to=%2Faccount%2Fsessions`);
	await visitor.open(SECOND_STEP);
	await visitor.submit(SECOND_STEP, {act: 'ask'});
	const token = alice.access_token;
	let code = '';
	await until(async () => {
		const {text} = await request(app, 'GET', '/_matrix/client/v3/sync', {token});
		code = text.includes('Give it to nobody') ? (CODE.exec(text)?.[0] ?? '') : '';
		return code !== '';
	}, 'a code among the notices');
	await visitor.open(SECOND_STEP);
	// As it is copied, with what keeps it apart from text of the other direction.
	t.is((await visitor.submit(SECOND_STEP, {code: `\u2068${code}\u2069`})).to, SECOND_STEP);
	t.is((await visitor.open(SECOND_STEP)).to, '/account/sign-in/set-up');
	await visitor.open('/account/totp');
	const {text} = await visitor.submit('/account/totp', {action: 'begin'});
	const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/u.exec(text)?.[1]?.replaceAll(' ', '') ?? '';
	const done = await visitor.submit('/account/totp/confirm', {code: show(secret)});
	t.is(done.text.match(new RegExp(`>${CODE.source}<`, 'gu'))?.length, 10);
	t.is((await visitor.open('/account/sessions')).status, 200);
	// A code that was asked for and not used is none of the recovery codes.
	const {visitor: thief} = await givePassword(app);
	await thief.open(SECOND_STEP);
	t.is((await thief.submit(SECOND_STEP, {code})).status, 403);
});

test('a code of the administrator vouches once, and for nobody else', async (t) => {
	const {app, alice} = await openStrict(t);
	const bob = await register(app, 'bobby');
	const {secondFactor, audit} = app.application.services;
	const create = (userId: string) =>
		secondFactor.createCodeByAdministrator(userId as UserId, (batch) =>
			audit.note(batch, {who: 'console', act: 'create-factor-code', whom: userId}),
		);
	const former = await create(alice.user_id);
	const code = await create(alice.user_id);
	const {visitor: ofBob} = await givePassword(app, SIGN_IN, 'bobby');
	await ofBob.open(SECOND_STEP);
	t.is((await ofBob.submit(SECOND_STEP, {code})).status, 403);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	t.is((await visitor.submit(SECOND_STEP, {code: former})).status, 403);
	t.is((await visitor.submit(SECOND_STEP, {code})).to, SECOND_STEP);
	t.is((await visitor.open('/account/totp')).status, 200);
	const {visitor: second} = await givePassword(app);
	await second.open(SECOND_STEP);
	t.is((await second.submit(SECOND_STEP, {code})).status, 403);
	t.is((await audit.list({limit: 10})).filter(({act}) => act === 'create-factor-code').length, 2);
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: bob.access_token});
	t.is(
		(await ofBob.open('/account/sign-in/set-up')).status,
		200,
		'an account that nobody has used yet has nothing to take',
	);
});

test('who removes their last factor to set up another one needs no code', async (t) => {
	const {app, addGenerator} = await openStrict(t);
	const show = await addGenerator();
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	await visitor.submit(SECOND_STEP, {code: show()});
	await visitor.open('/account/totp');
	t.is((await visitor.submit('/account/totp', {action: 'remove'})).status, 200);
	t.is((await visitor.open('/account/sign-in/set-up')).status, 200);
	await visitor.open('/account/totp');
	t.regex((await visitor.submit('/account/totp', {action: 'begin'})).text, /<svg role="img"/u);
});

test('sessions are asked a few times an hour, and told no more codes than there can be', async (t) => {
	const {app, alice} = await openStrict(t, {rate_limits: 'default'});
	const {secondFactor} = app.application.services;
	const userId = alice.user_id as UserId;
	const codes = await Promise.all(Array.from({length: 10}, () => secondFactor.createCodeForSessions(userId)));
	t.is(new Set(codes).size, 10);
	t.is(await secondFactor.createCodeForSessions(userId), undefined);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	await until(async () => (await visitor.submit(SECOND_STEP, {act: 'ask'})).status === 429, 'a limit');
	t.pass();
});
