import test, {type ExecutionContext} from 'ava';
import type {JsonObject} from '../../../../crypto/index.ts';
import {
	type App,
	call,
	createTestDevice,
	login,
	register,
	request,
	type Session,
	startApp,
	type TestDevice,
} from '../../../harness/index.ts';

const UPLOAD = '/_matrix/client/v3/keys/upload';
const QUERY = '/_matrix/client/v3/keys/query';
const CLAIM = '/_matrix/client/v3/keys/claim';

interface Person extends Session {
	readonly device: TestDevice;
}

async function join(app: App, name: string): Promise<Person> {
	const session = await register(app, name);
	return {...session, device: createTestDevice(session)};
}

const upload = (app: App, {access_token: token}: Session, body: object) =>
	call<{one_time_key_counts: Record<string, number>}>(app, 'POST', UPLOAD, {token, body});

const refused = async (t: ExecutionContext, app: App, person: Session, body: unknown, status = 400) => {
	const answer = await request(app, 'POST', UPLOAD, {token: person.access_token, body});
	t.is(answer.status, status, JSON.stringify(body).slice(0, 200));
	return answer.body['errcode'];
};

interface Queried {
	device_keys: Record<string, Record<string, JsonObject>>;
	failures: JsonObject;
}

const query = (app: App, {access_token: token}: Session, users: Record<string, string[]>) =>
	call<Queried>(app, 'POST', QUERY, {token, body: {device_keys: users}});

const claim = async (app: App, {access_token: token}: Session, target: Session, algorithm = 'signed_curve25519') => {
	const body = {one_time_keys: {[target.user_id]: {[target.device_id]: algorithm}}};
	const answer = await call<{one_time_keys: Record<string, Record<string, JsonObject>>}>(app, 'POST', CLAIM, {
		token,
		body,
	});
	return answer.one_time_keys[target.user_id]?.[target.device_id];
};

/** Puts two people into one room, so that they may know of each other. */
async function shareRoom(app: App, a: Session, b: Session): Promise<string> {
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: a.access_token,
		body: {preset: 'private_chat', invite: [b.user_id]},
	});
	await call(app, 'POST', `/_matrix/client/v3/join/${roomId}`, {token: b.access_token, body: {}});
	return roomId;
}

test('keys are uploaded and found as they were, with the name of the device beside them', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	await call(app, 'PUT', `/_matrix/client/v3/devices/${alice.device_id}`, {
		token: alice.access_token,
		body: {display_name: 'Desk'},
	});
	const counts = await upload(app, alice, {
		device_keys: {...alice.device.deviceKeys, unsigned: {invented: true}},
		one_time_keys: alice.device.oneTimeKeys('A', 'B'),
	});
	t.deepEqual(counts, {one_time_key_counts: {signed_curve25519: 2}});
	const {device_keys, failures} = await query(app, alice, {[alice.user_id]: []});
	t.deepEqual(device_keys, {
		[alice.user_id]: {[alice.device_id]: {...alice.device.deviceKeys, unsigned: {device_display_name: 'Desk'}}},
	});
	t.deepEqual(failures, {});
	t.deepEqual((await query(app, alice, {[alice.user_id]: ['OTHER']})).device_keys, {[alice.user_id]: {}});
});

test('one-time keys are counted once however often they are told', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const {device} = alice;
	await upload(app, alice, {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B', 'C')});
	const again = await upload(app, alice, {one_time_keys: device.oneTimeKeys('B', 'C', 'D')});
	t.is(again.one_time_key_counts['signed_curve25519'], 4);
	t.is((await upload(app, alice, {})).one_time_key_counts['signed_curve25519'], 4);
	const bare = await upload(app, alice, {one_time_keys: {'curve25519:A': 'bare', 'curve25519:B': 'bare'}});
	t.deepEqual(bare.one_time_key_counts, {signed_curve25519: 4, curve25519: 2});
});

test('a one-time key with a known id and other content is refused, and nothing of its upload is stored', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	await upload(app, alice, {device_keys: alice.device.deviceKeys, one_time_keys: alice.device.oneTimeKeys('A')});
	const other = alice.device.key.sign({key: Buffer.alloc(32, 1).toString('base64').slice(0, 43)});
	const body = {one_time_keys: {...alice.device.oneTimeKeys('B'), 'signed_curve25519:A': other}};
	t.is(await refused(t, app, alice, body), 'M_UNKNOWN');
	t.is((await upload(app, alice, {})).one_time_key_counts['signed_curve25519'], 1);
});

test('B10: keys that name another user or device, or are malformed or wrongly signed, are refused', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const bob = await join(app, 'bobby');
	const {device} = alice;
	const {deviceKeys: good} = device;
	const {algorithms: _, ...withoutAlgorithms} = good;
	const keysOf = (keys: JsonObject) => ({device_keys: device.key.sign({...good, keys, signatures: {}})});
	const rows: [unknown, string][] = [
		[{device_keys: bob.device.deviceKeys}, 'M_INVALID_PARAM'],
		[{device_keys: {...good, device_id: 'OTHER'}}, 'M_INVALID_PARAM'],
		[{device_keys: null}, 'M_BAD_JSON'],
		[{device_keys: []}, 'M_BAD_JSON'],
		[{device_keys: {}}, 'M_BAD_JSON'],
		[{device_keys: withoutAlgorithms}, 'M_BAD_JSON'],
		[{device_keys: {...good, algorithms: 'all'}}, 'M_BAD_JSON'],
		[{device_keys: {...good, keys: []}}, 'M_BAD_JSON'],
		[{device_keys: {...good, signatures: 'mine'}}, 'M_BAD_JSON'],
		[{device_keys: {...good, algorithms: ['other']}}, 'M_INVALID_SIGNATURE'],
		[{device_keys: {...good, padding: 'x'.repeat(20_000)}}, 'M_TOO_LARGE'],
		[{device_keys: {...good, number: 1.5}}, 'M_BAD_JSON'],
		[keysOf({}), 'M_INVALID_PARAM'],
		[keysOf({[`ed25519:${alice.device_id}`]: 'short'}), 'M_INVALID_PARAM'],
		[keysOf({[`ed25519:${alice.device_id}`]: 'A'.repeat(43)}), 'M_INVALID_PARAM'],
		[keysOf({'ed25519:OTHER': device.key.id}), 'M_INVALID_PARAM'],
		[
			keysOf({[`ed25519:${alice.device_id}`]: device.key.id, [`curve25519:${alice.device_id}`]: 'x'}),
			'M_INVALID_PARAM',
		],
		[{one_time_keys: device.oneTimeKeys('A')}, 'M_INVALID_PARAM'],
		[{one_time_keys: []}, 'M_BAD_JSON'],
	];
	for (const [body, errcode] of rows) {
		const status = errcode === 'M_TOO_LARGE' ? 413 : 400;
		t.is(await refused(t, app, alice, body, status), errcode, JSON.stringify(body).slice(0, 150));
	}
	t.deepEqual((await query(app, alice, {[alice.user_id]: []})).device_keys, {[alice.user_id]: {}});
});

test('B10: one-time and fallback keys must be signed by their device', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const bob = await join(app, 'bobby');
	await upload(app, alice, {device_keys: alice.device.deviceKeys});
	const [[keyId, signed] = ['', {}]] = Object.entries(alice.device.oneTimeKeys('A'));
	const forged = {...signed, key: Buffer.alloc(32, 9).toString('base64').slice(0, 43)};
	const rows: [object, string][] = [
		[{one_time_keys: {[keyId]: {...signed, signatures: {}}}}, 'M_INVALID_SIGNATURE'],
		[{one_time_keys: {[keyId]: forged}}, 'M_INVALID_SIGNATURE'],
		[{one_time_keys: bob.device.oneTimeKeys('A')}, 'M_INVALID_SIGNATURE'],
		[{one_time_keys: {[keyId]: 'bare'}}, 'M_BAD_JSON'],
		[{one_time_keys: {[keyId]: null}}, 'M_BAD_JSON'],
		[{one_time_keys: {[keyId]: {...signed, key: 'short'}}}, 'M_INVALID_PARAM'],
		[{one_time_keys: {nameless: signed}}, 'M_BAD_JSON'],
		[{one_time_keys: {'signed_curve25519:': signed}}, 'M_BAD_JSON'],
		[{fallback_keys: {[keyId]: {...signed, signatures: {}}}}, 'M_INVALID_SIGNATURE'],
		[{fallback_keys: {'curve25519:A': 'bare'}}, 'M_INVALID_SIGNATURE'],
		[{fallback_keys: alice.device.fallbackKeys('A', 'B')}, 'M_INVALID_PARAM'],
	];
	for (const [body, errcode] of rows) t.is(await refused(t, app, alice, body), errcode, JSON.stringify(body));
	t.is((await upload(app, alice, {})).one_time_key_counts['signed_curve25519'], 0);
});

test('a device keeps a bounded number of one-time keys', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	await upload(app, alice, {device_keys: alice.device.deviceKeys});
	const bare = (prefix: string, count: number) =>
		Object.fromEntries(Array.from({length: count}, (_, index) => [`plain:${prefix}${index}`, 'key']));
	await upload(app, alice, {one_time_keys: bare('a', 2000)});
	t.is(await refused(t, app, alice, {one_time_keys: bare('b', 1)}), 'M_INVALID_PARAM');
});

test('keys are claimed in the order of their uploads, each once, and the fallback key only after them', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const {device} = alice;
	await upload(app, alice, {device_keys: device.deviceKeys, fallback_keys: device.fallbackKeys('F')});
	for (const id of ['Z', 'B', 'A']) await upload(app, alice, {one_time_keys: device.oneTimeKeys(id)});
	for (const id of ['Z', 'B', 'A']) t.deepEqual(await claim(app, alice, alice), device.oneTimeKeys(id));
	const {encryption} = app.application.services;
	const counts = () => encryption.countKeys(alice.user_id as never, alice.device_id as never);
	t.deepEqual(await counts(), {
		oneTimeKeys: {signed_curve25519: 0},
		unusedFallbackKeyTypes: ['signed_curve25519'],
	});
	for (const _ of [1, 2]) t.deepEqual(await claim(app, alice, alice), device.fallbackKeys('F'));
	t.deepEqual((await counts()).unusedFallbackKeyTypes, []);
	await upload(app, alice, {fallback_keys: device.fallbackKeys('F')});
	t.deepEqual((await counts()).unusedFallbackKeyTypes, [], 'told again, it stays used');
	await upload(app, alice, {fallback_keys: device.fallbackKeys('G')});
	t.deepEqual((await counts()).unusedFallbackKeyTypes, ['signed_curve25519']);
	t.deepEqual(await claim(app, alice, alice), device.fallbackKeys('G'));
	t.is(await claim(app, alice, alice, 'curve25519'), undefined);
	t.is(await claim(app, alice, alice, ''), undefined);
});

test('an upload that is told again does not bring back keys that were claimed meanwhile', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const {device} = alice;
	const first = {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B')};
	await upload(app, alice, first);
	const claimed = await claim(app, alice, alice);
	t.deepEqual((await upload(app, alice, first)).one_time_key_counts, {signed_curve25519: 1});
	const later = await claim(app, alice, alice);
	t.notDeepEqual(later, claimed);
	t.deepEqual((await upload(app, alice, first)).one_time_key_counts, {signed_curve25519: 0});
	t.is(await claim(app, alice, alice), undefined);
	// Hundreds of keys later the first ones are forgotten, and with them the room they took.
	const many = (prefix: string) => device.oneTimeKeys(...Array.from({length: 210}, (_, index) => `${prefix}${index}`));
	await upload(app, alice, {one_time_keys: many('x')});
	for (let count = 0; count < 210; count += 1) await claim(app, alice, alice);
	await upload(app, alice, {one_time_keys: device.oneTimeKeys('Y')});
	const {keys} = app.application.storage;
	const ids = ['signed_curve25519:A', 'signed_curve25519:x209'];
	const found = await keys.findOneTimeKeys(alice.user_id as never, alice.device_id as never, ids);
	t.deepEqual(
		found.map(({keyId}) => keyId),
		['signed_curve25519:x209'],
	);
});

test('E13: sixty-four who claim at once get sixty-four different keys', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const ids = Array.from({length: 60}, (_, index) => `K${index}`);
	await upload(app, alice, {
		device_keys: alice.device.deviceKeys,
		one_time_keys: alice.device.oneTimeKeys(...ids),
		fallback_keys: alice.device.fallbackKeys('F'),
	});
	const claimed = await Promise.all(Array.from({length: 64}, () => claim(app, alice, alice)));
	const names = claimed.map((key) => Object.keys(key ?? {})[0] ?? '');
	const fallbacks = names.filter((name) => name === 'signed_curve25519:F');
	t.is(fallbacks.length, 4);
	t.is(new Set(names).size, 61);
});

test('another identity under the same device id voids the one-time keys of the one before', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	await upload(app, alice, {
		device_keys: alice.device.deviceKeys,
		one_time_keys: alice.device.oneTimeKeys('A'),
		fallback_keys: alice.device.fallbackKeys('F'),
	});
	const other = createTestDevice(alice, 1);
	const counts = await upload(app, alice, {device_keys: other.deviceKeys, one_time_keys: other.oneTimeKeys('A')});
	t.is(counts.one_time_key_counts['signed_curve25519'], 1);
	t.deepEqual(await claim(app, alice, alice), other.oneTimeKeys('A'));
	t.is(await claim(app, alice, alice), undefined);
});

test('strangers get the same bytes of people and of names that nobody has', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	await upload(app, alice, {device_keys: alice.device.deviceKeys, one_time_keys: alice.device.oneTimeKeys('A')});
	const stranger = await join(app, 'mallory');
	const nobody = '@alicf:news.example';
	const ask = async (path: string, body: object) =>
		(await request(app, 'POST', path, {token: stranger.access_token, body})).text.replaceAll(nobody, alice.user_id);
	t.is(await ask(QUERY, {device_keys: {[alice.user_id]: []}}), await ask(QUERY, {device_keys: {[nobody]: []}}));
	const wanted = {[alice.device_id]: 'signed_curve25519'};
	t.is(
		await ask(CLAIM, {one_time_keys: {[alice.user_id]: wanted}}),
		await ask(CLAIM, {one_time_keys: {[nobody]: wanted}}),
	);
	t.deepEqual(await claim(app, alice, alice), alice.device.oneTimeKeys('A'), 'nothing was taken');
	await shareRoom(app, alice, stranger);
	t.deepEqual((await query(app, stranger, {[alice.user_id]: []})).device_keys[alice.user_id], {
		[alice.device_id]: alice.device.deviceKeys,
	});
});

test('who has invited somebody sees their keys before the invite is answered', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const bob = await join(app, 'bobby');
	await upload(app, bob, {device_keys: bob.device.deviceKeys});
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {preset: 'private_chat', invite: [bob.user_id]},
	});
	t.deepEqual(Object.keys((await query(app, alice, {[bob.user_id]: []})).device_keys[bob.user_id] ?? {}), [
		bob.device_id,
	]);
	await call(app, 'POST', `/_matrix/client/v3/rooms/${roomId}/leave`, {token: bob.access_token, body: {}});
	t.deepEqual((await query(app, alice, {[bob.user_id]: []})).device_keys[bob.user_id], {});
});

test('keys of a device go with it', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const second = await login(app, 'alice');
	const device = createTestDevice(second);
	await upload(app, second, {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A')});
	t.deepEqual(Object.keys((await query(app, alice, {[alice.user_id]: []})).device_keys[alice.user_id] ?? {}), [
		second.device_id,
	]);
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: second.access_token, body: {}});
	t.deepEqual((await query(app, alice, {[alice.user_id]: []})).device_keys, {[alice.user_id]: {}});
	t.is(await claim(app, alice, second), undefined);
});

test('malformed questions are refused, and names that are no user ids are passed over', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const {access_token: token} = alice;
	const rows: [string, unknown][] = [
		[QUERY, {}],
		[QUERY, {device_keys: []}],
		[QUERY, {device_keys: {[alice.user_id]: {DEVICE: true}}}],
		[QUERY, {device_keys: {[alice.user_id]: [5]}}],
		[QUERY, {device_keys: {}, timeout: 'long'}],
		[CLAIM, {}],
		[CLAIM, {one_time_keys: {[alice.user_id]: 'signed_curve25519'}}],
		[CLAIM, {one_time_keys: {[alice.user_id]: {DEVICE: ['signed_curve25519']}}}],
	];
	for (const [path, body] of rows) {
		const answer = await request(app, 'POST', path, {token, body});
		t.is(answer.status, 400, JSON.stringify(body));
		t.is(answer.body['errcode'], 'M_BAD_JSON');
	}
	t.deepEqual((await query(app, alice, {'not a user id': [], __proto__: []})).device_keys, {});
	for (const path of [UPLOAD, QUERY, CLAIM]) {
		t.is((await request(app, 'POST', path, {body: {}})).status, 401);
	}
});

test('servers that cannot be asked are failures, and the others are answered', async (t) => {
	const app = await startApp(t, {config: {federation: {mode: 'off'}}});
	const alice = await join(app, 'alice');
	await upload(app, alice, {device_keys: alice.device.deviceKeys});
	const answer = await query(app, alice, {[alice.user_id]: [], '@bob:elsewhere.example': []});
	t.deepEqual(Object.keys(answer.device_keys), [alice.user_id]);
	t.deepEqual(Object.keys(answer.failures), ['elsewhere.example']);
});
