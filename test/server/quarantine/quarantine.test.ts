import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	approveWaiting,
	call,
	createTestDevice,
	login,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
} from '../../harness/index.ts';
import {ask, consentOnPage, exchange, refresh, registerClient, whoami} from '../api/oauth/client.ts';

const config = {quarantine: true, server_notices: {enabled: true}};
const SYNC = '/_matrix/client/v3/sync';
const SLIDING = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

interface SyncAnswer {
	readonly next_batch: string;
	readonly rooms?: {readonly join?: Record<string, {timeline: {events: {content: {body?: string}}[]}}>};
}

/** Alice, who is in a room, and a session of hers that waits. */
async function startWaiting(t: ExecutionContext) {
	const app = await startApp(t, {config});
	const phone = await register(app, 'alice');
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: phone.access_token,
		body: {},
	});
	const thief = await login(app, 'alice');
	return {app, phone, roomId, thief};
}

const sync = (app: App, {access_token: token}: Session, query = '') =>
	call<SyncAnswer>(app, 'GET', `${SYNC}${query}`, {token});

test('a new session sees an empty sync, of both kinds, until it is approved', async (t) => {
	const {app, thief, roomId} = await startWaiting(t);
	const empty = await sync(app, thief);
	t.deepEqual(Object.keys(empty).toSorted(), [
		'device_one_time_keys_count',
		'device_unused_fallback_key_types',
		'next_batch',
	]);
	t.deepEqual(Object.keys(await sync(app, thief, `?since=${empty.next_batch}`)), Object.keys(empty));
	const token = thief.access_token;
	const body = {lists: {all: {ranges: [[0, 9]], timeline_limit: 1, required_state: []}}};
	const sliding = await call<{pos: string; rooms: object}>(app, 'POST', SLIDING, {token, body});
	t.deepEqual(sliding, {pos: empty.next_batch, lists: {all: {count: 0, ops: []}}, rooms: {}, extensions: {}} as object);
	await approveWaiting(app, thief);
	t.truthy((await sync(app, thief, `?since=${empty.next_batch}`)).rooms?.join?.[roomId]);
	const seen = await call<{rooms: object}>(app, 'POST', `${SLIDING}?pos=${sliding.pos}`, {token, body});
	t.true(Object.hasOwn(seen.rooms, roomId));
});

test('an open sync is answered with everything as soon as its session is approved', async (t) => {
	const {app, thief, roomId} = await startWaiting(t);
	const waiting = sync(app, thief, '?timeout=60000');
	const body = {lists: {all: {ranges: [[0, 9]], timeline_limit: 1, required_state: []}}};
	const sliding = call<{rooms: object}>(app, 'POST', `${SLIDING}?timeout=60000`, {token: thief.access_token, body});
	await approveWaiting(app, thief);
	t.truthy((await waiting).rooms?.join?.[roomId]);
	t.true(Object.hasOwn((await sliding).rooms, roomId));
});

test('a session that signed in by OAuth sees an empty sync until it is approved, its token refreshed or not', async (t) => {
	const app = await startApp(t, {config});
	const phone = await register(app, 'alice');
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: phone.access_token,
		body: {},
	});
	const asked = ask(await registerClient(app));
	const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {status, body} = await exchange(app, asked, await consentOnPage(visitor, asked));
	t.is(status, 200);
	const waiting = {...(await whoami(app, body.access_token)), access_token: body.access_token};
	const empty = await sync(app, waiting);
	t.is(empty.rooms, undefined);
	const next = (await refresh(app, body.refresh_token, asked.clientId)).body;
	const refreshed = {...waiting, access_token: next.access_token};
	t.is((await sync(app, refreshed, `?since=${empty.next_batch}`)).rooms, undefined);
	const rooms = '/_matrix/client/v3/joined_rooms';
	t.is((await request(app, 'GET', rooms, {token: next.access_token})).status, 403);
	t.truthy((await sync(app, phone)).rooms?.join?.[roomId], 'the session that was there before waits for nobody');
	await approveWaiting(app, waiting);
	t.truthy((await sync(app, refreshed, `?since=${empty.next_batch}`)).rooms?.join?.[roomId]);
});

test('a session that waits can come up, publish its own keys and sign out, and no more', async (t) => {
	const {app, thief, phone, roomId} = await startWaiting(t);
	const token = thief.access_token;
	const user = thief.user_id;
	const device = createTestDevice(thief);
	const allowed: [string, string, object?][] = [
		['GET', '/account/whoami'],
		['GET', '/capabilities'],
		['GET', '/pushrules/'],
		['POST', `/user/${user}/filter`, {}],
		['POST', '/keys/upload', {device_keys: device.deviceKeys}],
		['GET', '/login'],
	];
	for (const [method, path, body] of allowed) {
		const answer = await request(app, method, `/_matrix/client/v3${path}`, {token, ...(body && {body})});
		t.is(answer.status, 200, path);
	}
	const refused: [string, string, object?][] = [
		['GET', '/joined_rooms'],
		['GET', `/rooms/${roomId}/state`],
		['GET', `/rooms/${roomId}/messages?dir=b`],
		['PUT', `/rooms/${roomId}/send/m.room.message/1`, {msgtype: 'm.text', body: 'x'}],
		['POST', `/rooms/${roomId}/leave`, {}],
		['GET', '/devices'],
		['GET', `/user/${user}/account_data/m.direct`],
		['POST', '/keys/query', {device_keys: {[user]: []}}],
		['POST', '/keys/claim', {one_time_keys: {}}],
		['POST', '/keys/device_signing/upload', {}],
		['GET', '/room_keys/version'],
		['GET', '/account/3pid'],
		['POST', '/account/password', {new_password: 'x'}],
		['POST', '/account/deactivate', {}],
		['POST', '/logout/all', {}],
		['POST', '/login/get_token', {}],
		['POST', '/createRoom', {}],
		['POST', '/search', {search_categories: {}}],
		['PUT', '/sendToDevice/m.test/1', {messages: {}}],
		['GET', '/pushers'],
		['GET', '/events?from=s1&timeout=0'],
		['POST', `/user/${user}/openid/request_token`, {}],
	];
	for (const [method, path, body] of refused) {
		const base = path === '/login/get_token' ? '/_matrix/client/v1' : '/_matrix/client/v3';
		const answer = await request(app, method, `${base}${path}`, {token, ...(body && {body})});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN'], path);
		t.regex(String(answer.body['error']), /approve it in another session/u);
	}
	await call(app, 'POST', '/_matrix/client/v3/logout', {token, body: {}});
	t.is((await request(app, 'GET', SYNC, {token})).status, 401);
	t.is((await request(app, 'GET', SYNC, {token: phone.access_token})).status, 200);
});

test('rules of notifications that are the person’s own are not shown to a session that waits', async (t) => {
	const {app, thief, phone} = await startWaiting(t);
	await call(app, 'PUT', '/_matrix/client/v3/pushrules/global/content/secret', {
		token: phone.access_token,
		body: {pattern: 'operation', actions: ['notify']},
	});
	const shown = await request(app, 'GET', '/_matrix/client/v3/pushrules/', {token: thief.access_token});
	t.false(shown.text.includes('operation'));
});

test('an administrator’s session that waits administers nothing', async (t) => {
	const {app, thief} = await startWaiting(t);
	const {storage} = app.application;
	const batch = storage.batch();
	storage.accounts.setStates(batch, thief.user_id as UserId, {isAdmin: true});
	batch.announce({kind: 'account', subject: thief.user_id});
	await storage.commit(batch);
	const path = `/_matrix/client/v1/admin/lock/${thief.user_id}`;
	const answer = await request(app, 'GET', path, {token: thief.access_token});
	t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN']);
});

test('the first session of an account sees everything, and so does the next once all others are gone', async (t) => {
	const app = await startApp(t, {config});
	const first = await register(app, 'alice');
	const path = '/_matrix/client/v3/joined_rooms';
	t.is((await request(app, 'GET', path, {token: first.access_token})).status, 200);
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: first.access_token, body: {}});
	const second = await login(app, 'alice');
	t.is((await request(app, 'GET', path, {token: second.access_token})).status, 200);
});

test('a session goes on waiting after a restart, and while the setting is off', async (t) => {
	const {app, thief} = await startWaiting(t);
	await app.application.stop();
	const again = await app.restart();
	t.is((await request(again, 'GET', '/_matrix/client/v3/joined_rooms', {token: thief.access_token})).status, 403);
	t.is((await again.application.services.quarantine.list(thief.user_id as UserId)).length, 1);
});

test('refreshing its token brings a session that waits no further', async (t) => {
	const app = await startApp(t, {config});
	await register(app, 'alice');
	const body = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: 'pw-alice-Zq7!',
		refresh_token: true,
	};
	const thief = await call<Session & {refresh_token: string}>(app, 'POST', '/_matrix/client/v3/login', {body});
	const next = await call<Session>(app, 'POST', '/_matrix/client/v3/refresh', {
		body: {refresh_token: thief.refresh_token},
	});
	t.is((await request(app, 'GET', '/_matrix/client/v3/joined_rooms', {token: next.access_token})).status, 403);
});

test('a session that is ended while it waits is answered and known no more', async (t) => {
	const {app, thief} = await startWaiting(t);
	const {quarantine} = app.application.services;
	const [row] = await quarantine.list(thief.user_id as UserId);
	const waiting = request(app, 'GET', `${SYNC}?timeout=60000`, {token: thief.access_token});
	await app.application.services.devices.remove(thief.user_id as UserId, [thief.device_id as never]);
	await waiting;
	t.is((await request(app, 'GET', SYNC, {token: thief.access_token})).status, 401);
	await t.throwsAsync(quarantine.approve(row!), {message: /No such session waits/u});
});

test('administrators see which sessions of somebody wait', async (t) => {
	const {app, thief, phone} = await startWaiting(t);
	const chief = await register(app, 'chief');
	const {storage} = app.application;
	const batch = storage.batch();
	storage.accounts.setStates(batch, chief.user_id as UserId, {isAdmin: true});
	batch.announce({kind: 'account', subject: chief.user_id});
	await storage.commit(batch);
	const path = `/_synapse/admin/v2/users/${thief.user_id}/devices`;
	const {devices} = await call<{devices: Record<string, unknown>[]}>(app, 'GET', path, {token: chief.access_token});
	const waits = new Map(devices.map((row) => [row['device_id'], row['org.broadsheet.waits_for_approval']]));
	t.is(waits.get(thief.device_id), true);
	t.is(waits.get(phone.device_id), undefined);
});
