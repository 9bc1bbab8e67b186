import {execFile} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {Secret, TOTP} from 'otpauth';
import {type App, call, login, passwordOf, register, request, startApp, until} from '../../harness/index.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');
const LOGIN = '/_matrix/client/v3/login';
const WHOAMI = '/_matrix/client/v3/account/whoami';

/** Runs a command beside the running server, on its database. */
function run(app: App, words: readonly string[], input = '') {
	const args = [PROGRAM, ...words, '--config', join(app.directory, 'homeserver.yaml')];
	return new Promise<{status: number | null; stdout: string; stderr: string}>((resolve) => {
		const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
			resolve({status: child.exitCode, stdout, stderr}),
		);
		child.stdin?.end(input);
	});
}

const canLogIn = async (app: App, user: string, password: string) =>
	(await request(app, 'POST', LOGIN, {body: {type: 'm.login.password', user, password}})).status === 200;

/** The server looks for changes of others twice a second. */
const untilUnknown = (app: App, token: string) =>
	until(async () => (await request(app, 'GET', WHOAMI, {token})).status === 401, 'the session to end');

test('an account is made beside the running server, with a password from standard input', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const made = await run(app, ['user', 'create', 'Alice', '--admin'], 'correct horse\n');
	t.deepEqual(made, {status: 0, stdout: 'Made @alice:news.example\n', stderr: ''});
	t.true(await canLogIn(app, 'alice', 'correct horse'));
	const {accounts} = app.application.services;
	t.like(await accounts.find(accounts.checkNewName('alice')), {isAdmin: true});
	t.is((await run(app, ['user', 'create', 'alice'], 'correct horse\n')).status, 1);
	t.regex((await run(app, ['user', 'create', 'a!'], 'correct horse\n')).stderr, /user name/);
	t.regex((await run(app, ['user', 'create', 'bobby'], 'short\n')).stderr, /at least 8/);
});

test('a password can be made by the program', async (t) => {
	const app = await startApp(t);
	const {stdout} = await run(app, ['user', 'create', 'alice', '--generate']);
	const password = /^Password: (\w{24})$/m.exec(stdout)?.[1] ?? '';
	t.true(await canLogIn(app, 'alice', password));
});

test('a reset password ends the sessions that the running server has in memory', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 200);
	t.is((await run(app, ['user', 'reset-password', '@alice:news.example'], 'another one\n')).status, 0);
	await untilUnknown(app, token);
	t.true(await canLogIn(app, 'alice', 'another one'));
	t.false(await canLogIn(app, 'alice', passwordOf('alice')));
	t.is((await run(app, ['user', 'reset-password', 'nobody'], 'another one\n')).status, 1);
});

test('sessions stay where that is asked for', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.is((await run(app, ['user', 'reset-password', 'alice', '--keep-sessions'], 'another one\n')).status, 0);
	t.deepEqual((await call(app, 'GET', WHOAMI, {token}))['user_id'], '@alice:news.example');
});

test('an account is deactivated beside the running server', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	await login(app, 'alice');
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 200);
	t.is((await run(app, ['user', 'deactivate', 'alice'])).status, 0);
	await untilUnknown(app, token);
	t.false(await canLogIn(app, 'alice', passwordOf('alice')));
	t.is((await run(app, ['user', 'deactivate', 'alice'])).status, 1);
	t.is((await run(app, ['user', 'reset-password', 'alice'], 'another one\n')).status, 1);
});

test('a token is made that lets somebody register', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const {status, stdout} = await run(app, ['token', 'create', 'desk', '--uses', '1', '--days', '1']);
	t.is(status, 0);
	const auth = {type: 'm.login.registration_token', token: stdout.trim()};
	const body = {username: 'alice', password: 'correct horse', auth};
	t.is((await request(app, 'POST', '/_matrix/client/v3/register', {body})).status, 200);
	t.is((await run(app, ['token', 'create', 'desk', '--uses', '-3'])).status, 2);
	t.is((await run(app, ['token', 'create', 'desk', '--uses', 'many'])).status, 1);
});

test('somebody who has lost their second factor signs in by the password again', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const {accounts, secondFactor} = app.application.services;
	const alice = accounts.checkNewName('alice');
	const {secret} = await secondFactor.beginTotp(alice);
	await secondFactor.confirmTotp(alice, new TOTP({secret: Secret.fromBase32(secret)}).generate(), 'test');
	t.false(await canLogIn(app, 'alice', passwordOf('alice')));
	t.is((await run(app, ['user', 'remove-factors', 'nobody'])).status, 1);
	t.is((await run(app, ['user', 'remove-factors', 'alice'])).status, 0);
	t.true(await canLogIn(app, 'alice', passwordOf('alice')));
});

test('whoever keeps the server vouches for somebody without a second factor by a code, and that is written down', async (t) => {
	const app = await startApp(t);
	await register(app, 'alice');
	const {accounts, audit, secondFactor} = app.application.services;
	const alice = accounts.checkNewName('alice');
	t.is((await run(app, ['user', 'factor-code', 'nobody'])).status, 1);
	const {status, stdout} = await run(app, ['user', 'factor-code', 'alice']);
	t.is(status, 0);
	const code = /^Code: ([0-9A-Z-]{19})\n$/u.exec(stdout)?.[1] ?? '';
	t.is(await secondFactor.proveCode({userId: alice, code, source: 'test', isKnown: false}), 'recovery-code');
	const [entry] = await audit.list({limit: 1});
	t.like(entry, {who: 'console', act: 'create-factor-code', whom: alice});
	t.false(JSON.stringify(entry).includes(code));
	const {secret} = await secondFactor.beginTotp(alice);
	await secondFactor.confirmTotp(alice, new TOTP({secret: Secret.fromBase32(secret)}).generate(), 'test');
	const refused = await run(app, ['user', 'factor-code', 'alice']);
	t.is(refused.status, 1);
	t.regex(refused.stderr, /has a second factor/u);
});
