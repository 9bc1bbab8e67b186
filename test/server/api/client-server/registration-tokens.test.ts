import test, {type ExecutionContext} from 'ava';
import {call, request, type Session, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/register';
const VALIDITY = '/_matrix/client/v1/register/m.login.registration_token/validity?token=';
const TYPE = 'm.login.registration_token';
const PASSWORD = 'correct horse';
const DAY_MS = 86_400_000;

async function startWithToken(t: ExecutionContext, usesAllowed: number | null, config: object = {}) {
	const app = await startApp(t, {config: {registration: 'token', ...config}});
	const {accounts} = app.application.services;
	const token = await accounts.createRegistrationToken({
		name: 'desk',
		usesAllowed,
		expiresTs: Date.now() + DAY_MS,
		makesAdmin: false,
	});
	return {app, accounts, token};
}

test('who holds a token registers with it, once', async (t) => {
	const {app, token} = await startWithToken(t, 1);
	t.deepEqual(await call(app, 'GET', VALIDITY + token), {valid: true});
	const first = await request<{session: string; flows: unknown}>(app, 'POST', PATH, {body: {}});
	t.deepEqual(first.body.flows, [{stages: [TYPE]}]);
	const auth = {type: TYPE, token, session: first.body.session};
	const session = await call<Session>(app, 'POST', PATH, {body: {username: 'alice', password: PASSWORD, auth}});
	t.is(session.user_id, '@alice:news.example');
	t.deepEqual(await call(app, 'GET', VALIDITY + token), {valid: false});
	const again = await request(app, 'POST', PATH, {body: {username: 'bobby', password: PASSWORD, auth: {...auth}}});
	t.is(again.status, 401);
	t.is(again.body['errcode'], 'M_UNAUTHORIZED');
});

test('a wrong, foreign or missing token leaves the flow open', async (t) => {
	const {app} = await startWithToken(t, 1);
	for (const token of ['wrong', 'x'.repeat(5_000), '', 5, undefined]) {
		const answer = await request<{session: string; errcode: string}>(app, 'POST', PATH, {
			body: {username: 'alice', password: PASSWORD, auth: {type: TYPE, token}},
		});
		t.is(answer.status, 401);
		t.is(answer.body.errcode, 'M_UNAUTHORIZED');
		t.is(typeof answer.body.session, 'string');
	}
	t.deepEqual(await call(app, 'GET', `${VALIDITY}wrong`), {valid: false});
	t.is((await request(app, 'GET', VALIDITY.split('?')[0] ?? '')).status, 400);
	const dummy = await request(app, 'POST', PATH, {body: {username: 'alice', auth: {type: 'm.login.dummy'}}});
	t.is(dummy.status, 401);
});

test('a taken name is told only to who holds a token', async (t) => {
	const {app, accounts, token} = await startWithToken(t, 2);
	await accounts.register({userId: accounts.checkNewName('alice'), password: PASSWORD});
	const answers = await Promise.all(
		['alice', 'bobby'].map((username) => request(app, 'POST', PATH, {body: {username, password: PASSWORD}})),
	);
	const faces = answers.map(({status, body}) => JSON.stringify([status, {...body, session: ''}]));
	t.is(faces[0], faces[1]);
	t.deepEqual(await call(app, 'GET', '/_matrix/client/v3/register/available?username=alice'), {available: true});
	t.deepEqual(await call(app, 'GET', '/_matrix/client/v3/register/available?username=bobby'), {available: true});
	const session = answers[0]?.body['session'];
	const auth = {type: TYPE, token, session};
	const taken = await request(app, 'POST', PATH, {body: {username: 'alice', password: PASSWORD, auth}});
	t.is(taken.status, 400);
	t.is(taken.body['errcode'], 'M_USER_IN_USE');
	// The completed stage stays completed: another name is all that is missing.
	const other = {username: 'carol', password: PASSWORD, auth: {session}};
	t.is((await request(app, 'POST', PATH, {body: other})).status, 200);
});

test('E13: a token for one use makes one account of 64 that want it at once', async (t) => {
	const {app, accounts, token} = await startWithToken(t, 1);
	const answers = await Promise.all(
		Array.from({length: 64}, (_, index) =>
			request(app, 'POST', PATH, {
				body: {username: `user${index}`, password: PASSWORD, auth: {type: TYPE, token}},
			}),
		),
	);
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.true(answers.every(({status}) => status === 200 || status === 401));
	let made = 0;
	for (let index = 0; index < 64; index += 1) {
		made += (await accounts.isNameTaken(accounts.checkNewName(`user${index}`))) ? 1 : 0;
	}
	t.is(made, 1);
});

test('a token ends with its time', async (t) => {
	const {app, token} = await startWithToken(t, null);
	app.advance(DAY_MS + 1_000);
	t.deepEqual(await call(app, 'GET', VALIDITY + token), {valid: false});
	const body = {username: 'alice', password: PASSWORD, auth: {type: TYPE, token}};
	t.is((await request(app, 'POST', PATH, {body})).status, 401);
});

test('guessing tokens is limited', async (t) => {
	const {app} = await startWithToken(t, 1, {rate_limits: 'default'});
	const statuses: number[] = [];
	for (let count = 0; count < 6; count += 1) {
		statuses.push((await request(app, 'GET', `${VALIDITY}guess${count}`)).status);
	}
	t.deepEqual(statuses, [200, 200, 200, 200, 200, 429]);
});

test('where no token lets anybody in, none is judged', async (t) => {
	for (const registration of ['closed', 'open']) {
		const app = await startApp(t, {config: {registration}});
		const answer = await request(app, 'GET', `${VALIDITY}anything`);
		t.is(answer.status, 403);
		t.is(answer.body['errcode'], 'M_FORBIDDEN');
	}
});
