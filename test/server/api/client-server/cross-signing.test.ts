import test from 'ava';
import type {JsonObject} from '../../../../crypto/index.ts';
import {
	type App,
	call,
	createCrossSigningKeys,
	createTestDevice,
	passwordOf,
	register,
	request,
	type Session,
	startApp,
} from '../../../harness/index.ts';

const UPLOAD = '/_matrix/client/v3/keys/device_signing/upload';
const SIGN = '/_matrix/client/v3/keys/signatures/upload';

type Signed = JsonObject & {signatures?: Record<string, Record<string, string>>};

interface Queried {
	device_keys: Record<string, Record<string, Signed>>;
	master_keys: Record<string, Signed>;
	self_signing_keys: Record<string, Signed>;
	user_signing_keys: Record<string, Signed>;
}

const query = (app: App, {access_token: token}: Session, ...users: string[]) =>
	call<Queried>(app, 'POST', '/_matrix/client/v3/keys/query', {
		token,
		body: {device_keys: Object.fromEntries(users.map((user) => [user, []]))},
	});

/** Registers a person with a device whose keys are published. */
async function join(app: App, name: string) {
	const session = await register(app, name);
	const device = createTestDevice(session);
	await call(app, 'POST', '/_matrix/client/v3/keys/upload', {
		token: session.access_token,
		body: {device_keys: device.deviceKeys},
	});
	return {...session, device, keys: createCrossSigningKeys(session.user_id, device)};
}

const upload = (app: App, {access_token: token}: Session, body: object) =>
	request<{session?: string; errcode?: string; flows?: unknown}>(app, 'POST', UPLOAD, {token, body});

const sign = (app: App, {access_token: token}: Session, body: object) =>
	call<{failures: Record<string, Record<string, {errcode: string}>>}>(app, 'POST', SIGN, {token, body});

async function shareRoom(app: App, a: Session, b: Session): Promise<void> {
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: a.access_token,
		body: {preset: 'private_chat', invite: [b.user_id]},
	});
	await call(app, 'POST', `/_matrix/client/v3/join/${roomId}`, {token: b.access_token, body: {}});
}

test('the first cross-signing keys need no password, nor do the same again; others do', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const {body} = alice.keys;
	t.is((await upload(app, alice, {master_key: body.master_key})).status, 200);
	t.is((await upload(app, alice, {master_key: body.master_key})).status, 200);
	const more = await upload(app, alice, body);
	t.is(more.status, 401, 'keys are added to an identity that exists');
	t.truthy(more.body.flows);
	const other = createCrossSigningKeys(alice.user_id, alice.device).body;
	const challenge = await upload(app, alice, other);
	t.is(challenge.status, 401);
	t.deepEqual((await query(app, alice, alice.user_id)).master_keys[alice.user_id], body.master_key as Signed);
	const auth = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
		session: challenge.body.session,
	};
	t.is((await upload(app, alice, {...other, auth: {...auth, password: 'wrong'}})).status, 401);
	t.is((await upload(app, alice, {...other, auth})).status, 200);
	t.is((await upload(app, alice, {...other, auth})).status, 200, 'the same again needs nothing');
	const {
		master_keys: masters,
		self_signing_keys: selfSigning,
		user_signing_keys: userSigning,
	} = await query(app, alice, alice.user_id);
	t.deepEqual(masters[alice.user_id], other.master_key as Signed);
	t.deepEqual(selfSigning[alice.user_id], other.self_signing_key as Signed);
	t.deepEqual(userSigning[alice.user_id], other.user_signing_key as Signed);
});

test('cross-signing keys of others, of other uses, badly signed or without a master are refused', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const bob = await join(app, 'bobby');
	const {master, selfSigning, body} = alice.keys;
	const object = (id: string, usage: unknown, over: JsonObject = {}) =>
		master.sign({user_id: alice.user_id, usage: [usage as string], keys: {[`ed25519:${id}`]: id}, ...over});
	const rows: [object, string][] = [
		[{self_signing_key: body.self_signing_key}, 'M_MISSING_PARAM'],
		[{master_key: bob.keys.body.master_key}, 'M_INVALID_PARAM'],
		[{master_key: body.self_signing_key}, 'M_INVALID_PARAM'],
		[{master_key: null}, 'M_BAD_JSON'],
		[{master_key: {}}, 'M_BAD_JSON'],
		[{master_key: {...body.master_key, keys: {}}}, 'M_BAD_JSON'],
		[{master_key: object(master.id, 'master', {keys: {a: 'b', c: 'd'}})}, 'M_BAD_JSON'],
		[{master_key: object(master.id, 'master', {keys: {'ed25519:other': master.id}})}, 'M_INVALID_PARAM'],
		[{master_key: object('short', 'master')}, 'M_INVALID_PARAM'],
		[{master_key: object(master.id, 'master', {padding: 'x'.repeat(9000)})}, 'M_TOO_LARGE'],
		[
			{
				master_key: {
					...body.master_key,
					signatures: {[alice.user_id]: {[`ed25519:${alice.device_id}`]: 'A'.repeat(86)}},
				},
			},
			'M_INVALID_SIGNATURE',
		],
		[
			{master_key: body.master_key, self_signing_key: selfSigning.sign({...body.self_signing_key, signatures: {}})},
			'M_INVALID_SIGNATURE',
		],
	];
	for (const [bad, errcode] of rows) {
		const answer = await upload(app, alice, bad);
		t.is(answer.body.errcode, errcode, JSON.stringify(bad).slice(0, 200));
		t.is(answer.status, errcode === 'M_TOO_LARGE' ? 413 : 400);
	}
	t.deepEqual((await query(app, alice, alice.user_id)).master_keys, {});
	t.is((await request(app, 'POST', UPLOAD, {body})).status, 401);
});

test('no key has the id of a device, and no device that of a key', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const {master, body} = alice.keys;
	const login = (deviceId: string) =>
		request(app, 'POST', '/_matrix/client/v3/login', {
			body: {
				type: 'm.login.password',
				identifier: {type: 'm.id.user', user: 'alice'},
				password: passwordOf('alice'),
				device_id: deviceId,
			},
		});
	t.is((await login(master.id)).status, 200);
	const refused = await upload(app, alice, {master_key: body.master_key});
	t.is(refused.status, 403);
	t.is(refused.body.errcode, 'M_FORBIDDEN');
	const other = createCrossSigningKeys(alice.user_id, alice.device);
	t.is((await upload(app, alice, other.body)).status, 200);
	t.is((await login(other.master.id)).status, 403);
});

test('signatures of own devices and of other people are stored, and faulty ones named', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	const bob = await join(app, 'bobby');
	const mallory = await join(app, 'mallory');
	for (const person of [alice, bob]) t.is((await upload(app, person, person.keys.body)).status, 200);
	await shareRoom(app, alice, bob);
	const signedDevice = alice.keys.selfSigning.sign(alice.device.deviceKeys);
	const signedBob = alice.keys.userSigning.sign(bob.keys.body.master_key);
	const done = await sign(app, alice, {
		[alice.user_id]: {
			[alice.device_id]: signedDevice,
			UNKNOWN: signedDevice,
			[alice.keys.master.id]: alice.keys.userSigning.sign(alice.keys.body.master_key),
		},
		[bob.user_id]: {
			[bob.keys.master.id]: signedBob,
			[bob.device_id]: alice.keys.userSigning.sign(bob.device.deviceKeys),
		},
		[mallory.user_id]: {[mallory.keys.master.id]: alice.keys.userSigning.sign(mallory.keys.body.master_key)},
	});
	const codes = Object.fromEntries(
		Object.entries(done.failures).map(([user, keys]) => [
			user,
			Object.fromEntries(Object.entries(keys).map(([key, {errcode}]) => [key, errcode])),
		]),
	);
	t.deepEqual(codes, {
		[alice.user_id]: {UNKNOWN: 'M_NOT_FOUND', [alice.keys.master.id]: 'M_INVALID_SIGNATURE'},
		[bob.user_id]: {[bob.device_id]: 'M_NOT_FOUND'},
		[mallory.user_id]: {[mallory.keys.master.id]: 'M_NOT_FOUND'},
	});
	const mine = await query(app, alice, alice.user_id, bob.user_id);
	t.deepEqual(mine.device_keys[alice.user_id]?.[alice.device_id], signedDevice as Signed);
	t.deepEqual(mine.master_keys[bob.user_id], signedBob as Signed);
	const theirs = await query(app, bob, alice.user_id, bob.user_id);
	t.deepEqual(theirs.device_keys[alice.user_id]?.[alice.device_id], signedDevice as Signed);
	t.deepEqual(theirs.master_keys[bob.user_id], bob.keys.body.master_key as Signed, 'who vouches for one is not told');
	t.deepEqual(Object.keys(theirs.user_signing_keys), [bob.user_id]);
});

test('a signed key must be the key that was published, and carry a signature that holds', async (t) => {
	const app = await startApp(t);
	const alice = await join(app, 'alice');
	t.is((await upload(app, alice, alice.keys.body)).status, 200);
	const {selfSigning} = alice.keys;
	const good = selfSigning.sign(alice.device.deviceKeys) as Signed;
	const own = good.signatures?.[alice.user_id] ?? {};
	const rows: [unknown, string][] = [
		[{...good, algorithms: []}, 'M_INVALID_PARAM'],
		[selfSigning.sign({...alice.device.deviceKeys, algorithms: []}), 'M_INVALID_PARAM'],
		[
			{...good, signatures: {[alice.user_id]: {...own, [`ed25519:${selfSigning.id}`]: 'A'.repeat(86)}}},
			'M_INVALID_SIGNATURE',
		],
		[{...good, signatures: {[alice.user_id]: {[`ed25519:${selfSigning.id}`]: 'AAAA'}}}, 'M_INVALID_SIGNATURE'],
		[{...good, signatures: {}}, 'M_INVALID_SIGNATURE'],
		[{...good, signatures: {'@other:news.example': own}}, 'M_INVALID_SIGNATURE'],
	];
	for (const [bad, errcode] of rows) {
		const {failures} = await sign(app, alice, {[alice.user_id]: {[alice.device_id]: bad}});
		t.is(failures[alice.user_id]?.[alice.device_id]?.errcode, errcode, JSON.stringify(bad).slice(0, 120));
	}
	const {failures} = await sign(app, alice, {[alice.user_id]: {[alice.device_id]: good}});
	t.deepEqual(failures, {});
	for (const body of [[], {[alice.user_id]: 'all'}, {[alice.user_id]: [good]}]) {
		t.is((await request(app, 'POST', SIGN, {token: alice.access_token, body})).status, 400);
	}
});

test('another master key voids what the one before vouched for', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await join(app, 'alice'), await join(app, 'bobby')];
	for (const person of [alice, bob]) t.is((await upload(app, person, person.keys.body)).status, 200);
	await shareRoom(app, alice, bob);
	const signedBob = alice.keys.userSigning.sign(bob.keys.body.master_key);
	await sign(app, alice, {
		[alice.user_id]: {[alice.device_id]: alice.keys.selfSigning.sign(alice.device.deviceKeys)},
		[bob.user_id]: {[bob.keys.master.id]: signedBob},
	});
	t.deepEqual((await query(app, alice, bob.user_id)).master_keys[bob.user_id], signedBob as Signed);
	const other = createCrossSigningKeys(alice.user_id, alice.device).body;
	const {session} = (await upload(app, alice, other)).body;
	const auth = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
		session,
	};
	t.is((await upload(app, alice, {master_key: other.master_key, auth})).status, 200);
	const {device_keys: devices, self_signing_keys: selfSigning} = await query(app, alice, alice.user_id);
	t.deepEqual(devices[alice.user_id]?.[alice.device_id], alice.device.deviceKeys as Signed);
	t.deepEqual(selfSigning, {});
	const {master_keys: masters} = await query(app, alice, bob.user_id);
	t.deepEqual(masters[bob.user_id], bob.keys.body.master_key as Signed);
});
