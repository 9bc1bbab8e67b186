/** What was shown once, and what was given for it, when what it rested on is gone. */
import test from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {
	call,
	linkIn,
	login,
	passwordOf,
	register,
	request,
	signInOnPage,
	startApp,
	startMailServer,
	Visitor,
} from '../../../harness/index.ts';
import {addAdministrator, ask as askAsAdministrator} from '../admin/administrator.ts';
import {ask, postForm, postToken, registerClient} from '../oauth/client.ts';
import {type Desk, givePassword, openDesk, signIn} from '../pages/factor-pages.ts';

const isIn = async (visitor: Visitor): Promise<boolean> => (await visitor.open('/account')).status === 200;
const tokenOf = (visitor: Visitor): string | undefined => [...visitor.cookies.values()][0];

/** What an owner does, or has done, while a thief has shown all that was asked for and goes on with it a minute later. */
const acts: Readonly<Record<string, (desk: Desk) => Promise<unknown>>> = {
	'another password': ({app, alice}) =>
		app.application.services.accounts.changePassword(alice.user_id as UserId, 'another-Zq7!', {
			endsOtherSessions: false,
		}),
	async 'a password that an administrator sets'({app, alice}) {
		const body = {new_password: 'another-Zq7!', logout_devices: false};
		const path = `/v1/reset_password/${encodeURIComponent(alice.user_id)}`;
		return askAsAdministrator(app, await addAdministrator(app), ['POST', path, body]);
	},
	async 'a code generator that is another one'({app, alice, addGenerator}) {
		await app.application.services.secondFactor.removeTotp(alice.user_id as UserId);
		return addGenerator();
	},
	'new recovery codes': ({app, alice}) =>
		app.application.services.secondFactor.renewRecoveryCodes(alice.user_id as UserId),
	nothing: async () => undefined,
};

for (const [act, change] of Object.entries(acts)) {
	test(`after ${act} what was shown for a client’s request before counts${act === 'nothing' ? '' : ' no more'}`, async (t) => {
		const desk = await openDesk(t);
		const {app, alice, addGenerator} = desk;
		const {access_token: token} = await login(app, 'alice');
		await addGenerator();
		const [code = ''] = await app.application.services.secondFactor.renewRecoveryCodes(alice.user_id as UserId);
		const path = `/_matrix/client/v3/devices/${alice.device_id}`;
		const {session} = (await request<{session: string}>(app, 'DELETE', path, {token, body: {}})).body;
		const shown = {
			'm.login.password': {user: 'alice', password: passwordOf('alice')},
			'org.broadsheet.login.second_factor': {code},
		};
		for (const [stage, fields] of Object.entries(shown)) {
			const page = `/_matrix/client/v3/auth/${stage}/fallback/web?session=${encodeURIComponent(session)}`;
			t.is((await new Visitor(app).send(page, fields)).status, 200, stage);
		}
		await change(desk);
		const {status, body} = await request(app, 'DELETE', path, {token, body: {auth: {session}}});
		t.is(status, act === 'nothing' ? 200 : 401);
		t.is(body['completed'], undefined);
		const {status: own} = await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: alice.access_token});
		t.is(own, act === 'nothing' ? 401 : 200, 'the device that was to be removed');
	});
}

test('a thief’s browser is signed out when its owner removes what it signed in by, and their own stays', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	const {secondFactor} = app.application.services;
	const show = await addGenerator();
	const pages: readonly (readonly [string, Record<string, string>])[] = [
		['/account/recovery-codes', {}],
		['/account/totp', {action: 'remove'}],
	];
	const [first = '', second = ''] = await secondFactor.renewRecoveryCodes(alice.user_id as UserId);
	const owner = await signIn(app, show());
	const codes = [first, second];
	for (const [path, fields] of pages) {
		const code = path === '/account/totp' ? show(1) : (codes.shift() ?? '');
		const thief = await signIn(app, code);
		t.true(await isIn(thief));
		await owner.open(path);
		t.is((await owner.submit(path, fields)).status, 200, path);
		t.false(await isIn(thief), path);
		t.is((await owner.open(path)).status, 200, path);
	}
});

test('a proof that is given in a browser which was signed out meanwhile brings back nothing that was shown there', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	await addGenerator();
	const {visitor} = await givePassword(app);
	const {devices, webSessions} = app.application.services;
	const userId = alice.user_id as UserId;
	const known = await webSessions.find(tokenOf(visitor));
	t.is(known.userId, userId);
	await devices.endAll(userId);
	// The request was let in before, and comes to its end after.
	const proven = await webSessions.prove(known, userId, 'totp');
	t.false(proven.isSignedIn);
	t.deepEqual(proven.missing, ['password', 'upstream', 'passkey', 'source-link']);
});

test('of two who give a proof in the same browser at once, one goes on with what was shown there', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	await addGenerator();
	const {visitor} = await givePassword(app);
	const {webSessions} = app.application.services;
	const known = await webSessions.find(tokenOf(visitor));
	const proven = await Promise.all([1, 2, 3].map(() => webSessions.prove(known, alice.user_id as UserId, 'totp')));
	t.is(proven.filter(({isSignedIn}) => isSignedIn).length, 1);
});

test('who signs in by their last recovery code can set up a factor anew', async (t) => {
	const {app, alice, addGenerator} = await openDesk(t);
	const {secondFactor} = app.application.services;
	await addGenerator();
	const codes = await secondFactor.renewRecoveryCodes(alice.user_id as UserId);
	for (const code of codes.slice(1)) {
		await secondFactor.proveCode({userId: alice.user_id as UserId, code, source: 'test', isKnown: false});
	}
	const owner = await signIn(app, codes[0] ?? '');
	t.is((await owner.open('/account/totp')).status, 200);
	t.is((await owner.submit('/account/totp', {action: 'remove'})).status, 200);
});

test('somebody has a hundred browsers at a time: those that would end first are signed out', async (t) => {
	const app = await startApp(t);
	const {user_id: userId} = await register(app, 'alice');
	const {webSessions} = app.application.services;
	const open = async () => webSessions.prove(await webSessions.find(undefined), userId as UserId, 'password');
	const first = await open();
	app.advance(1000);
	for (let count = 1; count <= 100; count += 1) await open();
	t.is((await app.application.storage.webSessions.listOfUser(userId as UserId)).length, 100);
	t.false((await webSessions.find(first.newToken)).isSignedIn);
});

test('stolen recovery link: it ends with the next password, and so does the link of a thief’s own address', async (t) => {
	const mail = await startMailServer(t);
	const {app, alice} = await openDesk(t, {smtp: mail.smtp});
	const userId = alice.user_id as UserId;
	const {accounts, addresses} = app.application.services;
	const batch = app.application.storage.batch();
	const address = {address: 'alice@mail.example', canonical: 'alice@mail.example', language: 'en', addedDay: 1};
	app.application.storage.mailAddresses.set(batch, {userId, ...address});
	await app.application.storage.commit(batch);
	await addresses.requestFor(userId, 'thief@mail.example', 'en');
	const asker = new Visitor(app);
	await asker.open('/account/recover');
	await asker.submit('/account/recover', {name: 'alice'});
	const links = [
		linkIn(await mail.take('thief@mail.example')),
		linkIn(await mail.take('alice@mail.example', /A new password/u)),
	];
	const paths = links.map((link) => new URL(link, 'https://nowhere.example').pathname);
	const thief = new Visitor(app);
	for (const path of paths) t.is((await thief.open(path)).status, 200, 'before');
	await accounts.changePassword(userId, `${passwordOf('alice')} anew`, {endsOtherSessions: false});
	for (const path of paths) {
		t.is((await thief.open(path)).status, 404, 'after');
		t.not((await thief.submit(path, {name: 'alice'})).status, 200);
	}
	t.is((await addresses.find(userId))?.address, 'alice@mail.example');
});

test('who is signed out everywhere has no client let in by what was agreed to there, nor by what is on its way', async (t) => {
	for (const way of ['a client', 'the pages'] as const) {
		const app = await startApp(t);
		const {access_token: token, user_id: userId} = await register(app, 'alice');
		const owner = await signInOnPage(app, 'alice', passwordOf('alice'));
		const thief = await signInOnPage(app, 'alice', passwordOf('alice'));
		const {oauth, webSessions} = app.application.services;
		const session = await webSessions.find(tokenOf(thief));
		const clientId = await registerClient(app);
		const scope = 'urn:matrix:client:api:* urn:matrix:client:device:TELEVISION';
		const askDevice = async () =>
			(await postForm(app, '/oauth2/device', {client_id: clientId, scope})).body as Record<
				'device_code' | 'user_code',
				string
			>;
		const decision = {userId: userId as UserId, isApproved: true, webSessionHash: session.tokenHash};
		const agreed = await askDevice();
		await oauth.decideDevice(agreed.user_code, decision);
		const onItsWay = await askDevice();
		// Nobody is signed in by a client any more, so that only what was agreed to is left.
		await call(app, 'POST', '/_matrix/client/v3/logout', {token});
		if (way === 'a client') {
			const {access_token: other} = await login(app, 'alice');
			await call(app, 'POST', '/_matrix/client/v3/logout/all', {token: other});
		} else {
			await owner.open('/account/sessions');
			await owner.submit('/account/sessions', {action: 'all'});
		}
		t.false(await isIn(thief), way);
		t.is(await isIn(owner), way === 'the pages');
		await t.throwsAsync(oauth.decideDevice(onItsWay.user_code, decision), {message: /signed out/u});
		const {search} = ask(clientId);
		await t.throwsAsync(oauth.decide(search, decision), {message: /signed out/u});
		for (const {device_code: code} of [agreed, onItsWay]) {
			const grant = {
				grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
				client_id: clientId,
				device_code: code,
			};
			t.is((await postToken(app, grant)).status, 400, way);
		}
	}
});
