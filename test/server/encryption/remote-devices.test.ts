import test from 'ava';
import fc from 'fast-check';
import {type DeviceId, type JsonObject, type JsonValue, LosslessNumber, type UserId} from '../../../crypto/index.ts';
import type {JsonText} from '../../../storage/index.ts';
import {createCrossSigningKeys, createTestDevice, type TestDevice, until} from '../../harness/index.ts';
import {ALICE, BOB, caller, createWorld, type RemoteWorld, THERE, unreachable} from './remote-world.ts';

const deviceOf = (deviceId: string): TestDevice =>
	createTestDevice({user_id: BOB, device_id: deviceId, access_token: ''});

const phone = deviceOf('PHONE');
const desk = deviceOf('DESK');

const update = (deviceId: string, streamId: number, previous: number[], over: JsonObject = {}): JsonObject => ({
	user_id: BOB,
	device_id: deviceId,
	stream_id: streamId,
	prev_id: previous,
	...over,
});

const read = ({text}: JsonText): unknown => JSON.parse(text);

const shown = async (world: RemoteWorld) => Object.keys((await world.query()).deviceKeys[BOB] ?? {}).toSorted();

/** Has Bob's list asked for by an update after a gap, which gives it its number. */
async function resync(world: RemoteWorld): Promise<void> {
	await world.query();
	world.advance(10_000);
	const {asked} = world.other;
	const before = asked.length;
	await world.encryption.receive.deviceListUpdate(THERE, update('PHONE', world.other.streamId, [0]));
	await until(() => asked.length > before, 'the list is asked for');
	await until(
		async () => (await world.storage.keys.findRemoteDeviceLists([BOB])).get(BOB)?.isStale === false,
		'the list is kept',
	);
}

test('a list is asked for once, then kept, and follows updates without asking', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	t.deepEqual(await shown(world), ['PHONE']);
	t.deepEqual(await shown(world), ['PHONE']);
	t.deepEqual(world.other.asked, ['query']);
	world.other.streamId = 5;
	await resync(world);
	t.deepEqual(world.other.asked, ['query', 'devices']);
	const before = await world.countAnnounced();
	await world.encryption.receive.deviceListUpdate(THERE, update('DESK', 6, [5], {keys: desk.deviceKeys}));
	await world.encryption.receive.deviceListUpdate(THERE, update('DESK', 6, [5], {keys: desk.deviceKeys}));
	t.deepEqual(await shown(world), ['DESK', 'PHONE']);
	await world.encryption.receive.deviceListUpdate(THERE, update('PHONE', 7, [6], {deleted: true}));
	t.deepEqual(await shown(world), ['DESK']);
	await world.encryption.receive.deviceListUpdate(THERE, update('DESK', 8, [7]));
	t.deepEqual(await shown(world), [], 'a device without keys has none');
	t.deepEqual(world.other.asked, ['query', 'devices']);
	t.is((await world.countAnnounced()) - before, 3, 'the repeated one is no news');
});

test('after a gap the list is asked for again, and all who want it wait for one answer', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	await world.query();
	world.advance(10_000);
	let release = (): void => undefined;
	const gate = new Promise<void>((resolve) => {
		release = resolve;
	});
	world.other.devices = {PHONE: phone.deviceKeys, DESK: desk.deviceKeys};
	world.other.streamId = 9;
	world.other.beforeAnswer = () => gate;
	await world.encryption.receive.deviceListUpdate(THERE, update('DESK', 9, [8]));
	const answers = Promise.all(Array.from({length: 5}, () => shown(world)));
	await until(() => world.other.asked.length === 2, 'one question');
	release();
	for (const devices of await answers) t.deepEqual(devices, ['DESK', 'PHONE']);
	t.deepEqual(world.other.asked, ['query', 'devices']);
	t.is(await world.countAnnounced(), 1);
});

test('D5: a storm of updates costs one question and one announcement until somebody looks', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	await world.query();
	for (let index = 1; index <= 500; index += 1) {
		await world.encryption.receive.deviceListUpdate(THERE, update(`FAKE${index}`, index * 10, [index * 10 - 1]));
	}
	t.is(await world.countAnnounced(), 1);
	t.deepEqual(world.other.asked, ['query'], 'asked a moment ago');
	t.deepEqual(await shown(world), ['PHONE']);
	t.deepEqual(world.other.asked, ['query', 'query']);
	const many = Object.fromEntries(
		Array.from({length: 1200}, (_, index) => {
			const keys = {[`ed25519:D${index}`]: phone.key.id};
			return [`D${index}`, {...phone.deviceKeys, device_id: `D${index}`, keys, signatures: {}}];
		}),
	);
	world.other.devices = many;
	world.advance(10_000);
	await world.encryption.receive.deviceListUpdate(THERE, update('D1', 90_000, [1]));
	t.is((await shown(world)).length, 1000, 'and no more devices are kept than anybody has');
});

test('an update that overtakes the list on its way makes it stale again', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	world.other.beforeAnswer = () =>
		world.encryption.receive.deviceListUpdate(THERE, update('DESK', 3, [2], {keys: desk.deviceKeys}));
	t.deepEqual(await shown(world), ['PHONE']);
	world.other.beforeAnswer = () => undefined;
	world.other.devices = {PHONE: phone.deviceKeys, DESK: desk.deviceKeys};
	t.true((await world.storage.keys.findRemoteDeviceLists([BOB])).get(BOB)?.isStale);
	t.true((await world.countAnnounced()) > 0);
	t.deepEqual(await shown(world), ['DESK', 'PHONE']);
});

test('a list is kept only while a room is shared without a break', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	await world.query();
	await world.setMembership(ALICE, 'leave');
	await world.query();
	t.is(world.other.asked.length, 2, 'no room is shared');
	await world.setMembership(ALICE, 'join');
	world.other.devices = {DESK: desk.deviceKeys};
	t.deepEqual(await shown(world), ['DESK'], 'what changed in between was not told');
	await world.query();
	t.is(world.other.asked.length, 3);
	await world.setMembership(BOB, 'leave');
	await world.encryption.receive.deviceListUpdate(THERE, update('DESK', 5, [4]));
	t.is(await world.countAnnounced(), 0, 'updates of people whom nobody meets are dropped');
});

test('a server that does not answer is a failure at once for a while, and then asked again', async (t) => {
	const world = await createWorld(t);
	world.other.beforeAnswer = unreachable;
	t.deepEqual((await world.query()).unreachable, [THERE]);
	t.deepEqual((await world.query()).unreachable, [THERE]);
	t.is(world.other.asked.length, 1);
	world.advance(20_000);
	world.other.beforeAnswer = () => undefined;
	const answer = await world.query();
	t.deepEqual(answer.unreachable, []);
	t.deepEqual(answer.deviceKeys, {[BOB]: {}});
	const foreign = await world.encryption.queryKeys(caller, new Map([['@eve:not.allowed' as UserId, []]]), 1000);
	t.deepEqual(foreign.unreachable, ['not.allowed']);
});

test('B10: faulty keys of another server cost those keys alone', async (t) => {
	const world = await createWorld(t);
	const keys = createCrossSigningKeys(BOB, phone);
	world.other.devices = {
		PHONE: phone.deviceKeys,
		DESK: phone.deviceKeys,
		EMPTY: {},
		HUGE: {...deviceOf('HUGE').deviceKeys, padding: 'x'.repeat(20_000)},
	};
	world.other.masterKey = keys.body.master_key;
	world.other.selfSigningKey = keys.userSigning.sign(keys.body.self_signing_key);
	const answer = await world.query();
	t.deepEqual(Object.keys(answer.deviceKeys[BOB] ?? {}), ['PHONE']);
	t.deepEqual(answer.masterKeys[BOB], keys.body.master_key);
	t.deepEqual(answer.selfSigningKeys[BOB]?.['keys'], keys.body.self_signing_key['keys'], 'its master has signed it');
	world.other.selfSigningKey = {...keys.body.self_signing_key, signatures: {}};
	world.advance(10_000);
	await world.encryption.receive.deviceListUpdate(THERE, update('PHONE', 4, [3]));
	await until(async () => (await world.query()).selfSigningKeys[BOB] === undefined, 'without it, it is none');
});

test('another identity is taken in where it is told by its own server', async (t) => {
	const world = await createWorld(t);
	const [first, second] = [createCrossSigningKeys(BOB, phone), createCrossSigningKeys(BOB, phone)];
	world.other.devices = {PHONE: phone.deviceKeys};
	world.other.masterKey = first.body.master_key;
	world.other.selfSigningKey = first.body.self_signing_key;
	await world.query();
	const news = {user_id: BOB, master_key: second.body.master_key, self_signing_key: second.body.self_signing_key};
	await world.encryption.receive.signingKeyUpdate('evil.example' as never, news);
	t.is(await world.countAnnounced(), 0);
	await world.encryption.receive.signingKeyUpdate(THERE, news);
	await world.encryption.receive.signingKeyUpdate(THERE, news);
	t.is(await world.countAnnounced(), 1);
	const answer = await world.query();
	t.deepEqual(answer.masterKeys[BOB], second.body.master_key);
	t.deepEqual(answer.selfSigningKeys[BOB], second.body.self_signing_key);
	t.deepEqual(world.other.asked, ['query']);
});

test('D4: nobody speaks for another server’s people', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	await world.query();
	const evil = 'evil.example' as never;
	await world.encryption.receive.deviceListUpdate(evil, update('PHONE', 2, [1], {deleted: true}));
	await world.encryption.receive.deviceListUpdate(THERE, {...update('PHONE', 2, [1]), user_id: ALICE});
	t.is(await world.countAnnounced(), 0);
	t.deepEqual(await shown(world), ['PHONE']);
});

test('whatever another server sends as news, nothing fails and nothing is announced', async (t) => {
	const world = await createWorld(t);
	const {receive} = world.encryption;
	const before = world.storage.stream.head();
	const odd = fc.dictionary(
		fc.constantFrom('user_id', 'device_id', 'stream_id', 'prev_id', 'keys', 'sender', 'type', 'messages', 'master_key'),
		fc.oneof(fc.jsonValue(), fc.constantFrom(BOB, ALICE, 'PHONE', -1, 1e300, {[ALICE]: {'*': 5}})),
	);
	await fc.assert(
		fc.asyncProperty(odd, async (content) => {
			const json = {...content, stream_id: 'none', message_id: ''} as JsonObject;
			await receive.deviceListUpdate(THERE, json);
			await receive.signingKeyUpdate(THERE, json);
			await receive.directToDevice(THERE, json);
		}),
		{seed: 7, numRuns: 200},
	);
	t.is(world.storage.stream.head(), before);
	t.deepEqual(world.problems, []);
	t.deepEqual(await shown(world), [], 'and it still answers');
});

test('messages of a partner server arrive once, and only from its own people to who is known there', async (t) => {
	const world = await createWorld(t);
	const {storage, encryption} = world;
	const device = 'ALICEDEVICE' as DeviceId;
	const batch = storage.batch();
	for (const userId of [ALICE, '@carol:here.example' as UserId]) {
		storage.devices.add(batch, {userId, deviceId: device, displayName: null, lastSeenDay: null});
	}
	await storage.commit(batch);
	const waiting = async (userId: UserId) => {
		const range = {after: 0, upto: storage.stream.head(), limit: 100};
		return (await storage.toDevice.list(userId, device, range)).map(({content}) => content['n']);
	};
	const send = (messageId: string, n: number, over: JsonObject = {}, origin = THERE) =>
		encryption.receive.directToDevice(origin, {
			sender: BOB,
			type: 'm.room_key',
			message_id: messageId,
			messages: {[ALICE]: {[device]: {n}}, '@carol:here.example': {'*': {n}}, [BOB]: {'*': {n}}, nobody: {}},
			...over,
		});
	await Promise.all(Array.from({length: 10}, () => send('a', 1)));
	await send('b', 2);
	await send('a', 3);
	await send('c', 4, {sender: ALICE});
	await send('d', 5, {}, 'evil.example' as never);
	await send('e', 6, {message_id: 7});
	await send('f', 7, {messages: {[ALICE]: {[device]: 'text', OTHER: {n: 8}}}});
	t.deepEqual(await waiting(ALICE), [1, 2]);
	t.deepEqual(await waiting('@carol:here.example' as UserId), [], 'who shares no room with that server');
	await world.setMembership('@carol:here.example' as UserId, 'invite', BOB);
	await send('g', 9);
	t.deepEqual(await waiting('@carol:here.example' as UserId), [9], 'who is invited by one of its people');
});

test('one-time keys of other servers’ people are asked for, and only what was asked is passed on', async (t) => {
	const world = await createWorld(t);
	const keys = {...phone.oneTimeKeys('A')};
	world.other.claims.push(() =>
		Promise.resolve({[BOB]: {PHONE: keys as JsonObject, DESK: desk.oneTimeKeys('A') as JsonObject}} as never),
	);
	const claim = (algorithm: string) =>
		world.encryption.claimKeys(caller, new Map([[BOB, new Map([['PHONE' as DeviceId, algorithm]])]]), 1000);
	const claimed = await claim('signed_curve25519');
	t.deepEqual(read(claimed.oneTimeKeys), {[BOB]: {PHONE: keys}});
	t.deepEqual(claimed.unreachable, []);
	t.deepEqual(read((await claim('other')).oneTimeKeys), {});
	world.other.beforeAnswer = unreachable;
	t.deepEqual((await claim('signed_curve25519')).unreachable, [THERE]);
});

test('B10: what another server gives in place of a one-time key is not passed on', async (t) => {
	const world = await createWorld(t);
	const good = phone.oneTimeKeys('A')['signed_curve25519:A'] as JsonObject;
	const odd: readonly JsonValue[] = [
		null,
		5,
		[],
		{},
		{...good, key: 5},
		{key: good['key'] as string},
		{...good, signatures: 'x'},
		{...good, more: new LosslessNumber('1.5')},
		{...good, more: 'x'.repeat(5_000)},
		'x'.repeat(5_000),
	];
	let answer: JsonValue = null;
	world.other.claims.push(() =>
		Promise.resolve({[BOB]: {PHONE: {'signed_curve25519:A': answer} as JsonObject}} as never),
	);
	const claim = async () => {
		const claims = new Map([[BOB, new Map([['PHONE' as DeviceId, 'signed_curve25519']])]]);
		return read((await world.encryption.claimKeys(caller, claims, 1000)).oneTimeKeys);
	};
	for (answer of odd) t.deepEqual(await claim(), {}, JSON.stringify(answer).slice(0, 100));
	// Signatures of others, and those that are none, are nobody's business.
	answer = {...good, signatures: {...(good['signatures'] as JsonObject), '@mallory:there.example': {a: 5}, x: null}};
	t.deepEqual(await claim(), {[BOB]: {PHONE: {'signed_curve25519:A': good}}});
});

test('another server sees the keys of those it shares rooms with, without names, and of others nothing', async (t) => {
	const world = await createWorld(t);
	const {storage, encryption} = world;
	const device = createTestDevice({user_id: ALICE, device_id: 'ALICEDEVICE', access_token: ''});
	const batch = storage.batch();
	const owner = {userId: ALICE, deviceId: 'ALICEDEVICE' as DeviceId};
	storage.devices.add(batch, {...owner, displayName: 'Desk at the office', lastSeenDay: null});
	await storage.commit(batch);
	await encryption.uploadKeys(owner, {deviceKeys: device.deviceKeys, oneTimeKeys: device.oneTimeKeys('A')});
	const wanted = new Map([
		[ALICE, []],
		['@nobody:here.example' as UserId, []],
		[BOB, []],
	]);
	const seen = await encryption.queryKeysForServer(THERE, wanted);
	t.deepEqual(seen.deviceKeys, {[ALICE]: {ALICEDEVICE: device.deviceKeys}, '@nobody:here.example': {}});
	const stranger = 'evil.example' as never;
	t.deepEqual((await encryption.queryKeysForServer(stranger, wanted)).deviceKeys, {
		[ALICE]: {},
		'@nobody:here.example': {},
	});
	const claims = new Map([[ALICE, new Map([[owner.deviceId, 'signed_curve25519']])]]);
	t.deepEqual(read(await encryption.claimKeysForServer(stranger, claims)), {});
	t.deepEqual(read(await encryption.claimKeysForServer(THERE, claims)), {
		[ALICE]: {ALICEDEVICE: device.oneTimeKeys('A')},
	});
	const listed = await encryption.listDevicesForServer(THERE, ALICE);
	t.deepEqual(listed.devices, [{deviceId: 'ALICEDEVICE', keys: device.deviceKeys}]);
	for (const [origin, userId] of [
		[stranger, ALICE],
		[THERE, '@nobody:here.example'],
		[THERE, BOB],
	] as const) {
		await t.throwsAsync(encryption.listDevicesForServer(origin, userId as UserId), {code: 'forbidden'});
	}
});

test('D5: a server that always tells of a gap is asked now and then, one question at a time, and less while it is silent', async (t) => {
	const world = await createWorld(t);
	world.other.devices = {PHONE: phone.deviceKeys};
	await world.query();
	let [underway, most] = [0, 0];
	world.other.beforeAnswer = async () => {
		most = Math.max(most, (underway += 1));
		await new Promise((resolve) => setImmediate(resolve));
		underway -= 1;
	};
	const before = world.other.asked.length;
	// Its own list never has the number that it tells of, so there is always a gap.
	const storm = async (from: number) => {
		for (let second = 0; second < 100; second += 1) {
			world.advance(1_000);
			const streamId = from + second * 10;
			await Promise.all(
				['A', 'B', 'C'].map((name) =>
					world.encryption.receive.deviceListUpdate(THERE, update(name, streamId, [streamId - 1])),
				),
			);
			await new Promise((resolve) => setImmediate(resolve));
		}
	};
	await storm(1_000);
	await until(() => underway === 0, 'no question under way');
	const asked = world.other.asked.length - before;
	t.true(asked >= 1 && asked <= 50, `${asked} questions in 100 s`);
	t.is(most, 1);
	world.other.beforeAnswer = unreachable;
	const silentFrom = world.other.asked.length;
	await storm(10_000);
	const unanswered = world.other.asked.length - silentFrom;
	t.true(unanswered < asked, `${unanswered} questions in 100 s of silence, ${asked} before`);
});
