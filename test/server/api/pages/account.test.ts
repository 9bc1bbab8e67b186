import test from 'ava';
import {Authenticator} from '../../../harness/authenticator.ts';
import {login, passwordOf, request, signInOnPage} from '../../../harness/index.ts';
import {givePassword, openDesk, optionsOf, ORIGIN, SECOND_STEP, signIn} from './factor-pages.ts';

const WHOAMI = '/_matrix/client/v3/account/whoami';
const pages = ['password', 'passkeys', 'passkeys/add', 'totp', 'recovery-codes', 'sessions', 'data', 'deactivate'];

test('the account leads to its pages, and each of them back', async (t) => {
	const {app} = await openDesk(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const home = await visitor.open('/account');
	for (const page of pages) {
		const path = `/account/${page}`;
		if (page !== 'passkeys/add') t.true(home.text.includes(`href="${path}"`), path);
		const {status, text, headers} = await visitor.open(path);
		t.is(status, 200, path);
		t.true(text.includes('href="/account"'), path);
		t.regex(headers.get('content-security-policy') ?? '', /^default-src 'none'/u);
		t.is(text.includes('<script'), page === 'passkeys/add', path);
	}
});

test('strangers see none of them, and no form of them is taken', async (t) => {
	const {app} = await openDesk(t);
	const {visitor} = await givePassword(app);
	visitor.cookies.clear();
	await visitor.open('/account/sign-in');
	for (const page of [...pages, 'totp/confirm']) {
		if (page !== 'totp/confirm') t.regex((await visitor.open(`/account/${page}`)).to, /sign-in/u, page);
		await visitor.open('/account/sign-in');
		const {status, to} = await visitor.submit(`/account/${page}`, {action: 'all', user_id: 'alice'});
		t.true(status === 303 && to.startsWith('/account/sign-in'), page);
	}
});

test('what an account hangs on wants a proof of the last minutes', async (t) => {
	const {app, advance} = await openDesk(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open('/account');
	advance(10 * 60 * 1000);
	for (const page of pages) {
		const isShown = page === 'sessions';
		t.is((await visitor.open(`/account/${page}`)).status, isShown ? 200 : 303, page);
	}
	await visitor.open('/account');
	for (const page of [...pages, 'totp/confirm']) {
		t.regex((await visitor.submit(`/account/${page}`, {action: 'all'})).to, /sign-in/u, page);
	}
});

test('a password is changed, and what was signed in by the old one ends', async (t) => {
	const {app, alice} = await openDesk(t);
	const elsewhere = await signInOnPage(app, 'alice', passwordOf('alice'));
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open('/account/password');
	const send = (password: string, repeated = password) =>
		visitor.submit('/account/password', {password, repeated, end_others: 'yes'});
	t.is((await send('new-pw-Zq7!', 'other-pw-Zq7!')).status, 400);
	t.is((await send('short')).status, 400);
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 200);
	t.regex((await send('new-pw-Zq7!')).text, /role="status"/u);
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 401);
	t.regex((await elsewhere.open('/account')).to, /sign-in/u);
	t.is((await visitor.open('/account')).status, 200);
	await t.throwsAsync(login(app, 'alice'));
});

test('passkeys are added, renamed and removed', async (t) => {
	const {app} = await openDesk(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const authenticator = new Authenticator(ORIGIN);
	const ADD = '/account/passkeys/add';
	const nameless = authenticator.create(optionsOf(await visitor.open(ADD)));
	t.is((await visitor.submit(ADD, {passkey: nameless, name: ' '})).status, 400);
	const passkey = authenticator.create(optionsOf(await visitor.open(ADD)));
	t.regex((await visitor.submit(ADD, {passkey, name: '<Phone>'})).text, /[0-9A-Z]{4}-[0-9A-Z]{4}-/u);
	const list = await visitor.open('/account/passkeys');
	t.true(list.text.includes('&lt;Phone&gt;'));
	const again = authenticator.create(optionsOf(await visitor.open(ADD)));
	t.is((await visitor.submit(ADD, {passkey: again, name: 'Twice'})).status, 400);
	await visitor.open('/account/passkeys');
	const chosen = {credential: authenticator.credentialId};
	await visitor.submit('/account/passkeys', {...chosen, action: 'rename', name: 'Tablet'});
	t.regex((await visitor.open('/account/passkeys')).text, /Tablet/u);
	await visitor.submit('/account/passkeys', {...chosen, action: 'remove'});
	t.notRegex((await visitor.open('/account/passkeys')).text, /Tablet/u);
	t.is((await visitor.submit('/account/passkeys', {...chosen, action: 'remove'})).status, 303);
});

test('a code generator is removed, and its codes with it', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const visitor = await signIn(app, show());
	await visitor.open('/account/totp');
	t.is((await visitor.submit('/account/totp', {action: 'begin'})).to, '/account/totp');
	t.regex((await visitor.submit('/account/totp', {action: 'remove'})).text, /role="status"/u);
	t.is((await givePassword(app)).visit.to, '/account');
});

test('recovery codes are made anew, for who has a factor', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const plain = await signInOnPage(app, 'alice', passwordOf('alice'));
	await plain.open('/account/recovery-codes');
	t.is((await plain.submit('/account/recovery-codes')).to, '/account/recovery-codes');
	const show = await addGenerator();
	const visitor = await signIn(app, show());
	await visitor.open('/account/recovery-codes');
	const {text} = await visitor.submit('/account/recovery-codes');
	const codes = text.match(/[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/gu) ?? [];
	t.is(codes.length, 10);
	t.false((await visitor.open('/account/recovery-codes')).text.includes(codes[0] ?? ''));
	const {visitor: other} = await givePassword(app);
	await other.open(SECOND_STEP);
	t.is((await other.submit(SECOND_STEP, {code: codes[9] ?? ''})).to, '/account');
});

test('a client leads to one of its person’s sessions, which stands before the others and can be signed out there', async (t) => {
	const {app, alice} = await openDesk(t);
	const phone = await login(app, 'alice', 'PHONE');
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const follow = async (deviceId: string) => {
		const link = `/oauth2/account?action=org.matrix.device_delete&device_id=${deviceId}`;
		return (await visitor.open((await visitor.open(link)).to)).text;
	};
	const marked = /Your client led you to this session:<\/p>\s*<ul[^>]*aria-current="true">(.*?)<\/ul>/su;
	const shown = await follow('PHONE');
	const [whole = '', first = ''] = marked.exec(shown) ?? [];
	t.true(first.includes('PHONE') && !first.includes(alice.device_id));
	t.regex(first, /<form method="post" action="\/account\/sessions">.*name="device_id" value="PHONE"/su);
	const rest = shown.replace(whole, '');
	t.true(rest.includes(alice.device_id) && !rest.includes('>PHONE<'));
	for (const unknown of ['NOBODY', '']) {
		const list = await follow(unknown);
		t.notRegex(list, marked, unknown);
		t.true(list.includes('PHONE') && list.includes(alice.device_id));
	}
	await follow('PHONE');
	await visitor.submit('/account/sessions', {device_id: 'PHONE'});
	t.is((await request(app, 'GET', WHOAMI, {token: phone.access_token})).status, 401);
});

test('sessions are shown by names and days, without addresses, and signed out one by one or together', async (t) => {
	const {app, alice} = await openDesk(t, {keep_addresses_days: 7});
	const phone = await login(app, 'alice', 'PHONE');
	await request(app, 'GET', WHOAMI, {token: phone.access_token});
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {text} = await visitor.open('/account/sessions');
	t.true(text.includes('PHONE') && text.includes(alice.device_id));
	t.regex(text, /datetime="\d{4}-\d{2}-\d{2}"/u);
	t.false(text.includes('127.0.0.1'));
	await visitor.submit('/account/sessions', {device_id: 'PHONE'});
	t.is((await request(app, 'GET', WHOAMI, {token: phone.access_token})).status, 401);
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 200);
	await visitor.submit('/account/sessions', {device_id: 'SOMEBODY'});
	await visitor.submit('/account/sessions', {action: 'all'});
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 401);
	t.is((await visitor.open('/account')).status, 200);
});

test('people download what is kept of them', async (t) => {
	const {app} = await openDesk(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open('/account/data');
	const {status, headers, text} = await visitor.submit('/account/data');
	t.is(status, 200);
	t.is(headers.get('content-type'), 'application/zip');
	t.regex(headers.get('content-disposition') ?? '', /^attachment/u);
	t.true(text.startsWith('PK') && text.includes('account.json'));
});

test('an account is ended by who types its name, with all that is signed in', async (t) => {
	const {app, alice} = await openDesk(t);
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	await visitor.open('/account/deactivate');
	t.is((await visitor.submit('/account/deactivate', {user_id: '@bob:news.example', erase: 'yes'})).status, 400);
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 200);
	const done = await visitor.submit('/account/deactivate', {user_id: alice.user_id, erase: 'yes'});
	t.regex(done.text, /role="status"/u);
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 401);
	t.regex((await visitor.open('/account')).to, /sign-in/u);
	t.like(await app.application.services.accounts.find(alice.user_id as never), {isDeactivated: true, isErased: true});
});
