/** What partner servers say in passing: about their own people, where these are, and where the room lets their server speak. */
import test from 'ava';
import type {JsonObject, JsonValue} from '../../../../crypto/index.ts';
import {StorageError} from '../../../../storage/index.ts';
import {call, createTestDevice, register, request, until} from '../../../harness/index.ts';
import {say, setState, startHost, startShared} from './world.ts';

type Shared = Awaited<ReturnType<typeof startShared>>;

interface Synced {
	readonly next_batch: string;
	readonly to_device?: {
		readonly events: readonly {readonly type: string; readonly sender: string; readonly content: object}[];
	};
	readonly device_lists?: {readonly changed?: readonly string[]};
	readonly rooms?: {
		readonly join?: Readonly<
			Record<
				string,
				{readonly ephemeral: {readonly events: readonly {readonly type: string; readonly content: JsonObject}[]}}
			>
		>;
	};
}

const sync = ({app, alice}: Pick<Shared, 'app' | 'alice'>, since?: string): Promise<Synced> =>
	call<Synced>(app, 'GET', `/_matrix/client/v3/sync${since ? `?since=${since}` : ''}`, {token: alice.access_token});

/** What alice is shown in passing in a room. */
async function passingIn(host: Shared, roomId: string, type: string, since?: string): Promise<JsonObject | undefined> {
	const answer = await sync(host, since);
	return answer.rooms?.join?.[roomId]?.ephemeral.events.find((event) => event.type === type)?.content;
}

let transactions = 0;
const tell = ({peer}: Pick<Shared, 'peer'>, type: string, content: JsonObject) =>
	peer.sendEdu(`edu${(transactions += 1)}`, type, content);

const receipt = (roomId: string, userId: string, eventId: string, data: JsonValue = {ts: 1}): JsonObject => ({
	[roomId]: {'m.read': {[userId]: {event_ids: [eventId], data}}},
});

test('a receipt of a partner server’s person is shown to the room, and does not move back', async (t) => {
	const host = await startShared(t);
	const {roomId, bob} = host;
	const [{event_id: first}, {event_id: second}] = [await say(host, roomId, 'first'), await say(host, roomId, 'second')];
	t.is((await tell(host, 'm.receipt', receipt(roomId, bob, first))).status, 200);
	t.deepEqual(await passingIn(host, roomId, 'm.receipt'), {[first]: {'m.read': {[bob]: {ts: 1}}}});
	await tell(host, 'm.receipt', receipt(roomId, bob, second, {ts: 2}));
	await tell(host, 'm.receipt', receipt(roomId, bob, first, {ts: 3}));
	t.deepEqual(await passingIn(host, roomId, 'm.receipt'), {[second]: {'m.read': {[bob]: {ts: 2}}}});
	await tell(host, 'm.receipt', receipt(roomId, bob, first, {ts: 4, thread_id: 'main'}));
	const shown = (await passingIn(host, roomId, 'm.receipt'))?.[first] as JsonObject;
	t.deepEqual(shown, {'m.read': {[bob]: {ts: 4, thread_id: 'main'}}});
});

test('E1: a receipt for what is not of the room, or by who is not in it, is nobody’s', async (t) => {
	const host = await startShared(t);
	const {roomId, bob, peer, alice} = host;
	const {event_id: eventId} = await say(host, roomId, 'here');
	const other = await host.createRoom();
	const {event_id: elsewhere} = await say(host, other, 'elsewhere');
	const forged: readonly JsonObject[] = [
		// Of another room, and in another room, where bob is not.
		receipt(roomId, bob, elsewhere),
		receipt(other, bob, elsewhere),
		receipt(other, bob, eventId),
		receipt('!nosuchroom:news.example', bob, eventId),
		// D4: of people who are not of that server, or not in the room.
		receipt(roomId, alice.user_id, eventId),
		receipt(roomId, '@carol:third.example', eventId),
		receipt(roomId, peer.userId('stranger'), eventId),
		// No receipts.
		receipt(roomId, bob, 'no event'),
		receipt(roomId, bob, eventId, {ts: 1, thread_id: ''}),
		receipt(roomId, bob, eventId, {ts: 1, thread_id: 'x'.repeat(66_000)}),
		receipt(roomId, bob, eventId, {ts: 1, thread_id: 5}),
		{[roomId]: {'m.read.private': {[bob]: {event_ids: [eventId], data: {ts: 1}}}}},
		{[roomId]: {'m.fully_read': {[bob]: {event_ids: [eventId], data: {ts: 1}}}}},
	];
	for (const content of forged) t.is((await tell(host, 'm.receipt', content)).status, 200);
	for (const room of [roomId, other]) t.is(await passingIn(host, room, 'm.receipt'), undefined);
	t.deepEqual(await host.app.application.storage.receipts.listOfUser(roomId, bob), []);
	// Bob leaves: from then on his server says nothing there.
	const leave = await peer.makeMember('leave', roomId, bob);
	await peer.sendMember(leave);
	await tell(host, 'm.receipt', receipt(roomId, bob, eventId));
	t.is(await passingIn(host, roomId, 'm.receipt'), undefined);
});

test('D4: typing is told of a server’s own people, in rooms that they are in', async (t) => {
	const host = await startShared(t);
	const {roomId, bob, peer, alice} = host;
	const other = await host.createRoom();
	const typing = (room: JsonValue, user: JsonValue, isTyping: JsonValue = true): JsonObject => ({
		room_id: room,
		user_id: user,
		typing: isTyping,
	});
	for (const content of [
		typing(roomId, alice.user_id),
		typing(roomId, '@carol:third.example'),
		typing(roomId, peer.userId('stranger')),
		typing(other, bob),
		typing('!nosuchroom:news.example', bob),
		typing(roomId, bob, 'yes'),
		typing(roomId, bob, 1),
		typing(5, bob),
		{},
	]) {
		t.is((await tell(host, 'm.typing', content)).status, 200);
	}
	for (const room of [roomId, other]) t.is(await passingIn(host, room, 'm.typing'), undefined);
	const {next_batch: since} = await sync(host);
	await tell(host, 'm.typing', typing(roomId, bob));
	t.deepEqual(await passingIn(host, roomId, 'm.typing', since), {user_ids: [bob]});
	await tell(host, 'm.typing', typing(roomId, bob, false));
	t.deepEqual(await passingIn(host, roomId, 'm.typing', since), {user_ids: []});
});

test('C9: a server that the room’s access list shuts out neither types nor reads there', async (t) => {
	const host = await startShared(t);
	const {roomId, bob} = host;
	const other = await host.createRoom();
	await host.peer.join(other, bob);
	const [{event_id: here}, {event_id: there}] = [await say(host, roomId, 'here'), await say(host, other, 'there')];
	await setState(host, roomId, 'm.room.server_acl', {allow: ['*'], deny: ['127.*'], allow_ip_literals: true});
	const {next_batch: since} = await sync(host);
	// One EDU for both rooms: what the one refuses costs the other nothing.
	await tell(host, 'm.receipt', {...receipt(roomId, bob, here), ...receipt(other, bob, there)});
	await tell(host, 'm.typing', {room_id: roomId, user_id: bob, typing: true});
	const {rooms} = await sync(host, since);
	t.deepEqual(Object.keys(rooms?.join ?? {}), [other]);
	t.deepEqual(rooms?.join?.[other]?.ephemeral.events[0]?.content, {[there]: {'m.read': {[bob]: {ts: 1}}}});
});

test('D4: messages to devices come from a server’s own people, to who is known there, once', async (t) => {
	const host = await startShared(t);
	const {app, alice, bob, peer} = host;
	const eve = await register(app, 'evelyn');
	const {next_batch: since} = await sync(host);
	const message = (over: JsonObject = {}): JsonObject => ({
		sender: bob,
		type: 'm.x',
		message_id: 'one',
		messages: {[alice.user_id]: {'*': {n: 1}}},
		...over,
	});
	for (const content of [
		message({sender: alice.user_id, message_id: 'a'}),
		message({sender: '@carol:third.example', message_id: 'b'}),
		message({sender: 'bob', message_id: 'c'}),
		message({message_id: 'x'.repeat(300)}),
		message({type: 'x'.repeat(300), message_id: 'd'}),
		message({messages: {[eve.user_id]: {'*': {n: 1}}}, message_id: 'e'}),
		message({messages: {[peer.userId('other')]: {'*': {n: 1}}}, message_id: 'f'}),
		message({messages: {[alice.user_id]: {NOSUCHDEVICE: {n: 1}}}, message_id: 'g'}),
	]) {
		t.is((await tell(host, 'm.direct_to_device', content)).status, 200);
	}
	t.is((await sync(host, since)).to_device, undefined);
	await tell(host, 'm.direct_to_device', message());
	await tell(host, 'm.direct_to_device', message({messages: {[alice.user_id]: {'*': {n: 2}}}}));
	const shown = (await sync(host, since)).to_device?.events;
	t.deepEqual(shown, [{type: 'm.x', sender: bob, content: {n: 1}}]);
	const ofEve = await request<Synced>(app, 'GET', '/_matrix/client/v3/sync', {token: eve.access_token});
	t.is(ofEve.body.to_device, undefined);
});

test('D4: device lists and identities are told of a server’s own people, whom somebody here shares a room with', async (t) => {
	const host = await startShared(t);
	const {bob, peer, alice} = host;
	const {next_batch: since} = await sync(host);
	const keysOf = (userId: string) => createTestDevice({user_id: userId, device_id: 'D', access_token: ''}).deviceKeys;
	const update = (userId: string, streamId = 1): JsonObject => ({
		user_id: userId,
		device_id: 'D',
		stream_id: streamId,
		prev_id: [],
		keys: keysOf(userId),
	});
	const identity = (userId: string): JsonObject => ({
		user_id: userId,
		master_key: {user_id: userId, usage: ['master'], keys: {'ed25519:a': 'a'}},
	});
	for (const userId of [alice.user_id, '@carol:third.example', peer.userId('stranger'), 'bob']) {
		t.is((await tell(host, 'm.device_list_update', update(userId))).status, 200);
		t.is((await tell(host, 'm.signing_key_update', identity(userId))).status, 200);
	}
	t.is((await sync(host, since)).device_lists, undefined);
	const own = await call<{device_keys: Record<string, object>}>(host.app, 'POST', '/_matrix/client/v3/keys/query', {
		token: alice.access_token,
		body: {device_keys: {[alice.user_id]: []}},
	});
	t.deepEqual(Object.keys(own.device_keys[alice.user_id] ?? {}), [], 'nobody else’s server gives her a device');
	await tell(host, 'm.device_list_update', update(bob));
	t.deepEqual((await sync(host, since)).device_lists?.changed, [bob]);
});

test('an EDU that the database will never hold costs itself, and not the transaction it came in', async (t) => {
	const host = await startHost(t);
	const {app, peer} = host;
	const {federation} = app.application.services;
	const edus: JsonValue[] = [{edu_type: 'x.fails', content: {}}];
	const {transactions: taking} = federation;
	const receivers = taking.edus as Record<string, unknown>;
	let code: 'invalid_text' | 'unavailable' = 'invalid_text';
	receivers['x.fails'] = () => Promise.reject(new StorageError(code, 'no'));
	t.is((await peer.send('hopeless', [], edus)).status, 200);
	await until(() => app.readLog().includes('An EDU failed'), 'a word of it in the log');
	// A database that is away is another matter: the transaction comes again.
	code = 'unavailable';
	t.is((await peer.send('later', [], edus)).status, 503);
	delete receivers['x.fails'];
	t.is((await peer.send('later', [], edus)).status, 200);
});
