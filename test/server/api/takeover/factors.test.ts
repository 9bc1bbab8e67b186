/** What who knows a password, and more, gets of an account with a second factor. */
import test from 'ava';
import {Secret, TOTP} from 'otpauth';
import {PasswordHasher, type UserId} from '../../../../crypto/index.ts';
import {passwordOf, register, request, startApp, until, Visitor} from '../../../harness/index.ts';
import {givePassword, openDesk, SECOND_STEP, signIn} from '../pages/factor-pages.ts';

const LOGIN = '/_matrix/client/v3/login';
const WHOAMI = '/_matrix/client/v3/account/whoami';

/** Counts how often a password is checked. */
class CountingHasher extends PasswordHasher {
	checks = 0;

	override verify(password: string, stored: string | undefined): Promise<boolean> {
		this.checks += 1;
		return super.verify(password, stored);
	}
}

const passwordLogin = (user: string, password: string) => ({
	type: 'm.login.password',
	identifier: {type: 'm.id.user', user},
	password,
});

test('password known: the old login hashes once and tells nothing, whoever it is and whether it is right', async (t) => {
	const passwords = new CountingHasher({cost: {memoryKib: 8, passes: 1, lanes: 1}, permits: 8, waitingMax: 100});
	const app = await startApp(t, {passwords});
	const alice = await register(app, 'alice');
	const {secondFactor} = app.application.services;
	const {secret} = await secondFactor.beginTotp(alice.user_id as UserId);
	const code = new TOTP({secret: Secret.fromBase32(secret)}).generate();
	await secondFactor.confirmTotp(alice.user_id as UserId, code, 'test');
	const faces = new Set<string>();
	for (const [user, password] of [
		['alice', passwordOf('alice')],
		['alice', 'wrong password'],
		['nobody', 'wrong password'],
	] as const) {
		const before = passwords.checks;
		const {status, text} = await request(app, 'POST', LOGIN, {body: passwordLogin(user, password)});
		t.is(passwords.checks, before + 1);
		faces.add(`${status} ${text}`);
	}
	t.is(faces.size, 1);
});

test('password known: no page of the account is shown, no form of one taken, and no client let in', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	await addGenerator();
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	const forms: readonly (readonly [string, Record<string, string>])[] = [
		['/account/password', {password: 'of-a-thief-Zq7!', repeated: 'of-a-thief-Zq7!'}],
		['/account/totp', {action: 'remove'}],
		['/account/totp', {action: 'begin'}],
		['/account/totp/confirm', {code: '000000'}],
		['/account/passkeys', {action: 'remove', credential: 'x'}],
		['/account/passkeys/add', {name: 'mine', passkey: '{}'}],
		['/account/recovery-codes', {}],
		['/account/sessions', {action: 'all'}],
		['/account/data', {}],
		['/account/deactivate', {user_id: alice.user_id}],
		['/account/to-client?redirectUrl=https%3A%2F%2Fclient.example%2F', {}],
	];
	for (const [path, fields] of forms) {
		const {status, to} = await visitor.submit(path, fields);
		t.is(status, 303, path);
		t.regex(to, /^\/account\/sign-in\?/u, path);
	}
	t.is((await request(app, 'GET', WHOAMI, {token: alice.access_token})).status, 200);
});

test('password and cookie stolen: codes are guessed no faster by giving the password again', async (t) => {
	const {app, advance, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const visitor = await signIn(app, show());
	advance(10 * 60 * 1000);
	const statuses: number[] = [];
	await until(async () => {
		await visitor.open(SECOND_STEP);
		statuses.push((await visitor.submit(SECOND_STEP, {code: '000000'})).status);
		await visitor.open('/account');
		await visitor.submit('/account/sign-in', {username: 'alice', password: passwordOf('alice')});
		return statuses.at(-1) === 429;
	}, 'a try that has to wait');
	t.true(statuses.slice(0, -1).every((status) => status === 403));
});

test('swapped proofs: what one person has proven counts for nobody else in the same browser', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const bob = await register(app, 'bobby');
	await addGenerator(bob.user_id);
	const visitor = await signIn(app, show());
	await visitor.open('/account/password');
	// The password of another person, in the browser in which somebody has shown a code.
	const sent = {username: 'bobby', password: passwordOf('bobby')};
	t.is((await visitor.submit('/account/sign-in', sent)).to, SECOND_STEP);
	t.regex((await visitor.open('/account')).to, /sign-in/u);
	await visitor.open(SECOND_STEP);
	t.is((await visitor.submit(SECOND_STEP, {code: show(1)})).status, 403);
});

test('a code in the place of a password, and a password in the place of a code, are neither', async (t) => {
	const {app, addGenerator} = await openDesk(t);
	const show = await addGenerator();
	const visitor = new Visitor(app);
	await visitor.open('/account/sign-in');
	t.is((await visitor.submit('/account/sign-in', {username: 'alice', password: show()})).status, 403);
	const {visitor: other} = await givePassword(app);
	await other.open(SECOND_STEP);
	t.is((await other.submit(SECOND_STEP, {code: passwordOf('alice')})).status, 403);
});
