import test from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {Authenticator} from '../../../harness/authenticator.ts';
import {passwordOf, register, request, until, Visitor} from '../../../harness/index.ts';
import {givePassword, leaveUnused, openDesk, optionsOf, ORIGIN, SECOND_STEP, SIGN_IN, signIn} from './factor-pages.ts';

const CHOOSE = '/account/sign-in/set-up';
const PASSKEY = '/account/sign-in/passkey';

test('who has a factor is asked for it after the password, and then goes where they were going', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const {visitor, visit} = await givePassword(app, `${SIGN_IN}?return_to=%2Faccount%2Fsessions`);
	t.is(visit.to, SECOND_STEP);
	for (const path of ['/account', '/account/sessions', '/account/password', '/account/passkeys/add', '/account/totp']) {
		t.regex((await visitor.open(path)).to, /^\/account\/sign-in\?return_to=/u, path);
	}
	const page = await visitor.open(SECOND_STEP);
	t.regex(page.text, /autocomplete="one-time-code"/u);
	t.notRegex(page.text, /<script/u);
	t.is((await visitor.submit(SECOND_STEP, {code: show()})).to, '/account/sessions');
	t.is((await visitor.open('/account/sessions')).status, 200);
});

test('a client is let in by nobody who has not shown the second factor', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	await addGenerator();
	const {visitor} = await givePassword(app);
	const path = '/account/to-client?redirectUrl=https%3A%2F%2Fclient.example%2F';
	t.regex((await visitor.open(path)).to, /^\/account\/sign-in\?/u);
	await visitor.open(SECOND_STEP);
	t.regex((await visitor.submit(path)).to, /^\/account\/sign-in\?/u);
});

test('a wrong code is refused, many of them wait, and a code that was used signs in nobody else', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const code = show();
	await signIn(app, code);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	const replayed = await visitor.submit(SECOND_STEP, {code});
	t.is(replayed.status, 403);
	t.regex(replayed.text, /role="alert"/u);
	const refusals: number[] = [];
	await until(async () => {
		const {status} = await visitor.submit(SECOND_STEP, {code: '000000'});
		refusals.push(status);
		return status === 429;
	}, 'a try that has to wait');
	t.true(refusals.length > 1 && refusals.slice(0, -1).every((status) => status === 403));
	t.regex((await visitor.open('/account')).to, /sign-in/u);
});

test("another person's code, and codes before a password, sign in nobody", async (t) => {
	const {app, addGenerator} = await openDesk(t);
	await addGenerator();
	const bob = await register(app, 'bobby');
	const ofBob = await addGenerator(bob.user_id);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	t.is((await visitor.submit(SECOND_STEP, {code: ofBob()})).status, 403);
	const stranger = new Visitor(app);
	t.is((await stranger.open(SECOND_STEP)).to, SIGN_IN);
	await stranger.open(SIGN_IN);
	t.is((await stranger.submit(SECOND_STEP, {code: ofBob()})).to, SIGN_IN);
});

test('a recovery code signs in once', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	await addGenerator();
	const [code = ''] = await app.application.services.secondFactor.renewRecoveryCodes(alice.user_id as UserId);
	await signIn(app, code);
	await t.throwsAsync(signIn(app, code));
});

test('after the second step the cookie from before it is worth nothing', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const {visitor} = await givePassword(app);
	const thief = new Visitor(app);
	for (const [name, value] of visitor.cookies) thief.cookies.set(name, value);
	await visitor.open(SECOND_STEP);
	t.is((await visitor.submit(SECOND_STEP, {code: show()})).to, '/account');
	t.regex((await thief.open('/account')).to, /sign-in/u);
	t.is((await thief.open(SECOND_STEP)).to, SIGN_IN);
});

test('a browser that signed in before there was a factor is asked for it too', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const {visitor} = await givePassword(app);
	t.is((await visitor.open('/account')).status, 200);
	await addGenerator();
	t.regex((await visitor.open('/account')).to, /sign-in/u);
});

test('what an account hangs on is shown for ten minutes after the factor, and the password opens it no more', async (t) => {
	const {app, advance, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const visitor = await signIn(app, show());
	t.is((await visitor.open('/account/password')).status, 200);
	advance(10 * 60 * 1000);
	t.is((await visitor.open('/account')).status, 200);
	const {to} = await visitor.open('/account/password');
	t.regex(to, /^\/account\/sign-in\?return_to=%2Faccount%2Fpassword$/u);
	t.is((await visitor.open(to)).to, `${SECOND_STEP}?return_to=%2Faccount%2Fpassword`);
	await visitor.open('/account');
	const again = await visitor.submit(to, {username: 'alice', password: passwordOf('alice')});
	t.is(again.status, 303);
	t.regex((await visitor.open('/account/password')).to, /sign-in/u);
	await visitor.open(`${SECOND_STEP}?return_to=%2Faccount%2Fpassword`);
	t.is(
		(await visitor.submit(`${SECOND_STEP}?return_to=%2Faccount%2Fpassword`, {code: show()})).to,
		'/account/password',
	);
	t.is((await visitor.open('/account/password')).status, 200);
});

test('who must have a factor and has none sets it up before anything else, and is given recovery codes', async (t) => {
	const {app, alice, show} = await openDesk(t, {second_factor: 'everybody'});
	await leaveUnused({app, alice});
	const {visitor, visit} = await givePassword(app, `${SIGN_IN}?return_to=%2Faccount%2Fsessions`);
	t.is(visit.to, SECOND_STEP);
	t.is((await visitor.open(SECOND_STEP)).to, CHOOSE);
	const choice = await visitor.open(CHOOSE);
	t.regex(choice.text, /href="\/account\/passkeys\/add"/u);
	t.regex(choice.text, /href="\/account\/totp"/u);
	for (const path of [
		'/account',
		'/account/password',
		'/account/sessions',
		'/account/recovery-codes',
		'/account/data',
	]) {
		t.regex((await visitor.open(path)).to, /sign-in/u, path);
	}
	await visitor.open('/account/totp');
	const begun = await visitor.submit('/account/totp', {action: 'begin'});
	const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/u.exec(begun.text)?.[1]?.replaceAll(' ', '') ?? '';
	t.is(secret.length, 32);
	t.regex(begun.text, /<svg role="img"/u);
	const wrong = await visitor.submit('/account/totp/confirm', {code: '000000'});
	t.is(wrong.status, 403);
	t.true(wrong.text.replaceAll(' ', '').includes(secret));
	const done = await visitor.submit('/account/totp/confirm', {code: show(secret)});
	t.is(done.status, 200);
	t.is(done.text.match(/<code dir="ltr">[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}<\/code>/gu)?.length, 10);
	t.regex(done.text, /href="\/account\/sessions"/u);
	t.is((await visitor.open('/account/sessions')).status, 200);
});

test('by a passkey somebody signs in without name and password, also where they must have a factor', async (t) => {
	const {app, alice, advance} = await openDesk(t, {second_factor: 'everybody'});
	await leaveUnused({app, alice});
	const {visitor} = await givePassword(app);
	const authenticator = new Authenticator(ORIGIN);
	const ADD = '/account/passkeys/add';
	const made = authenticator.create(optionsOf(await visitor.open(ADD)));
	const added = await visitor.submit(ADD, {passkey: made, name: 'Phone'});
	t.regex(added.text, /[0-9A-Z]{4}-[0-9A-Z]{4}-/u);
	t.is((await visitor.open('/account')).status, 200);

	const elsewhere = new Visitor(app);
	t.regex((await elsewhere.open(SIGN_IN)).text, /href="\/account\/sign-in\/passkey"/u);
	const forged = authenticator.get(optionsOf(await elsewhere.open(PASSKEY)), {origin: 'https://matrix-news.example'});
	t.is((await elsewhere.submit(PASSKEY, {passkey: forged})).status, 403);
	const passkey = authenticator.get(optionsOf(await elsewhere.open(`${PASSKEY}?return_to=%2Faccount%2Fsessions`)));
	const thief = new Visitor(app);
	await thief.open(PASSKEY);
	t.is((await thief.submit(PASSKEY, {passkey})).status, 403);
	t.is((await elsewhere.submit(`${PASSKEY}?return_to=%2Faccount%2Fsessions`, {passkey})).to, '/account/sessions');
	t.regex((await elsewhere.open('/account')).text, new RegExp(alice.user_id.replaceAll('.', '\\.'), 'u'));
	t.is((await elsewhere.open('/account/password')).status, 200);

	advance(10 * 60 * 1000);
	const renewed = await elsewhere.open(`${SECOND_STEP}?return_to=%2Faccount%2Fpassword`);
	t.regex(renewed.text, /href="\/account\/sign-in\/passkey\?return_to=%2Faccount%2Fpassword"/u);
});

test('the passkey of another person is no second step', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	await addGenerator();
	await register(app, 'bobby');
	const {visitor: ofBob} = await givePassword(app, SIGN_IN, 'bobby');
	const authenticator = new Authenticator(ORIGIN);
	const ADD = '/account/passkeys/add';
	await ofBob.submit(ADD, {passkey: authenticator.create(optionsOf(await ofBob.open(ADD))), name: 'Phone'});
	const {visitor} = await givePassword(app);
	const passkey = authenticator.get(optionsOf(await visitor.open(PASSKEY)));
	t.is((await visitor.submit(PASSKEY, {passkey})).status, 403);
	t.regex((await visitor.open('/account')).to, /sign-in/u);
});

test('a locked account is signed in by no passkey', async (t) => {
	const {app, alice} = await openDesk(t);
	const {visitor} = await givePassword(app);
	const authenticator = new Authenticator(ORIGIN);
	const ADD = '/account/passkeys/add';
	await visitor.submit(ADD, {passkey: authenticator.create(optionsOf(await visitor.open(ADD))), name: 'Phone'});
	const {storage} = app.application;
	const batch = storage.batch();
	storage.accounts.setStates(batch, alice.user_id as UserId, {isLocked: true});
	await storage.commit(batch);
	const elsewhere = new Visitor(app);
	const passkey = authenticator.get(optionsOf(await elsewhere.open(PASSKEY)));
	await elsewhere.submit(PASSKEY, {passkey});
	t.regex((await elsewhere.open('/account')).to, /sign-in/u);
	t.is((await elsewhere.open(SECOND_STEP)).to, SIGN_IN);
});

test('where the address is no name there are no passkeys, and nothing leads to them', async (t) => {
	const {app} = await openDesk(t, {public_url: 'http://127.0.0.1:8008'});
	const visitor = new Visitor(app);
	t.notRegex((await visitor.open(SIGN_IN)).text, /passkey/u);
	t.is((await visitor.open(PASSKEY)).status, 404);
});

test('a stage of a client is completed on its page by a code, or by a passkey of the same person', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	const {visitor} = await givePassword(app);
	const authenticator = new Authenticator(ORIGIN);
	const ADD = '/account/passkeys/add';
	await visitor.submit(ADD, {passkey: authenticator.create(optionsOf(await visitor.open(ADD))), name: 'Phone'});
	const show = await addGenerator();
	const path = `/_matrix/client/v3/devices/${alice.device_id}`;
	const token = alice.access_token;
	const auth = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
	};
	const begin = async () => {
		const {session} = (await request<{session: string}>(app, 'DELETE', path, {token, body: {auth}})).body;
		return {
			session,
			page: `/_matrix/client/v3/auth/org.broadsheet.login.second_factor/fallback/web?session=${session}`,
		};
	};
	const window = new Visitor(app);
	const [first, second] = [await begin(), await begin()];
	const ofFirst = authenticator.get(optionsOf(await window.open(first.page)));
	t.is((await window.send(second.page, {passkey: ofFirst})).status, 400);
	t.is((await window.send(second.page, {code: '000000'})).status, 400);
	t.is((await window.send(first.page, {passkey: ofFirst})).status, 200);
	t.is((await window.send(second.page, {code: show()})).status, 200);
	const done = await request(app, 'DELETE', path, {token, body: {auth: {session: first.session}}});
	t.is(done.status, 200);
});
