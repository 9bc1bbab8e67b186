import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	createCrossSigningKeys,
	createTestDevice,
	login,
	register,
	type Session,
	startApp,
} from '../../harness/index.ts';

/** Follows what one person is told, from one call to the next. */
function follow(app: App, {user_id: userId}: Session) {
	const {services, storage} = app.application;
	let since = storage.stream.head();
	return async () => {
		const upto = storage.stream.head();
		const {changed, left} = await services.encryption.listDeviceListChanges(userId as UserId, since, upto);
		since = upto;
		return {changed: [...changed].toSorted(), left: [...left].toSorted()};
	};
}

const nothing = {changed: [], left: []};

const post = (app: App, {access_token: token}: Session, path: string, body: object = {}) =>
	call<{room_id: string}>(app, 'POST', `/_matrix/client/v3${path}`, {token, body});

const createRoom = async (app: App, person: Session, body: object = {preset: 'public_chat'}) =>
	(await post(app, person, '/createRoom', body)).room_id;

async function uploadKeys(app: App, person: Session): Promise<void> {
	await post(app, person, '/keys/upload', {device_keys: createTestDevice(person).deviceKeys});
}

test('who shares a room is told of new keys, of changed identities and of devices that go; others are not', async (t) => {
	const app = await startApp(t);
	const [alice, bob, carol] = [
		await register(app, 'alice'),
		await register(app, 'bobby'),
		await register(app, 'carol'),
	];
	const roomId = await createRoom(app, alice);
	await post(app, bob, `/join/${roomId}`);
	const [seenByAlice, seenByBob, seenByCarol] = [follow(app, alice), follow(app, bob), follow(app, carol)];
	const change = {changed: [bob.user_id], left: []};
	await uploadKeys(app, bob);
	t.deepEqual(await seenByAlice(), change);
	t.deepEqual(await seenByBob(), change, 'one’s own other devices are told too');
	t.deepEqual(await seenByCarol(), nothing);
	t.deepEqual(await seenByAlice(), nothing);
	const keys = createCrossSigningKeys(bob.user_id, createTestDevice(bob)).body;
	await post(app, bob, '/keys/device_signing/upload', {master_key: {...keys.master_key, signatures: {}}});
	t.deepEqual(await seenByAlice(), change);
	const second = await login(app, 'bobby');
	await uploadKeys(app, second);
	t.deepEqual(await seenByAlice(), change);
	await post(app, second, '/logout');
	t.deepEqual(await seenByAlice(), change);
	t.deepEqual(await seenByCarol(), nothing);
	await post(app, alice, '/keys/upload', {});
	t.deepEqual(await seenByBob(), change);
});

test('who comes into a room is new to all in it, and all in it are new to them', async (t) => {
	const app = await startApp(t);
	const [alice, bob, carol] = [
		await register(app, 'alice'),
		await register(app, 'bobby'),
		await register(app, 'carol'),
	];
	const roomId = await createRoom(app, alice);
	await post(app, carol, `/join/${roomId}`);
	const [seenByAlice, seenByBob] = [follow(app, alice), follow(app, bob)];
	await post(app, bob, `/join/${roomId}`);
	t.deepEqual(await seenByAlice(), {changed: [bob.user_id], left: []});
	t.deepEqual(await seenByBob(), {changed: [alice.user_id, bob.user_id, carol.user_id], left: []});
	await call(app, 'PUT', `/_matrix/client/v3/profile/${bob.user_id}/displayname`, {
		token: bob.access_token,
		body: {displayname: 'Bob'},
	});
	t.deepEqual(await seenByAlice(), nothing, 'another name is no news of devices');
	await post(app, alice, `/rooms/${roomId}/invite`, {user_id: '@dora:news.example'});
	t.deepEqual(await seenByBob(), nothing);
});

test('who leaves the last common room has left, and is news again on coming back', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const first = await createRoom(app, alice);
	const second = await createRoom(app, alice);
	for (const roomId of [first, second]) await post(app, bob, `/join/${roomId}`);
	const [seenByAlice, seenByBob] = [follow(app, alice), follow(app, bob)];
	await post(app, bob, `/rooms/${first}/leave`);
	t.deepEqual(await seenByAlice(), nothing, 'there is another room');
	t.deepEqual(await seenByBob(), nothing);
	await post(app, alice, `/rooms/${second}/kick`, {user_id: bob.user_id});
	t.deepEqual(await seenByAlice(), {changed: [], left: [bob.user_id]});
	t.deepEqual(await seenByBob(), {changed: [], left: [alice.user_id]});
	await uploadKeys(app, bob);
	t.deepEqual(await seenByAlice(), nothing);
	await post(app, bob, `/join/${second}`);
	t.deepEqual(await seenByAlice(), {changed: [bob.user_id], left: []});
	await seenByBob();
	await post(app, bob, `/rooms/${second}/leave`);
	await post(app, bob, `/join/${second}`);
	t.deepEqual((await seenByAlice()).left, [], 'who went and came back in between is not gone');
});

test('whom one vouches for is told to oneself alone', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const roomId = await createRoom(app, alice);
	await post(app, bob, `/join/${roomId}`);
	const devices = {alice: createTestDevice(alice), bob: createTestDevice(bob)};
	const keysOfAlice = createCrossSigningKeys(alice.user_id, devices.alice);
	const keysOfBob = createCrossSigningKeys(bob.user_id, devices.bob);
	for (const [person, device, keys] of [
		[alice, devices.alice, keysOfAlice],
		[bob, devices.bob, keysOfBob],
	] as const) {
		await post(app, person, '/keys/upload', {device_keys: device.deviceKeys});
		await post(app, person, '/keys/device_signing/upload', keys.body);
	}
	const [seenByAlice, seenByBob] = [follow(app, alice), follow(app, bob)];
	await post(app, alice, '/keys/signatures/upload', {
		[bob.user_id]: {[keysOfBob.master.id]: keysOfAlice.userSigning.sign(keysOfBob.body.master_key)},
	});
	t.deepEqual(await seenByAlice(), {changed: [bob.user_id], left: []});
	t.deepEqual(await seenByBob(), nothing);
});

test('what happened before the server started is found in the database', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const roomId = await createRoom(app, alice);
	const {encryption} = app.application.services;
	const {storage} = app.application;
	const since = storage.stream.head();
	await post(app, bob, `/join/${roomId}`);
	await uploadKeys(app, bob);
	const {createEncryption} = await import('../../../server/encryption/index.ts');
	const later = createEncryption({
		noticesSender: undefined,
		storage,
		serverName: 'news.example' as never,
		visibility: app.application.services.visibility,
		clock: {now: Date.now, monotonic: () => 0, setTimer: () => ({cancel: () => undefined})},
		random: (sizeBytes) => new Uint8Array(sizeBytes),
		remoteKeys: {
			queryKeys: () => Promise.reject(new Error('nobody')),
			claimKeys: () => Promise.reject(new Error('nobody')),
			findDevices: () => Promise.reject(new Error('nobody')),
		},
		mayFederateWith: () => false,
		notices: {add: () => undefined},
		onProblem: () => undefined,
	});
	t.teardown(() => later.close());
	const upto = storage.stream.head();
	const userId = alice.user_id as UserId;
	const expected = {changed: [bob.user_id as UserId], left: []};
	t.deepEqual(await later.listDeviceListChanges(userId, since, upto), expected);
	t.deepEqual(await encryption.listDeviceListChanges(userId, since, upto), expected);
	t.deepEqual(await later.listDeviceListChanges(userId, upto, upto), nothing);
});
