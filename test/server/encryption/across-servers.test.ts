/** Keys and files between two servers over TLS. */
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import type {JsonObject} from '../../../crypto/index.ts';
import {
	type App,
	call,
	type ClientTarget,
	createCrossSigningKeys,
	createTestDevice,
	login,
	register,
	type Session,
	startApps,
	until,
} from '../../harness/index.ts';

interface Person extends Session {
	readonly server: ClientTarget;
}

const post = <T = JsonObject>({server, access_token: token}: Person, path: string, body: object = {}) =>
	call<T>(server, 'POST', `/_matrix/client/v3${path}`, {token, body});

async function join(server: ClientTarget, name: string): Promise<Person> {
	return {...(await register(server, name)), server};
}

/** Two servers with a person on each, who share a room. */
async function stage(t: ExecutionContext): Promise<{apps: App[]; alice: Person; bob: Person; roomId: string}> {
	const apps = await startApps(t, 2);
	const [one, two] = apps;
	const alice = await join(one!, 'alice');
	const bob = await join(two!, 'bobby');
	const {room_id: roomId} = await post<{room_id: string}>(alice, '/createRoom', {invite: [bob.user_id]});
	await post(bob, `/join/${encodeURIComponent(roomId)}`);
	await until(async () => {
		const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/joined_members`;
		const {joined} = await call<{joined: object}>(alice.server, 'GET', path, {token: alice.access_token});
		return bob.user_id in joined;
	}, 'both in the room');
	return {apps, alice, bob, roomId};
}

interface Queried {
	device_keys: Record<string, Record<string, JsonObject>>;
	master_keys: Record<string, JsonObject>;
	self_signing_keys: Record<string, JsonObject>;
	user_signing_keys: Record<string, JsonObject>;
	failures: object;
}

const query = (asker: Person, target: Person) =>
	post<Queried>(asker, '/keys/query', {device_keys: {[target.user_id]: []}});

test('keys are found, claimed once, and followed across servers', async (t) => {
	const {alice, bob} = await stage(t);
	const device = createTestDevice(bob);
	const identity = createCrossSigningKeys(bob.user_id, device);
	await post(bob, '/keys/upload', {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B')});
	await post(bob, '/keys/device_signing/upload', identity.body);
	const signed = identity.selfSigning.sign(device.deviceKeys);
	await post(bob, '/keys/signatures/upload', {[bob.user_id]: {[bob.device_id]: signed}});
	const expected = {
		device_keys: {[bob.user_id]: {[bob.device_id]: signed}},
		master_keys: {[bob.user_id]: identity.body.master_key},
		self_signing_keys: {[bob.user_id]: identity.body.self_signing_key},
		user_signing_keys: {},
		failures: {},
	};
	await until(async () => JSON.stringify(await query(alice, bob)).includes(identity.selfSigning.id), 'the identity');
	t.deepEqual(await query(alice, bob), expected);
	const claim = async () => {
		const wanted = {[bob.user_id]: {[bob.device_id]: 'signed_curve25519'}};
		const answer = await post<{one_time_keys: Record<string, Record<string, object>>}>(alice, '/keys/claim', {
			one_time_keys: wanted,
		});
		return Object.keys(answer.one_time_keys[bob.user_id]?.[bob.device_id] ?? {});
	};
	const claimed = [...(await claim()), ...(await claim())];
	t.deepEqual(new Set(claimed), new Set(['signed_curve25519:A', 'signed_curve25519:B']));
	t.deepEqual(await claim(), []);
	const second = {...(await login(bob.server, 'bobby')), server: bob.server};
	await post(second, '/keys/upload', {device_keys: createTestDevice(second).deviceKeys});
	const devicesOfBob = async () => Object.keys((await query(alice, bob)).device_keys[bob.user_id] ?? {});
	await until(async () => (await devicesOfBob()).includes(second.device_id), 'the new device');
	await post(second, '/logout');
	await until(async () => !(await devicesOfBob()).includes(second.device_id), 'the device is gone');
	t.deepEqual(await devicesOfBob(), [bob.device_id]);
});

test('D5: who shares no room sees nothing of people elsewhere, and an inviter sees the invited', async (t) => {
	const {alice, bob} = await stage(t);
	await post(bob, '/keys/upload', {device_keys: createTestDevice(bob).deviceKeys});
	const carol = await join(alice.server, 'carol');
	const dora = await join(bob.server, 'dora');
	await post(dora, '/keys/upload', {device_keys: createTestDevice(dora).deviceKeys});
	t.deepEqual((await query(carol, dora)).device_keys, {[dora.user_id]: {}});
	await post(carol, '/createRoom', {invite: [dora.user_id]});
	t.deepEqual(Object.keys((await query(carol, dora)).device_keys[dora.user_id] ?? {}), [dora.device_id]);
});

test('files come from the server that has them, with type and name, once', async (t) => {
	const {apps, alice, bob} = await stage(t);
	const noise = {type: 'gaussian', mean: 128, sigma: 40} as const;
	const picture = sharp({create: {width: 400, height: 300, channels: 3, background: '#345', noise}});
	const content = await picture.png().toBuffer();
	const uploaded = await fetch(`${bob.server.url}/_matrix/media/v3/upload?filename=${encodeURIComponent('☕ 1.png')}`, {
		method: 'POST',
		headers: {authorization: `Bearer ${bob.access_token}`, 'content-type': 'image/png'},
		body: content,
	});
	const {content_uri: uri} = (await uploaded.json()) as {content_uri: string};
	const get = async (kind: string) => {
		const answer = await fetch(`${alice.server.url}/_matrix/client/v1/media/${kind}`, {
			headers: {authorization: `Bearer ${alice.access_token}`},
		});
		return {status: answer.status, headers: answer.headers, content: Buffer.from(await answer.arrayBuffer())};
	};
	const path = uri.slice('mxc:/'.length);
	for (const answer of await Promise.all([1, 2, 3].map(() => get(`download${path}`)))) {
		t.is(answer.status, 200);
		t.true(answer.content.equals(content));
		t.is(answer.headers.get('content-type'), 'image/png');
		t.is(answer.headers.get('content-disposition'), "inline; filename*=utf-8''%E2%98%95%201.png");
	}
	const small = await sharp((await get(`thumbnail${path}?width=96&height=96&method=crop`)).content).metadata();
	t.deepEqual([small.width, small.height], [96, 96]);
	const server = path.slice(1, path.lastIndexOf('/'));
	t.is((await get(`download/${server}/unknown`)).status, 404);
	await apps[1]?.application.stop();
	t.is((await get(`download${path}`)).status, 200, 'what was fetched is kept');
	t.is((await get(`download/${server}/other`)).status, 502);
});

test('who waits longer for a file of another server than who asked before gets it when it comes', async (t) => {
	const {alice, bob} = await stage(t);
	const created = await call<{content_uri: string}>(bob.server, 'POST', '/_matrix/media/v1/create', {
		token: bob.access_token,
	});
	const path = created.content_uri.slice('mxc:/'.length);
	const get = async (timeoutMs: number) => {
		const answer = await fetch(`${alice.server.url}/_matrix/client/v1/media/download${path}?timeout_ms=${timeoutMs}`, {
			headers: {authorization: `Bearer ${alice.access_token}`},
		});
		return {status: answer.status, text: await answer.text()};
	};
	const [hasty, patient] = [get(0), get(30_000)];
	const refused = await hasty;
	t.is(refused.status, 504);
	t.regex(refused.text, /M_NOT_YET_UPLOADED/u);
	const uploaded = await fetch(`${bob.server.url}/_matrix/media/v3/upload${path}`, {
		method: 'PUT',
		headers: {authorization: `Bearer ${bob.access_token}`},
		body: 'late news',
	});
	t.is(uploaded.status, 200);
	t.deepEqual(await patient, {status: 200, text: 'late news'});
});
