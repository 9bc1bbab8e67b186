/** Two applications on one PostgreSQL: what one ends is ended for the other before its next request. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	findPostgres,
	login,
	passwordOf,
	PostgresServer,
	register,
	request,
	startApp,
} from '../../harness/index.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

const WHOAMI = '/_matrix/client/v3/account/whoami';

async function startPair(t: ExecutionContext): Promise<[App, App]> {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const config = {database: await server.createDatabase('accounts')};
	return [await startApp(t, {config}), await startApp(t, {config})];
}

const statusOf = async (app: App, token: string) => (await request(app, 'GET', WHOAMI, {token})).status;

onPostgres('a session that one process ends is unknown to the other at once', async (t) => {
	const [one, two] = await startPair(t);
	const mine = await register(one, 'alice');
	const other = await login(two, 'alice');
	for (const app of [one, two]) {
		t.is(await statusOf(app, mine.access_token), 200);
		t.is(await statusOf(app, other.access_token), 200);
	}
	await call(one, 'POST', '/_matrix/client/v3/logout', {token: other.access_token});
	t.is(await statusOf(two, other.access_token), 401);
	t.is(await statusOf(two, mine.access_token), 200);
	const auth = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};
	await call(two, 'POST', '/_matrix/client/v3/account/deactivate', {token: mine.access_token, body: {auth}});
	t.is(await statusOf(one, mine.access_token), 401);
});

onPostgres('what was shown at one process counts no more once the password was changed at the other', async (t) => {
	const [one, two] = await startPair(t);
	const {user_id: userId, device_id: id} = await register(one, 'alice');
	const {access_token: token} = await login(two, 'alice');
	const path = `/_matrix/client/v3/devices/${id}`;
	const {session} = (await request<{session: string}>(two, 'DELETE', path, {token, body: {}})).body;
	const page = `/_matrix/client/v3/auth/m.login.password/fallback/web?session=${encodeURIComponent(session)}`;
	const body = new URLSearchParams({user: 'alice', password: passwordOf('alice')});
	t.is((await fetch(two.url + page, {method: 'POST', body})).status, 200);
	const {accounts} = one.application.services;
	await accounts.changePassword(userId as UserId, 'another-Zq7!', {endsOtherSessions: false});
	t.is((await request(two, 'DELETE', path, {token, body: {auth: {session}}})).status, 401);
});

onPostgres('of registrations of one name, and uses of one token, at two processes at once, one succeeds', async (t) => {
	const [one, two] = await startPair(t);
	const apps = Array.from({length: 32}, (_, index) => (index % 2 === 0 ? one : two));
	const body = {username: 'alice', password: 'correct horse', auth: {type: 'm.login.dummy'}};
	const answers = await Promise.all(apps.map((app) => request(app, 'POST', '/_matrix/client/v3/register', {body})));
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.true(answers.every(({status, body: {errcode}}) => status === 200 || errcode === 'M_USER_IN_USE'));
	const {accounts} = one.application.services;
	const token = await accounts.createRegistrationToken({
		name: 'desk',
		usesAllowed: 1,
		expiresTs: null,
		makesAdmin: false,
	});
	const registrationTokenHash = await accounts.findRegistrationToken(token);
	const outcomes = await Promise.allSettled(
		apps.map((app, index) => {
			const userId = accounts.checkNewName(`user${index}`);
			return app.application.services.accounts.register({userId, password: 'correct horse', registrationTokenHash});
		}),
	);
	t.is(outcomes.filter(({status}) => status === 'fulfilled').length, 1);
});
