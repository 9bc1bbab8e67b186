import test from 'ava';
import {call, login, passwordOf, register, signInOnPage, startApp, Visitor} from '../../../harness/index.ts';

const SIGN_IN = '/account/sign-in';

test('a name and a password sign a browser in, and bring people to where they were going', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = new Visitor(app);
	const sent = await visitor.open('/account');
	t.is(sent.status, 303);
	t.is(sent.to, '/account/sign-in?return_to=%2Faccount');
	const page = await visitor.open(sent.to);
	t.is(page.status, 200);
	t.regex(page.text, /<title>Sign in · news\.example<\/title>/);
	const done = await visitor.submit(sent.to, {username: 'alice', password: passwordOf('alice')});
	t.is(done.status, 303);
	t.is(done.to, '/account');
	t.regex((await visitor.open('/account')).text, /@alice:news\.example/);
	t.is((await visitor.open(SIGN_IN)).to, '/account');
});

test('a name is taken as people write it: with its server, or in capitals', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	for (const username of ['@alice:news.example', 'Alice']) {
		const visitor = await signInOnPage(app, username, passwordOf('alice'));
		t.is((await visitor.open('/account')).status, 200);
	}
});

test('a wrong password, a name that nobody has and one that nobody could have are answered alike', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = new Visitor(app);
	await visitor.open(SIGN_IN);
	const answers = [];
	for (const username of ['alice', 'bobby', '@x:y.z', 'A B C']) {
		const {status, text, headers} = await visitor.submit(SIGN_IN, {username, password: 'wrong horse'});
		t.is(status, 403);
		t.regex(text, /role="alert">The name or the password is wrong/);
		answers.push([text.replaceAll(username, 'NAME'), [...headers.keys()].join(' ')]);
	}
	for (const answer of answers) t.deepEqual(answer, answers[0]);
});

test('somebody who may not come in is told so by their own password alone', async (t) => {
	const app = await startApp(t);
	const {moderation, accounts} = app.application.services;
	for (const name of ['alice', 'bob']) await register(app, name);
	const [alice, bob] = [accounts.checkNewName('alice'), accounts.checkNewName('bob')];
	const chief = accounts.checkNewName('chief');
	await moderation.set(chief, alice, 'isLocked', true);
	await accounts.deactivate(bob, {erase: false});
	const visitor = new Visitor(app);
	await visitor.open(SIGN_IN);
	for (const [username, problem] of [
		['alice', /This account is locked/],
		['bob', /This account was deactivated/],
	] as const) {
		const right = await visitor.submit(SIGN_IN, {username, password: passwordOf(username)});
		t.is(right.status, 403);
		t.regex(right.text, problem);
		const wrong = await visitor.submit(SIGN_IN, {username, password: 'wrong horse'});
		t.regex(wrong.text, /The name or the password is wrong/);
	}
});

test('tries are limited by name and place, and the page says so', async (t) => {
	const app = await startApp(t, {config: {rate_limits: 'default'}});
	const visitor = new Visitor(app);
	await visitor.open(SIGN_IN);
	const tries = [];
	for (let index = 0; index < 6; index += 1) {
		tries.push(await visitor.submit(SIGN_IN, {username: 'nobody', password: 'wrong horse'}));
	}
	t.deepEqual(
		tries.map(({status}) => status),
		[403, 403, 403, 403, 403, 429],
	);
	t.regex(tries.at(-1)?.text ?? '', /Too many tries/);
	// Whoever signs in elsewhere by the same name has spent the same tries.
	await t.throwsAsync(login(app, 'nobody'), {message: /429/});
});

test('a browser is signed out by its person, by another password, by a lock, and after twelve hours', async (t) => {
	const app = await startApp(t);
	const {moderation, accounts} = app.application.services;
	await register(app, 'alice');
	const [alice, chief] = [accounts.checkNewName('alice'), accounts.checkNewName('chief')];
	const isIn = async (visitor: Visitor) => (await visitor.open('/account')).status === 200;
	const first = await signInOnPage(app, 'alice', passwordOf('alice'));
	const second = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.true((await isIn(first)) && (await isIn(second)));
	t.is((await first.submit('/account/sign-out')).to, SIGN_IN);
	t.false(await isIn(first));
	t.true(await isIn(second));
	await accounts.changePassword(alice, 'another horse', {endsOtherSessions: false});
	t.false(await isIn(second));
	const third = await signInOnPage(app, 'alice', 'another horse');
	await moderation.set(chief, alice, 'isLocked', true);
	t.false(await isIn(third));
	await moderation.set(chief, alice, 'isLocked', false);
	t.true(await isIn(third));
	app.advance(12 * 60 * 60 * 1000);
	t.false(await isIn(third));
});

test('who did not show lately that it is they is asked before what their account hangs on', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	app.advance(11 * 60 * 1000);
	t.is((await visitor.open('/account')).status, 200);
	const page = await visitor.open(SIGN_IN);
	t.regex(page.text, /show once more that it is you/);
	t.regex(page.text, /value="@alice:news\.example"/);
	t.is((await visitor.submit(SIGN_IN, {username: 'alice', password: passwordOf('alice')})).status, 303);
	t.is((await visitor.open(SIGN_IN)).to, '/account');
});

test('pages are in the language that somebody chooses, from right to left where it is written so', async (t) => {
	const app = await startApp(t);
	const visitor = new Visitor(app, {'accept-language': 'de-AT,de;q=0.9'});
	const german = await visitor.open('/account/sign-in?return_to=%2Faccount');
	t.regex(german.text, /<html lang="de" dir="ltr">/);
	const {to} = await visitor.send('/account/language', {
		language: 'fa',
		return_to: '/account/sign-in?return_to=%2Faccount',
	});
	t.is(to, '/account/sign-in?return_to=%2Faccount');
	t.regex((await visitor.open(to)).text, /<html lang="fa" dir="rtl">/);
	t.is((await visitor.send('/account/language', {language: '<b>', return_to: 'https://evil.example/'})).to, '/account');
	t.regex((await visitor.open(SIGN_IN)).text, /<html lang="fa" dir="rtl">/);
});

test('a mistake in a request is answered with a page', async (t) => {
	const app = await startApp(t);
	const visitor = new Visitor(app);
	await visitor.open(SIGN_IN);
	const large = await visitor.submit(SIGN_IN, {username: 'x'.repeat(20_000)});
	t.is(large.status, 413);
	t.regex(large.text, /<h1>That did not work<\/h1>/);
	const empty = await visitor.submit(SIGN_IN, {});
	t.is(empty.status, 403);
	// The account is whole: nothing of all this was an error of the server.
	await call(app, 'GET', '/_matrix/client/versions');
	t.false(app.readLog().includes('failed unexpectedly'));
});
