import test from 'ava';
import {type App, login, register, startApp, type Visit, Visitor} from '../../../harness/index.ts';

const REGISTER = '/account/register';
const good = {username: 'alice', password: 'pw-alice-Zq7!', repeated: 'pw-alice-Zq7!'};

function makeToken(app: App, usesAllowed = 1): Promise<string> {
	const {accounts} = app.application.services;
	return accounts.createRegistrationToken({name: 'desk', usesAllowed, expiresTs: null, makesAdmin: false});
}

async function submit(visitor: Visitor, fields: Record<string, string>): Promise<Visit> {
	return visitor.submit(REGISTER, fields);
}

test('an account is made by its form, the browser signed in, and its person brought to where they were going', async (t) => {
	const app = await startApp(t);
	const visitor = new Visitor(app);
	const signIn = await visitor.open('/account/sign-in?return_to=%2Faccount%3Fx');
	const href = /href="(\/account\/register[^"]*)"/.exec(signIn.text)?.[1] ?? '';
	t.is(href, '/account/register?return_to=%2Faccount%3Fx');
	const page = await visitor.open(href);
	t.false(page.text.includes('id="token"'));
	const done = await visitor.submit(href, good);
	t.deepEqual([done.status, done.to], [303, '/account?x']);
	t.regex((await visitor.open('/account')).text, /@alice:news\.example/);
	t.is((await login(app, 'alice')).user_id, '@alice:news.example');
});

test('a form with a mistake is shown again, and says what is wrong', async (t) => {
	const app = await startApp(t);
	await register(app, 'bob');
	const visitor = new Visitor(app);
	await visitor.open(REGISTER);
	for (const [fields, problem] of [
		[{...good, repeated: 'pw-alice-Zq8!'}, /not the same/],
		[{...good, password: 'short', repeated: 'short'}, /at least 8/],
		[{...good, username: '_<b>'}, /must not begin with _/],
		[{...good, username: 'bob'}, /taken/],
		[{}, /not the same/],
	] as const) {
		const {status, text} = await submit(visitor, fields);
		t.is(status, 400);
		t.regex(text, problem);
		t.false(text.includes('<b>'));
	}
});

test('with a token an account is made once, and a link brings the token along', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const token = await makeToken(app);
	const visitor = new Visitor(app);
	const page = await visitor.open(`${REGISTER}?token=${token}`);
	t.true(page.text.includes(`name="token" value="${token}"`));
	t.is((await submit(visitor, {...good, token})).status, 303);
	const other = new Visitor(app);
	await other.open(REGISTER);
	const again = await submit(other, {...good, username: 'carol', token});
	t.is(again.status, 400);
	t.regex(again.text, /not valid, or was used up/);
});

test('whoever has no good token is told the same of every name, taken or not or none', async (t) => {
	const app = await startApp(t, {config: {registration: 'open'}});
	await register(app, 'bob');
	const closed = await startApp(t, {config: {registration: 'token'}});
	const token = await makeToken(closed, 2);
	const insider = new Visitor(closed);
	await insider.open(REGISTER);
	t.is((await submit(insider, {...good, username: 'bob', token})).status, 303);
	const visitor = new Visitor(closed);
	await visitor.open(REGISTER);
	const answers = [];
	for (const username of ['bob', 'eve', 'A B']) {
		const {status, text} = await submit(visitor, {...good, username, token: 'none'});
		answers.push([status, text.replaceAll(`value="${username}"`, '')]);
	}
	for (const answer of answers) t.deepEqual(answer, answers[0]);
	// Who holds a token learns that the name is taken, and keeps the token.
	const taken = await submit(visitor, {...good, username: 'bob', token});
	t.regex(taken.text, /taken/);
	t.is((await submit(visitor, {...good, username: 'eve', token})).status, 303);
});

test('where nobody makes an account, the page says so and takes no form', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const visitor = new Visitor(app);
	const signIn = await visitor.open('/account/sign-in');
	t.false(signIn.text.includes(REGISTER));
	const page = await visitor.open(REGISTER);
	t.is(page.status, 403);
	t.regex(page.text, /Nobody can make an account here/);
	await visitor.open('/account/sign-in');
	t.is((await submit(visitor, good)).status, 403);
	t.true(await app.application.services.accounts.isEmpty());
});
