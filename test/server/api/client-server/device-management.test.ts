import test from 'ava';
import type {DeviceId} from '../../../../crypto/index.ts';
import {call, login, passwordOf, register, request, startApp} from '../../../harness/index.ts';

const DEVICES = '/_matrix/client/v3/devices';
const DELETE_DEVICES = '/_matrix/client/v3/delete_devices';
const WHOAMI = '/_matrix/client/v3/account/whoami';
const DAY_MS = 86_400_000;

const auth = (name: string) => ({type: 'm.login.password', user: name, password: passwordOf(name)});

interface Device {
	readonly device_id: string;
	readonly display_name?: string;
	readonly last_seen_ts?: number;
	readonly last_seen_ip?: string;
}

test('a user sees their devices, by the day they were seen last and no closer', async (t) => {
	const app = await startApp(t);
	const first = await register(app, 'alice');
	const second = await login(app, 'alice');
	const list = () => call<{devices: Device[]}>(app, 'GET', DEVICES, {token: second.access_token});
	const {devices} = await list();
	t.deepEqual(devices.map(({device_id: id}) => id).toSorted(), [first.device_id, second.device_id].toSorted());
	for (const device of devices) {
		t.is((device.last_seen_ts ?? Number.NaN) % DAY_MS, 0);
		t.is(device.last_seen_ip, undefined);
	}
	app.advance(3 * DAY_MS);
	const later = await list();
	const daysOf = (id: string) => (later.devices.find((it) => it.device_id === id)?.last_seen_ts ?? 0) / DAY_MS;
	t.is(daysOf(second.device_id) - daysOf(first.device_id), 3);
});

test('a device is renamed, and looked up', async (t) => {
	const app = await startApp(t);
	const {access_token: token, device_id: id} = await register(app, 'alice');
	t.deepEqual(await call(app, 'PUT', `${DEVICES}/${id}`, {token, body: {display_name: 'Desk'}}), {});
	t.like(await call(app, 'GET', `${DEVICES}/${id}`, {token}), {device_id: id, display_name: 'Desk'});
	t.deepEqual(await call(app, 'PUT', `${DEVICES}/${id}`, {token, body: {}}), {});
	t.like(await call(app, 'GET', `${DEVICES}/${id}`, {token}), {display_name: 'Desk'});
	const long = await request(app, 'PUT', `${DEVICES}/${id}`, {token, body: {display_name: 'x'.repeat(257)}});
	t.is(long.status, 400);
});

test('a device that is not there is not found, and renaming makes none', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	for (const [method, body] of [
		['GET', undefined],
		['PUT', {display_name: 'x'}],
		['PUT', {}],
	] as const) {
		const answer = await request(app, method, `${DEVICES}/NOWHERE`, {token, ...(body && {body})});
		t.is(answer.status, 404);
		t.is(answer.body['errcode'], 'M_NOT_FOUND');
	}
});

test('a device is deleted by who knows the password, and what hangs on it goes along', async (t) => {
	const app = await startApp(t);
	const mine = await register(app, 'alice');
	const other = await login(app, 'alice');
	const token = mine.access_token;
	const path = `${DEVICES}/${other.device_id}`;
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	const deviceId = other.device_id as DeviceId;
	const keys = storage.batch();
	storage.keys.setDeviceKeys(keys, {userId, deviceId, json: {algorithms: []}, displayName: null});
	await storage.commit(keys);
	const changes: string[] = [];
	t.teardown(storage.onCommitted((list) => changes.push(...list.map(({kind, subject}) => `${kind} ${subject}`))));

	t.is((await request(app, 'DELETE', path, {token, body: {}})).status, 401);
	t.is((await request(app, 'GET', WHOAMI, {token: other.access_token})).status, 200);
	t.deepEqual(await call(app, 'DELETE', path, {token, body: {auth: auth('alice')}}), {});
	t.is((await request(app, 'GET', WHOAMI, {token: other.access_token})).status, 401);
	t.is((await request(app, 'GET', path, {token})).status, 404);
	t.is(await storage.keys.findDeviceKeys(userId, deviceId), undefined);
	t.deepEqual(changes, [`device ${userId}`, `device_list ${userId}`]);
	// A device that is gone already can be deleted again.
	t.is((await request(app, 'DELETE', path, {token, body: {auth: auth('alice')}})).status, 200);
});

test('several devices are deleted at once', async (t) => {
	const app = await startApp(t);
	const mine = await register(app, 'alice');
	const others = [await login(app, 'alice'), await login(app, 'alice')];
	const devices = [...others.map(({device_id: id}) => id), 'NOWHERE'];
	const token = mine.access_token;
	const first = await request<{session: string}>(app, 'POST', DELETE_DEVICES, {token, body: {devices}});
	t.is(first.status, 401);
	const body = {devices, auth: {...auth('alice'), session: first.body.session}};
	t.deepEqual(await call(app, 'POST', DELETE_DEVICES, {token, body}), {});
	for (const {access_token: ended} of others) {
		t.is((await request(app, 'GET', WHOAMI, {token: ended})).status, 401);
	}
	t.is((await request(app, 'GET', WHOAMI, {token})).status, 200);
	t.is((await request(app, 'POST', DELETE_DEVICES, {token, body: {}})).body['errcode'], 'M_BAD_JSON');
});

test("E12: nobody reaches another user's devices", async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {access_token: token} = await register(app, 'bobby');
	const path = `${DEVICES}/${alice.device_id}`;
	t.is((await request(app, 'GET', path, {token})).status, 404);
	t.is((await request(app, 'PUT', path, {token, body: {display_name: 'mine'}})).status, 404);
	t.is((await request(app, 'DELETE', path, {token, body: {auth: auth('bobby')}})).status, 200);
	const body = {devices: [alice.device_id], auth: auth('bobby')};
	t.is((await request(app, 'POST', DELETE_DEVICES, {token, body})).status, 200);
	// Alice's password does not make bobby alice, and it is not even looked at.
	for (const proof of [auth('alice'), {...auth('alice'), password: 'wrong'}, auth('nobody')]) {
		const refused = await request(app, 'DELETE', path, {token, body: {auth: proof}});
		t.is(refused.status, 403);
		t.deepEqual(refused.body, {
			errcode: 'M_FORBIDDEN',
			error: 'Expected the name of the account that the access token is of',
		});
	}
	const mine = await call<Device>(app, 'GET', path, {token: alice.access_token});
	t.is(mine.device_id, alice.device_id);
	t.is(mine.display_name, undefined);
	for (const method of ['GET', 'PUT', 'DELETE']) {
		t.is((await request(app, method, path, method === 'GET' ? {} : {body: {}})).status, 401);
	}
});
