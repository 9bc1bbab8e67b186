import test, {type ExecutionContext} from 'ava';
import type {JsonObject, UserId} from '../../../../crypto/index.ts';
import {
	type App,
	call,
	createCrossSigningKeys,
	createTestDevice,
	login,
	passwordOf,
	register,
	request,
	type Session,
	startApp,
	type TestDevice,
} from '../../../harness/index.ts';

const DEVICE = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';
const V3 = '/_matrix/client/v3';

interface Events {
	readonly events: readonly {readonly type: string; readonly sender: string; readonly content: JsonObject}[];
	readonly next_batch?: string;
}

async function start(t: ExecutionContext): Promise<{app: App; alice: Session}> {
	const app = await startApp(t);
	return {app, alice: await register(app, 'alice')};
}

const deviceOf = (owner: Session, deviceId: string): TestDevice => createTestDevice({...owner, device_id: deviceId});

const upload = (device: TestDevice, deviceId: string, having: JsonObject = {}): JsonObject => ({
	device_id: deviceId,
	device_data: {algorithm: 'org.matrix.msc3814.v1.olm', device_pickle: 'pickle'},
	initial_device_display_name: 'Dehydrated device',
	device_keys: device.deviceKeys,
	one_time_keys: device.oneTimeKeys('A', 'B'),
	fallback_keys: device.fallbackKeys('F'),
	...having,
});

const put = (app: App, {access_token: token}: Session, body: JsonObject) =>
	call<{device_id: string}>(app, 'PUT', DEVICE, {token, body});

const send = (app: App, {access_token: token}: Session, to: Session, deviceId: string, body: string) =>
	call(app, 'PUT', `${V3}/sendToDevice/m.test/${body}`, {
		token,
		body: {messages: {[to.user_id]: {[deviceId]: {body}}}},
	});

const listDevices = async (app: App, {access_token: token}: Session) =>
	(await call<{devices: {device_id: string; display_name?: string}[]}>(app, 'GET', `${V3}/devices`, {token})).devices;

const queryDevices = async (app: App, {access_token: token}: Session, of: Session) =>
	(
		await call<{device_keys: Record<string, Record<string, JsonObject>>}>(app, 'POST', `${V3}/keys/query`, {
			token,
			body: {device_keys: {[of.user_id]: []}},
		})
	).device_keys[of.user_id] ?? {};

async function claim(app: App, {access_token: token}: Session, of: Session, deviceId: string) {
	const body = {one_time_keys: {[of.user_id]: {[deviceId]: 'signed_curve25519'}}};
	const {one_time_keys: keys} = await call<{one_time_keys: Record<string, Record<string, JsonObject>>}>(
		app,
		'POST',
		`${V3}/keys/claim`,
		{token, body},
	);
	return keys[of.user_id]?.[deviceId];
}

test('a dehydrated device is given back as it came, and is a device like others', async (t) => {
	const {app, alice} = await start(t);
	const {access_token: token} = alice;
	const none = await request(app, 'GET', DEVICE, {token});
	t.deepEqual([none.status, none.body['errcode']], [404, 'M_NOT_FOUND']);
	const device = deviceOf(alice, 'DEHYDRATED');
	const body = upload(device, 'DEHYDRATED');
	t.deepEqual(await put(app, alice, body), {device_id: 'DEHYDRATED'});
	t.deepEqual(await call(app, 'GET', DEVICE, {token}), {device_id: 'DEHYDRATED', device_data: body['device_data']});
	const listed = (await listDevices(app, alice)).find(({device_id}) => device_id === 'DEHYDRATED');
	t.deepEqual(listed, {device_id: 'DEHYDRATED', display_name: 'Dehydrated device'});
	const keys = (await queryDevices(app, alice, alice))['DEHYDRATED'];
	t.deepEqual(keys, {...device.deviceKeys, unsigned: {device_display_name: 'Dehydrated device'}});
	for (const id of ['A', 'B']) t.deepEqual(await claim(app, alice, alice, 'DEHYDRATED'), device.oneTimeKeys(id));
	t.deepEqual(await claim(app, alice, alice, 'DEHYDRATED'), device.fallbackKeys('F'));
});

test('messages to it are listed in order, page by page, and stay for who begins anew', async (t) => {
	const {app, alice} = await start(t);
	const {access_token: token} = alice;
	await put(app, alice, upload(deviceOf(alice, 'DEHYDRATED'), 'DEHYDRATED'));
	const events = `${DEVICE}/DEHYDRATED/events`;
	t.deepEqual(await call(app, 'GET', events, {token}), {events: []});
	for (const body of ['one', 'two', 'three']) await send(app, alice, alice, body === 'two' ? '*' : 'DEHYDRATED', body);
	const all = ['one', 'two', 'three'].map((body) => ({type: 'm.test', sender: alice.user_id, content: {body}}));
	for (const attempt of ['first', 'second']) {
		const first = await call<Events>(app, 'GET', `${events}?limit=2`, {token});
		t.deepEqual(first.events, all.slice(0, 2), attempt);
		const second = await call<Events>(app, 'GET', `${events}?limit=2&from=${first.next_batch}`, {token});
		t.deepEqual(second, {events: all.slice(2)});
	}
	t.deepEqual(await call(app, 'GET', `${events}?limit=3`, {token}), {events: all}, 'nothing follows');
	const posted = await call<Events>(app, 'POST', events, {token, body: {}});
	t.deepEqual(posted.events, all);
	const after = await call<Events>(app, 'POST', events, {token, body: {next_batch: posted.next_batch}});
	t.deepEqual(after.events, []);
	t.is(typeof after.next_batch, 'string');
});

test('only its owner lists its messages, and only of the dehydrated device', async (t) => {
	const {app, alice} = await start(t);
	const bob = await register(app, 'bobby');
	await put(app, alice, upload(deviceOf(alice, 'DEHYDRATED'), 'DEHYDRATED'));
	const {access_token: token} = alice;
	const refused = async (session: Session, path: string, body?: object) => {
		const answer = await request(app, body ? 'POST' : 'GET', path, {token: session.access_token, body});
		return `${answer.status} ${String(answer.body['errcode'])}`;
	};
	const events = `${DEVICE}/DEHYDRATED/events`;
	t.is(await refused(bob, events), '403 M_FORBIDDEN');
	t.is(await refused(bob, events, {}), '403 M_FORBIDDEN');
	t.is(await refused(alice, `${DEVICE}/${alice.device_id}/events`), '403 M_FORBIDDEN');
	t.is(await refused(alice, `${DEVICE}/OTHER/events`), '403 M_FORBIDDEN');
	for (const from of ['x', 'd-1', 'd1.5', 'd99999999', `d${'9'.repeat(20)}`]) {
		t.is(await refused(alice, `${events}?from=${from}`), '400 M_INVALID_PARAM', from);
		t.is(await refused(alice, events, {next_batch: from}), '400 M_INVALID_PARAM', from);
	}
	for (const limit of ['0', '-1', 'many']) {
		t.is(await refused(alice, `${events}?limit=${limit}`), '400 M_INVALID_PARAM', limit);
	}
	for (const method of ['GET', 'PUT', 'DELETE']) {
		t.is((await request(app, method, DEVICE, method === 'PUT' ? {body: {}} : {})).status, 401);
	}
	const stranger = await request(app, 'GET', DEVICE, {token: bob.access_token});
	t.is(stranger.status, 404);
	t.is((await request(app, 'GET', DEVICE, {token})).status, 200);
});

test('another dehydrated device takes the place of the one before, which goes with all that was its', async (t) => {
	const {app, alice} = await start(t);
	const {access_token: token} = alice;
	await put(app, alice, upload(deviceOf(alice, 'FIRST'), 'FIRST'));
	await send(app, alice, alice, 'FIRST', 'lost');
	await put(app, alice, upload(deviceOf(alice, 'SECOND'), 'SECOND'));
	t.deepEqual(
		(await listDevices(app, alice)).map(({device_id}) => device_id).toSorted(),
		[alice.device_id, 'SECOND'].toSorted(),
	);
	t.deepEqual(Object.keys(await queryDevices(app, alice, alice)), ['SECOND']);
	t.is(await claim(app, alice, alice, 'FIRST'), undefined);
	t.is((await request(app, 'GET', `${DEVICE}/FIRST/events`, {token})).status, 403);
	// The same id again is a new device: what came for the old one cannot be read with its keys.
	await send(app, alice, alice, 'SECOND', 'lost too');
	const again = createTestDevice({...alice, device_id: 'SECOND'}, 1);
	await put(app, alice, upload(again, 'SECOND'));
	t.deepEqual((await call<Events>(app, 'GET', `${DEVICE}/SECOND/events`, {token})).events, []);
	t.deepEqual(await claim(app, alice, alice, 'SECOND'), again.oneTimeKeys('A'));
	t.deepEqual(await call(app, 'DELETE', DEVICE, {token}), {device_id: 'SECOND'});
	t.is((await request(app, 'DELETE', DEVICE, {token})).status, 404);
	t.deepEqual(
		(await listDevices(app, alice)).map(({device_id}) => device_id),
		[alice.device_id],
	);
	t.deepEqual(await queryDevices(app, alice, alice), {});
});

test('what is no device, or is another one, is refused, and the one before stays', async (t) => {
	const {app, alice} = await start(t);
	const {access_token: token} = alice;
	const own = createTestDevice(alice);
	const crossSigning = createCrossSigningKeys(alice.user_id, own);
	await call(app, 'POST', `${V3}/keys/device_signing/upload`, {
		token,
		body: {master_key: crossSigning.body.master_key},
	});
	await put(app, alice, upload(deviceOf(alice, 'GOOD'), 'GOOD'));
	const device = deviceOf(alice, 'NEW');
	const {device_keys: _keys, ...withoutKeys} = upload(device, 'NEW');
	const rows: [JsonObject, string][] = [
		[withoutKeys, '400 M_BAD_JSON'],
		[upload(device, 'OTHER'), '400 M_INVALID_PARAM'],
		[upload(device, 'NEW', {device_data: {device_pickle: 'x'}}), '400 M_BAD_JSON'],
		[upload(device, 'NEW', {device_data: {algorithm: 'x', number: 1.5}}), '400 M_BAD_JSON'],
		[upload(device, 'NEW', {device_data: {algorithm: 'x', pickle: 'x'.repeat(70_000)}}), '413 M_TOO_LARGE'],
		[upload(device, 'NEW', {one_time_keys: own.oneTimeKeys('A')}), '400 M_INVALID_SIGNATURE'],
		[upload(device, 'NEW', {fallback_keys: device.fallbackKeys('A', 'B')}), '400 M_INVALID_PARAM'],
		[upload(deviceOf(alice, ''), ''), '400 M_BAD_JSON'],
		[upload(deviceOf(alice, alice.device_id), alice.device_id), '400 M_INVALID_PARAM'],
		[upload(deviceOf(alice, crossSigning.master.id), crossSigning.master.id), '403 M_FORBIDDEN'],
	];
	for (const [body, expected] of rows) {
		const answer = await request(app, 'PUT', DEVICE, {token, body});
		t.is(`${answer.status} ${String(answer.body['errcode'])}`, expected, JSON.stringify(body).slice(0, 120));
	}
	t.like(await call(app, 'GET', DEVICE, {token}), {device_id: 'GOOD'});
	const {body} = await request(app, 'POST', `${V3}/login`, {
		body: {
			type: 'm.login.password',
			identifier: {type: 'm.id.user', user: 'alice'},
			password: passwordOf('alice'),
			device_id: 'GOOD',
		},
	});
	t.is(body['errcode'], 'M_FORBIDDEN', 'nobody signs in as it');
});

test('it is removed like other devices, and outlives the last sign-out', async (t) => {
	const {app, alice} = await start(t);
	await put(app, alice, upload(deviceOf(alice, 'DEHYDRATED'), 'DEHYDRATED'));
	await call(app, 'POST', `${V3}/logout`, {token: alice.access_token, body: {}});
	const bob = await register(app, 'bobby');
	await call(app, 'POST', `${V3}/createRoom`, {token: bob.access_token, body: {invite: [alice.user_id]}});
	await send(app, bob, alice, '*', 'while away');
	const again = await login(app, 'alice');
	const {access_token: token} = again;
	const {events} = await call<Events>(app, 'GET', `${DEVICE}/DEHYDRATED/events`, {token});
	t.deepEqual(
		events.map(({content}) => content['body']),
		['while away'],
	);
	const auth = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};
	await call(app, 'DELETE', `${V3}/devices/DEHYDRATED`, {token, body: {auth}});
	t.is((await request(app, 'GET', DEVICE, {token})).status, 404);
	await put(app, again, upload(deviceOf(again, 'NEXT'), 'NEXT'));
	await call(app, 'POST', `${V3}/logout/all`, {token, body: {}});
	t.is(await app.application.storage.dehydratedDevices.find(alice.user_id as UserId), undefined);
});

test('who shares a room is told when it comes and goes', async (t) => {
	const {app, alice} = await start(t);
	const bob = await register(app, 'bobby');
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', `${V3}/createRoom`, {
		token: alice.access_token,
		body: {invite: [bob.user_id]},
	});
	await call(app, 'POST', `${V3}/join/${roomId}`, {token: bob.access_token, body: {}});
	let since = '';
	const changed = async () => {
		const {next_batch: next, device_lists: lists} = await call<{
			next_batch: string;
			device_lists?: {changed?: string[]};
		}>(app, 'GET', `${V3}/sync?since=${since}`, {token: bob.access_token});
		since = next;
		return lists?.changed ?? [];
	};
	await changed();
	await put(app, alice, upload(deviceOf(alice, 'DEHYDRATED'), 'DEHYDRATED'));
	t.deepEqual(await changed(), [alice.user_id]);
	t.deepEqual(Object.keys(await queryDevices(app, bob, alice)), ['DEHYDRATED']);
	await call(app, 'DELETE', DEVICE, {token: alice.access_token});
	t.deepEqual(await changed(), [alice.user_id]);
	t.deepEqual(await queryDevices(app, bob, alice), {});
});
