import test from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {type App, call, login, passwordOf, register, request, type Session, startApp} from '../../../harness/index.ts';

const lockPath = (userId: string) => `/_matrix/client/v1/admin/lock/${encodeURIComponent(userId)}`;
const suspendPath = (userId: string) => `/_matrix/client/v1/admin/suspend/${encodeURIComponent(userId)}`;
const whoisPath = (userId: string) => `/_matrix/client/v3/admin/whois/${encodeURIComponent(userId)}`;
const NOBODY = '@nobody:news.example';

async function addAdmin(app: App): Promise<Session> {
	await app.application.services.accounts.register({
		userId: '@root:news.example' as never,
		password: passwordOf('root'),
		isAdmin: true,
	});
	return login(app, 'root');
}

test('a locked account can sign out and nothing else, until it is unlocked', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await addAdmin(app);
	const bob = await register(app, 'bob');
	const second = await login(app, 'bob');
	t.deepEqual(await call(app, 'GET', lockPath(bob.user_id), {token}), {locked: false});
	t.deepEqual(await call(app, 'PUT', lockPath(bob.user_id), {token, body: {locked: true}}), {locked: true});
	t.deepEqual(await call(app, 'GET', lockPath(bob.user_id), {token}), {locked: true});
	const refused = await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: bob.access_token});
	t.is(refused.status, 401);
	t.like(refused.body, {errcode: 'M_USER_LOCKED', soft_logout: true});
	t.deepEqual(await call(app, 'POST', '/_matrix/client/v3/logout', {token: second.access_token, body: {}}), {});
	await call(app, 'PUT', lockPath(bob.user_id), {token, body: {locked: false}});
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: bob.access_token})).status, 200);
});

test('a suspended account reads and leaves, and says nothing', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await addAdmin(app);
	const bob = await register(app, 'bob');
	const own = {token: bob.access_token};
	const room = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {...own, body: {}});
	const at = `/_matrix/client/v3/rooms/${encodeURIComponent(room.room_id)}`;
	t.deepEqual(await call(app, 'PUT', suspendPath(bob.user_id), {token, body: {suspended: true}}), {suspended: true});
	t.deepEqual(await call(app, 'GET', suspendPath(bob.user_id), {token}), {suspended: true});
	const writes = [
		['PUT', `${at}/send/m.room.message/1`, {body: 'x'}],
		['PUT', `${at}/state/m.room.topic/`, {topic: 'x'}],
		['POST', `${at}/invite`, {user_id: NOBODY}],
		['POST', '/_matrix/client/v3/createRoom', {}],
		['POST', '/_matrix/client/v3/join/!x:news.example', {}],
		['POST', '/_matrix/client/v3/knock/!x:news.example', {}],
		['PUT', `/_matrix/client/v3/profile/${encodeURIComponent(bob.user_id)}/displayname`, {displayname: 'x'}],
	] as const;
	for (const [method, path, body] of writes) {
		const answer = await request(app, method, path, {...own, body});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_USER_SUSPENDED'], path);
	}
	t.is((await request(app, 'GET', `${at}/messages?dir=b`, own)).status, 200);
	t.is((await request(app, 'POST', `${at}/leave`, {...own, body: {}})).status, 200);
	await call(app, 'PUT', suspendPath(bob.user_id), {token, body: {suspended: false}});
	t.is((await request(app, 'POST', '/_matrix/client/v3/createRoom', {...own, body: {}})).status, 200);
});

test('who is no administrator learns nothing of who exists', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	await register(app, 'bob');
	const answers: string[] = [];
	for (const userId of ['@bob:news.example', NOBODY]) {
		for (const [method, path, body] of [
			['GET', lockPath(userId), undefined],
			['PUT', lockPath(userId), {locked: true}],
			['GET', suspendPath(userId), undefined],
			['PUT', suspendPath(userId), {suspended: true}],
			['GET', whoisPath(userId), undefined],
		] as const) {
			const answer = await request(app, method, path, {token: alice.access_token, body});
			t.is(answer.status, 403);
			answers.push(answer.text);
			t.is((await request(app, method, path, {body})).status, 401);
		}
	}
	t.deepEqual(answers.slice(0, 5), answers.slice(5));
});

test('administrators are told of names that are none, and are themselves not locked', async (t) => {
	const app = await startApp(t);
	const {access_token: token, user_id: root} = await addAdmin(app);
	for (const path of [lockPath, suspendPath]) {
		const body = {locked: true, suspended: true};
		t.is((await request(app, 'GET', path(NOBODY), {token})).status, 404);
		t.is((await request(app, 'PUT', path(NOBODY), {token, body})).status, 404);
		t.is((await request(app, 'PUT', path('@bob:elsewhere.example'), {token, body})).body['errcode'], 'M_INVALID_PARAM');
		t.is((await request(app, 'PUT', path(root), {token, body})).body['errcode'], 'M_FORBIDDEN');
		t.is((await request(app, 'PUT', path(NOBODY), {token, body: {}})).status, 400);
	}
	t.is((await request(app, 'GET', whoisPath(NOBODY), {token})).status, 404);
});

test('an administrator is told of no other one whether they are locked or suspended, and of themselves', async (t) => {
	const app = await startApp(t);
	const {access_token: token, user_id: root} = await addAdmin(app);
	const bob = await register(app, 'bob');
	const {storage} = app.application;
	const batch = storage.batch();
	// An account that was locked by other means before it became an administrator's.
	storage.accounts.setStates(batch, bob.user_id as UserId, {isAdmin: true, isLocked: true, isSuspended: true});
	await storage.commit(batch);
	for (const path of [lockPath, suspendPath]) {
		const refused = await request(app, 'GET', path(bob.user_id), {token});
		t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_FORBIDDEN']);
		t.is((await request(app, 'GET', path(root), {token})).status, 200);
	}
});

test('administrators are told what they may; people see their own sessions, and they everybody’s, without addresses', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await addAdmin(app);
	const bob = await register(app, 'bob');
	const {capabilities} = await call<{capabilities: object}>(app, 'GET', '/_matrix/client/v3/capabilities', {token});
	t.like(capabilities, {'m.account_moderation': {suspend: true, lock: true}});
	const expected = {user_id: bob.user_id, devices: {[bob.device_id]: {sessions: [{connections: []}]}}};
	t.deepEqual(await call(app, 'GET', whoisPath(bob.user_id), {token: bob.access_token}), expected);
	t.deepEqual(await call(app, 'GET', whoisPath(bob.user_id), {token}), expected);
});
