import test from 'ava';
import type {DeviceId, UserId} from '../../../../crypto/index.ts';
import {type App, call, login, register, request, type Session, startApp} from '../../../harness/index.ts';

const SEND = '/_matrix/client/v3/sendToDevice';

const send = (app: App, {access_token: token}: Session, txnId: string, messages: unknown, type = 'm.room_key') =>
	request(app, 'PUT', `${SEND}/${type}/${txnId}`, {token, body: {messages}});

/** What waits for a device. */
async function listWaiting({application: {storage}}: App, {user_id: userId, device_id: deviceId}: Session) {
	const range = {after: 0, upto: storage.stream.head(), limit: 1000};
	const rows = await storage.toDevice.list(userId as UserId, deviceId as DeviceId, range);
	return rows.map(({sender, type, content}) => ({sender, type, content}));
}

async function shareRoom(app: App, a: Session, b: Session): Promise<void> {
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: a.access_token,
		body: {preset: 'private_chat', invite: [b.user_id]},
	});
	await call(app, 'POST', `/_matrix/client/v3/join/${roomId}`, {token: b.access_token, body: {}});
}

test('messages reach their devices in the order they were sent, and * reaches all of them', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const bob = await register(app, 'bobby');
	const second = await login(app, 'bobby');
	await shareRoom(app, alice, bob);
	t.is((await send(app, alice, '1', {[bob.user_id]: {[bob.device_id]: {n: 1}}})).status, 200);
	t.is((await send(app, alice, '2', {[bob.user_id]: {'*': {n: 2}}})).status, 200);
	t.is(
		(await send(app, alice, '3', {[bob.user_id]: {'*': {n: 3}, [bob.device_id]: {n: 4}, NONE: {n: 5}}})).status,
		200,
	);
	const from = {sender: alice.user_id, type: 'm.room_key'};
	t.deepEqual(await listWaiting(app, bob), [
		{...from, content: {n: 1}},
		{...from, content: {n: 2}},
		{...from, content: {n: 4}},
	]);
	t.deepEqual(await listWaiting(app, second), [
		{...from, content: {n: 2}},
		{...from, content: {n: 3}},
	]);
	t.deepEqual(await listWaiting(app, alice), []);
});

test('E11: the same request sends once: again, at once, and from another device not', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const second = await login(app, 'alice');
	const messages = {[alice.user_id]: {[alice.device_id]: {n: 1}}};
	const answers = await Promise.all(Array.from({length: 64}, () => send(app, alice, 'same', messages)));
	t.true(answers.every(({status, text}) => status === 200 && text === '{}'));
	t.is((await listWaiting(app, alice)).length, 1);
	await send(app, alice, 'same', {[alice.user_id]: {[alice.device_id]: {n: 2}}});
	t.is((await listWaiting(app, alice)).length, 1);
	await send(app, second, 'same', messages);
	await send(app, alice, 'same', messages, 'm.other');
	t.is((await listWaiting(app, alice)).length, 3);
});

test('strangers are answered alike for everybody, and reach nobody', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const mallory = await register(app, 'mallory');
	const content = {'*': {}};
	const toSomebody = await send(app, mallory, '1', {[alice.user_id]: content});
	const toNobody = await send(app, mallory, '2', {'@alicf:news.example': content});
	t.is(toSomebody.status, 200);
	t.is(toSomebody.text, toNobody.text);
	t.deepEqual(await listWaiting(app, alice), []);
});

test('B10, A9: what is no message, or could not be sent on, is refused as a whole', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {access_token: token, user_id: user, device_id: device} = alice;
	const rows: [unknown, number][] = [
		[{}, 400],
		[{messages: []}, 400],
		[{messages: {[user]: 'all'}}, 400],
		[{messages: {[user]: {[device]: 'text'}}}, 400],
		[{messages: {[user]: {[device]: null}}}, 400],
		[{messages: {[user]: {[device]: {n: 1.5}}}}, 400],
		[{messages: {[user]: {[device]: {n: 2 ** 53}}}}, 400],
		[{messages: {[user]: {[device]: {}, ['x'.repeat(256)]: {}}}}, 400],
		[{messages: {[user]: {[device]: {text: 'x'.repeat(65_536)}}}}, 413],
		[{messages: {[user]: Object.fromEntries(Array.from({length: 2001}, (_, n) => [`D${n}`, {}]))}}, 400],
	];
	for (const [index, [body, status]] of rows.entries()) {
		const answer = await request(app, 'PUT', `${SEND}/m.test/${index}`, {token, body});
		t.is(answer.status, status, JSON.stringify(body).slice(0, 100));
	}
	t.is((await send(app, alice, 'x'.repeat(256), {})).status, 400);
	t.is((await send(app, alice, '1', {}, 'x'.repeat(256))).status, 400);
	t.is((await request(app, 'PUT', `${SEND}/m.test/1`, {body: {messages: {}}})).status, 401);
	t.is((await send(app, alice, 'odd', {'no user': {'*': {}}, __proto__: {}})).status, 200);
	t.deepEqual(await listWaiting(app, alice), []);
});

test('messages for people elsewhere are owed to their servers in small parts, with what they belong to', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {storage} = app.application;
	const destination = 'elsewhere.example' as never;
	const owed = async () => {
		const range = {after: 0, upto: storage.stream.head(), limit: 1000};
		return storage.federation.listOutgoingEdus(destination, range);
	};
	const bob = '@bob:elsewhere.example';
	const big = {text: 'x'.repeat(40_000)};
	t.is((await send(app, alice, '1', {[bob]: {A: big}})).status, 200);
	t.deepEqual(await owed(), [], 'strangers elsewhere are not written to');
	// The other server's part in the room is not played here: its person's membership is written as the engine would.
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {},
	});
	const batch = storage.batch();
	storage.memberships.set(batch, {
		roomId: roomId as never,
		userId: bob as never,
		membership: 'join',
		eventNid: null,
		sender: bob as never,
		isLocal: false,
		strippedState: null,
		pos: batch.announce({kind: 'membership', subject: bob}),
	});
	await storage.commit(batch);
	t.is((await send(app, alice, '2', {[bob]: {A: big, B: big, '*': {n: 1}}})).status, 200);
	const edus = await owed();
	t.deepEqual(
		edus.map(({type, content}) => [type, content['sender'], content['type'], content['messages']]),
		[
			['m.direct_to_device', alice.user_id, 'm.room_key', {[bob]: {A: big}}],
			['m.direct_to_device', alice.user_id, 'm.room_key', {[bob]: {B: big, '*': {n: 1}}}],
		],
	);
	const ids = edus.map(({content}) => content['message_id']);
	t.is(new Set(ids).size, 2);
	t.true(ids.every((id) => typeof id === 'string' && id.length > 0 && id.length <= 32));
	await send(app, alice, '2', {[bob]: {A: big}});
	t.is((await owed()).length, 2);
});

test('a message reaches people and devices by the hundreds, also through one who waits', async (t) => {
	const app = await startApp(t);
	const {storage} = app.application;
	const alice = await register(app, 'alice');
	const people = await Promise.all(['bobby', 'carol'].map((name) => register(app, name)));
	for (const person of people) await shareRoom(app, alice, person);
	const waits = people.map(async ({access_token: token}) => {
		const sync = (since: string) =>
			call<{next_batch: string; to_device?: {events: {content: object}[]}}>(
				app,
				'GET',
				`/_matrix/client/v3/sync?timeout=${since === '' ? 0 : 20_000}&since=${since}`,
				{token},
			);
		let answer = await sync('');
		while (answer.to_device === undefined) answer = await sync(answer.next_batch);
		return answer.to_device.events.map(({content}) => content);
	});
	const batch = storage.batch();
	const many = Array.from({length: 230}, (_, index) => `D${index}` as DeviceId);
	for (const {user_id: userId} of people) {
		for (const deviceId of many) {
			storage.devices.add(batch, {userId: userId as UserId, deviceId, displayName: null, lastSeenDay: null});
		}
	}
	await storage.commit(batch);
	const messages = Object.fromEntries(people.map(({user_id: userId}) => [userId, {'*': {to: userId}}]));
	t.is((await send(app, alice, 'many', messages)).status, 200);
	t.deepEqual(
		await Promise.all(waits),
		people.map(({user_id: userId}) => [{to: userId}]),
	);
	for (const person of people) {
		for (const deviceId of many) {
			const [waiting, ...others] = await listWaiting(app, {...person, device_id: deviceId});
			t.deepEqual([waiting?.content, others.length], [{to: person.user_id}, 0]);
		}
	}
});
