import test from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {UserId} from '../../../../crypto/index.ts';
import {type App, call, passwordOf, register, request, type Session, startApp, until} from '../../../harness/index.ts';

const LOGIN = '/_matrix/client/v3/login';
const STAGE = 'org.broadsheet.login.second_factor';

interface Generator {
	/** What the telephone shows, so many steps from now. */
	readonly show: (steps?: number) => string;
}

async function addGenerator({application}: App, userId: string): Promise<Generator> {
	const {secondFactor} = application.services;
	const {secret} = await secondFactor.beginTotp(userId as UserId);
	const totp = new TOTP({secret: Secret.fromBase32(secret)});
	const show = (steps = 0) => totp.generate({timestamp: Date.now() + steps * 30_000});
	await secondFactor.confirmTotp(userId as UserId, show(-1), 'test');
	return {show};
}

const passwordLogin = (username: string, password: string) => ({
	type: 'm.login.password',
	identifier: {type: 'm.id.user', user: username},
	password,
});

test('the right password of who has a factor is answered as a wrong one, and as one of nobody', async (t) => {
	const app = await startApp(t);
	const {user_id} = await register(app, 'alice');
	await register(app, 'bobby');
	await addGenerator(app, user_id);
	const answers = await Promise.all(
		[
			passwordLogin('alice', passwordOf('alice')),
			passwordLogin('alice', 'wrong password'),
			passwordLogin('bobby', 'wrong password'),
			passwordLogin('nobody', 'wrong password'),
		].map((body) => request(app, 'POST', LOGIN, {body})),
	);
	const faces = answers.map(({status, text, headers}) =>
		JSON.stringify([status, text, [...headers].filter(([name]) => name !== 'date')]),
	);
	t.is(new Set(faces).size, 1);
	t.is(answers[0]?.status, 403);
	t.regex(answers[0]?.text ?? '', /in the browser/u);
	t.is((await request(app, 'POST', LOGIN, {body: passwordLogin('bobby', passwordOf('bobby'))})).status, 200);
});

for (const [policy, isAdmin, status] of [
	['optional', true, 200],
	['administrators', true, 403],
	['administrators', false, 200],
	['everybody', false, 403],
] as const) {
	test(`with second_factor ${policy} a password of ${isAdmin ? 'an administrator' : 'somebody'} gives ${status}`, async (t) => {
		const app = await startApp(t, {config: {second_factor: policy}});
		const {accounts} = app.application.services;
		await accounts.register({userId: accounts.checkNewName('carol'), password: 'pw-carol-Zq7!', isAdmin});
		const answer = await request(app, 'POST', LOGIN, {body: passwordLogin('carol', 'pw-carol-Zq7!')});
		t.is(answer.status, status);
	});
}

interface Challenge {
	readonly session: string;
	readonly flows: readonly {readonly stages: readonly string[]}[];
	readonly completed?: readonly string[];
}

const dangerous = (device: string): readonly (readonly [string, string, object])[] => [
	['POST', '/_matrix/client/v3/account/password', {new_password: 'another-Zq7!', logout_devices: true}],
	['POST', '/_matrix/client/v3/account/deactivate', {erase: true}],
	['POST', '/_matrix/client/v3/delete_devices', {devices: [device]}],
	['DELETE', `/_matrix/client/v3/devices/${device}`, {}],
	['POST', '/_matrix/client/v1/login/get_token', {}],
];

test('who stole password and access token changes nothing of an account with a factor', async (t) => {
	const app = await startApp(t);
	const {user_id, access_token: token, device_id} = await register(app, 'alice');
	await addGenerator(app, user_id);
	for (const [method, path, body] of dangerous(device_id)) {
		const auth = passwordLogin('alice', passwordOf('alice'));
		const answer = await request<Challenge>(app, method, path, {token, body: {...body, auth}});
		t.is(answer.status, 401, path);
		t.deepEqual(answer.body.flows, [{stages: ['m.login.password', STAGE]}]);
		t.deepEqual(answer.body.completed, ['m.login.password']);
		const {session} = answer.body;
		for (const further of [{type: STAGE}, {type: STAGE, code: '000000'}, {type: 'm.login.dummy'}, {}]) {
			const again = await request(app, method, path, {token, body: {...body, auth: {...further, session}}});
			t.is(again.status, 401, path);
		}
	}
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token})).status, 200);
});

async function changePassword(app: App, {access_token: token}: Session, code: string): Promise<number> {
	const path = '/_matrix/client/v3/account/password';
	const body = {new_password: passwordOf('another'), logout_devices: false};
	const first = await request<Challenge>(app, 'POST', path, {
		token,
		body: {...body, auth: passwordLogin('alice', passwordOf('alice'))},
	});
	const auth = {type: STAGE, session: first.body.session, code};
	return (await request(app, 'POST', path, {token, body: {...body, auth}})).status;
}

test('by password and code an account with a factor changes its password', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	const {show} = await addGenerator(app, session.user_id);
	t.is(await changePassword(app, session, show()), 200);
});

test('by password and recovery code too', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	await addGenerator(app, session.user_id);
	const [code = ''] = await app.application.services.secondFactor.renewRecoveryCodes(session.user_id as UserId);
	t.is(await changePassword(app, session, code), 200);
});

test("another account's code completes nothing", async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	await addGenerator(app, alice.user_id);
	const {show} = await addGenerator(app, bob.user_id);
	t.is(await changePassword(app, alice, show()), 401);
});

test('a session that was opened before there was a factor is worth nothing after it', async (t) => {
	const app = await startApp(t);
	const {user_id, access_token: token, device_id} = await register(app, 'alice');
	const path = `/_matrix/client/v3/devices/${device_id}`;
	const {session} = (await request<Challenge>(app, 'DELETE', path, {token, body: {}})).body;
	await addGenerator(app, user_id);
	const auth = {...passwordLogin('alice', passwordOf('alice')), session};
	t.is((await request(app, 'DELETE', path, {token, body: {auth}})).status, 401);
});

test('a session that somebody had before they set up a factor goes on', async (t) => {
	const app = await startApp(t);
	const {user_id, access_token: token} = await register(app, 'alice');
	await addGenerator(app, user_id);
	await call(app, 'GET', '/_matrix/client/v3/account/whoami', {token});
	t.pass();
});

test('too many codes are answered by how long to wait', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	await addGenerator(app, session.user_id);
	const statuses: number[] = [];
	await until(async () => {
		statuses.push(await changePassword(app, session, '000000'));
		return statuses.at(-1) === 429;
	}, 'a try that has to wait');
	t.true(statuses.slice(0, -1).every((status) => status === 401));
	t.true(statuses.length > 4);
});
