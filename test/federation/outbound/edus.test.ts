import test from 'ava';
import type {DeviceId, EventId, JsonObject, UserId} from '../../../crypto/index.ts';
import {createEdu, OutboundError} from '../../../federation/outbound/index.ts';
import {alice, room, SenderWorld, sendToDevice, them} from './sender-world.ts';

const down = () => Promise.reject(new OutboundError('unreachable', 'down'));

test('to-device messages arrive once, in order, and are removed when they have', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	for (let message = 0; message < 150; message++) await sendToDevice(world, `${message}`);
	await world.settle();
	const edus = world.sent.flatMap((transaction) => transaction.edus);
	t.deepEqual(
		edus.map(({edu_type, content}) => [edu_type, (content as JsonObject)['message_id']]),
		Array.from({length: 150}, (_, message) => ['m.direct_to_device', `${message}`]),
	);
	t.true(world.sent.every((transaction) => transaction.edus.length <= 100));
	t.deepEqual(await world.storage.federation.listOutgoingEdus(them, {after: 0, upto: 1e9, limit: 10}), []);
});

test('public receipts of our people are sent to the servers of the room, private ones to nobody', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const batch = world.storage.batch();
	const read = (userId: string, type: string, threadId: string | null) => {
		const pos = batch.announce({kind: 'receipt', roomId: room, subject: userId});
		const eventId = '$e' as EventId;
		world.storage.receipts.set(batch, {
			roomId: room,
			userId: userId as UserId,
			type,
			threadId,
			eventId,
			ts: 5,
			data: {},
			pos,
		});
	};
	read(alice, 'm.read', 'main');
	read(alice, 'm.read', null);
	read('@carol:us.example', 'm.read', null);
	read('@carol:us.example', 'm.read.private', null);
	read('@bob:them.example', 'm.read', null);
	await world.storage.commit(batch);
	await world.settle();
	t.deepEqual(
		world.sent.map(({edus, pdus}) => [pdus, edus] as unknown[]),
		[
			[
				[],
				[
					{
						edu_type: 'm.receipt',
						content: {
							[room]: {
								'm.read': {
									[alice]: {event_ids: ['$e'], data: {ts: 5}},
									'@carol:us.example': {event_ids: ['$e'], data: {ts: 5}},
								},
							},
						},
					},
					{
						edu_type: 'm.receipt',
						content: {[room]: {'m.read': {[alice]: {event_ids: ['$e'], data: {ts: 5, thread_id: 'main'}}}}},
					},
				],
			],
		],
	);
});

const typing = (isTyping: boolean) => createEdu('m.typing', {room_id: room, user_id: alice, typing: isTyping});

test('typing is sent at once and kept by nobody', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	world.sender.sendEphemeral(room, alice, typing(true));
	await world.settle();
	t.deepEqual(world.sent.map(({edus}) => edus) as unknown[], [[typing(true)]]);
	t.is(await world.storage.cursors.find('federation:them.example'), undefined);
	world.answer = down;
	world.sender.sendEphemeral(room, alice, typing(false));
	await world.settle();
	t.is(world.sent.length, 2);
	world.answer = () => Promise.resolve({});
	await world.sendEvents(1);
	await world.settle();
	t.deepEqual(world.sent[2]?.edus, []);
	t.deepEqual(world.bodies(), ['1']);
});

test('a change of devices or cross-signing keys is told to the servers that share a room with the user, once for each transaction', async (t) => {
	const world = await SenderWorld.open(t);
	const {storage, sender} = world;
	await sender.start();
	const batch = storage.batch();
	const pos = batch.announce({kind: 'state', roomId: room});
	storage.memberships.addServer(batch, room, them, pos);
	for (const [userId, isLocal] of [
		[alice, true],
		['@bob:them.example', false],
	] as const) {
		const membership = {
			roomId: room,
			userId: userId as UserId,
			membership: 'join',
			eventNid: null,
			sender: alice,
		} as const;
		storage.memberships.set(batch, {...membership, isLocal, strippedState: null, pos});
	}
	const keys = {userId: alice, deviceId: 'PHONE' as DeviceId, json: {algorithms: []}, displayName: 'a secret name'};
	storage.keys.setDeviceKeys(batch, keys);
	storage.keys.setCrossSigningKey(batch, {userId: alice, usage: 'master', json: {usage: ['master']}});
	batch.announce({kind: 'device_list', subject: alice});
	batch.announce({kind: 'device_list', subject: '@carol:us.example'});
	batch.announce({kind: 'device_list', subject: '@bob:them.example'});
	const last = batch.announce({kind: 'device_list', subject: alice});
	await storage.commit(batch);
	await world.settle();
	const update = {user_id: alice, device_id: 'PHONE', stream_id: last.value, prev_id: [0], keys: {algorithms: []}};
	t.deepEqual(world.sent.map(({edus}) => edus) as unknown[], [
		[
			{edu_type: 'm.device_list_update', content: update},
			{edu_type: 'm.signing_key_update', content: {user_id: alice, master_key: {usage: ['master']}}},
		],
	]);
	const removal = storage.batch();
	storage.keys.removeDeviceKeys(removal, alice);
	removal.announce({kind: 'device_list', subject: alice});
	await storage.commit(removal);
	await world.settle();
	t.like(world.sent[1]?.edus[0], {content: {device_id: 'none', deleted: true}});
});

test("a user's join tells the servers that are met in the room to follow the user's devices", async (t) => {
	const world = await SenderWorld.open(t);
	const {storage, sender} = world;
	await sender.start();
	const batch = storage.batch();
	const pos = batch.announce({kind: 'state', roomId: room});
	storage.memberships.addServer(batch, room, them, pos);
	const membership = {
		roomId: room,
		membership: 'join',
		eventNid: null,
		sender: alice,
		strippedState: null,
		pos,
	} as const;
	storage.memberships.set(batch, {...membership, userId: alice, isLocal: true});
	storage.memberships.set(batch, {...membership, userId: '@bob:them.example' as UserId, isLocal: false});
	await storage.commit(batch);
	await world.sendEvents(1, {json: {type: 'm.room.member', state_key: alice, content: {membership: 'join'}}});
	await world.settle();
	t.like(world.sent[0], {edus: [{edu_type: 'm.device_list_update'}]});
	t.is(world.sent[0]?.pdus.length, 1);
});

test('a message to a device may hold fractions, and what has no canonical form at all is left out', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	const batch = world.storage.batch();
	const pos = batch.announce({kind: 'edu', subject: them});
	const contents: JsonObject[] = [{n: 1.5}, {n: 1e300}, {deep: nest(1500)}, {n: 2}];
	for (const content of contents) {
		world.storage.federation.addOutgoingEdu(batch, {destination: them, type: 'm.direct_to_device', content, pos});
	}
	await world.storage.commit(batch);
	await world.settle();
	t.regex(world.sent[0]?.raw ?? '', /"n":1\.5\}/);
	t.like(world.sent[0]?.edus.at(-1), {content: {n: 2}});
	t.deepEqual(world.sender.figures().active, 0);
});

test('EDUs that were announced at one position are sent together, within the limit of a transaction', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	const batch = world.storage.batch();
	for (let turn = 0; turn < 5; turn++) {
		const pos = batch.announce({kind: 'edu', subject: them});
		for (let index = 0; index < 30; index++) {
			const content = {message_id: `${turn}.${index}`};
			world.storage.federation.addOutgoingEdu(batch, {destination: them, type: 'm.direct_to_device', content, pos});
		}
	}
	await world.storage.commit(batch);
	await world.settle();
	t.deepEqual(
		world.sent.map(({edus}) => edus.length),
		[60, 60, 30],
	);
});

function nest(depth: number): JsonObject {
	let nested: JsonObject = {};
	for (let level = 0; level < depth; level++) nested = {a: nested};
	return nested;
}
