import test from 'ava';
import {generateSigningKey, type EventId, type JsonObject, type RoomId, type UserId} from '../../../../crypto/index.ts';
import {type Pdu, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path, until} from '../../../harness/index.ts';
import {foreignRoom, memberOf, sendInvite, sendOldInvite} from './foreign-rooms.ts';
import {type Host, startHost} from './world.ts';

async function membership({app}: Host, roomId: RoomId, userId: string): Promise<string | undefined> {
	return (await app.application.storage.memberships.find(roomId, userId as UserId))?.membership;
}

for (const version of ['10', '11', '12'] as const) {
	test(`an invite into a room of version ${version} is signed and kept`, async (t) => {
		const host = await startHost(t);
		const {peer, alice} = host;
		const room = foreignRoom(peer, version);
		const invite = memberOf(peer, room, alice.user_id);
		const {status, body} = await sendInvite(peer, room, invite);
		t.is(status, 200);
		const {signatures} = body['event'] as {signatures: object};
		t.deepEqual(Object.keys(signatures).toSorted(), [peer.name, 'news.example'].toSorted());
		t.is(await membership(host, room.roomId, alice.user_id), 'invite');
	});
}

test('row 18: an invite for nobody is answered like any other, and nothing of it is kept', async (t) => {
	const host = await startHost(t);
	const {peer, alice} = host;
	const room = foreignRoom(peer);
	const [somebody, nobody] = [alice.user_id, '@alicf:news.example'];
	const [first, second] = await Promise.all(
		[somebody, nobody].map((userId) => sendInvite(peer, room, memberOf(peer, room, userId))),
	);
	t.deepEqual([first!.status, second!.status], [200, 200]);
	const shapeOf = ({body}: {body: JsonObject}) => Object.keys(body['event'] as object).toSorted();
	t.deepEqual(shapeOf(first!), shapeOf(second!));
	t.is(await membership(host, room.roomId, somebody), 'invite');
	t.is(await membership(host, room.roomId, nobody), undefined);
});

test('B3, B4: only an invite of one of our users by a user of that server is signed', async (t) => {
	const host = await startHost(t, 2);
	const {peer, peers, alice} = host;
	const room = foreignRoom(peer);
	const other = foreignRoom(peers[1]!);
	const target = alice.user_id;
	const good = memberOf(peer, room, target);
	const lies: Record<string, [Pdu, Parameters<typeof sendInvite>[3]]> = {
		'a join': [memberOf(peer, room, target, {content: {membership: 'join'}}), {}],
		'a leave': [memberOf(peer, room, target, {content: {membership: 'leave'}}), {}],
		'another type': [memberOf(peer, room, target, {type: 'm.room.power_levels'}), {}],
		'no state': [memberOf(peer, room, target, {stateKey: undefined}), {}],
		'a user of another server': [memberOf(peer, room, peers[1]!.userId('carol')), {}],
		'no user': [memberOf(peer, room, 'alice'), {}],
		'a sender of another server': [memberOf(peer, room, target, {sender: peers[1]!.userId('carol')}), {}],
		'a sender of this server': [memberOf(peer, room, target, {sender: '@carol:news.example'}), {}],
		'another room in the path': [good, {roomId: other.roomId}],
		'another event in the path': [good, {eventId: memberOf(peer, room, target, {depth: 9}).eventId}],
		'no signature': [good, {event: {...toFederationEvent(good), signatures: {}}}],
		'no event': [good, {event: {}}],
	};
	for (const [lie, [pdu, over]] of Object.entries(lies)) {
		const {status, body, text} = await sendInvite(peer, room, pdu, over);
		t.deepEqual([status, body['errcode']], [400, 'M_INVALID_PARAM'], `${lie} ${text}`);
		t.false(text.includes('"news.example":'), lie);
	}
	const key = generateSigningKey();
	const wrong = peer.build(
		{roomId: room.roomId, version: '11', state: new Map(), extremities: [room.create.eventId], depth: 3},
		{type: 'm.room.member', sender: peer.userId('bob'), stateKey: target, content: {membership: 'invite'}},
		{key},
	);
	t.is((await sendInvite(peer, room, wrong)).status, 400);
	t.is(await membership(host, room.roomId, target), undefined);
});

test('an invite into a room of a version that is not known is refused by name', async (t) => {
	const {peer, alice} = await startHost(t);
	const room = foreignRoom(peer);
	for (const version of ['0', 'org.example.unknown', '__proto__']) {
		const {status, body} = await sendInvite(peer, room, memberOf(peer, room, alice.user_id), {version});
		t.deepEqual([status, body['errcode']], [400, 'M_INCOMPATIBLE_ROOM_VERSION'], version);
	}
});

test('from version 12 on the room state of an invite must be events of that room, the create event among them', async (t) => {
	const {peer, alice} = await startHost(t);
	const [room, other] = [foreignRoom(peer, '12'), foreignRoom(peer, '12')];
	const invite = memberOf(peer, room, alice.user_id);
	const name = memberOf(peer, room, '', {type: 'm.room.name', content: {name: 'The desk'}});
	const stripped = {type: 'm.room.create', state_key: '', sender: peer.userId('bob'), content: {}};
	const refused: Record<string, [JsonObject[], string]> = {
		nothing: [[], 'M_MISSING_PARAM'],
		'no create event': [[toFederationEvent(name)], 'M_MISSING_PARAM'],
		'stripped state': [[stripped], 'M_INVALID_PARAM'],
		'another room': [[toFederationEvent(other.create)], 'M_INVALID_PARAM'],
		'a forged event': [
			[toFederationEvent(room.create), {...toFederationEvent(name), signatures: {}}],
			'M_INVALID_PARAM',
		],
	};
	for (const [lie, [state, errcode]] of Object.entries(refused)) {
		const answer = await sendInvite(peer, room, invite, {state});
		t.deepEqual([answer.status, answer.body['errcode']], [400, errcode], lie);
	}
	const good = await sendInvite(peer, room, invite, {state: [toFederationEvent(room.create), toFederationEvent(name)]});
	t.is(good.status, 200);
});

test('D6: of a very large room state only so much is kept as clients can be shown', async (t) => {
	const host = await startHost(t);
	const {peer, alice, app} = host;
	const room = foreignRoom(peer);
	const entry = (index: number): JsonObject => ({
		type: 'm.room.topic',
		state_key: String(index),
		sender: peer.userId('bob'),
		content: {topic: 'x'.repeat(2_000)},
	});
	const state = [null, 5, {type: 1}, ...Array.from({length: 100}, (_, index) => entry(index))] as JsonObject[];
	t.is((await sendInvite(peer, room, memberOf(peer, room, alice.user_id), {state})).status, 200);
	const row = await app.application.storage.memberships.find(room.roomId, alice.user_id as UserId);
	const kept = row?.strippedState ?? [];
	t.true(kept.length > 10 && JSON.stringify(kept).length <= 70_000);
});

test('an invite that is taken back is gone; nobody else can take it back', async (t) => {
	const host = await startHost(t, 2);
	const {peer, peers, alice} = host;
	const room = foreignRoom(peer);
	const invite = memberOf(peer, room, alice.user_id);
	t.is((await sendInvite(peer, room, invite)).status, 200);
	const over = (authEvents: EventId[]) => ({content: {membership: 'leave'}, prevEvents: [invite.eventId], authEvents});
	const blind = memberOf(peer, room, alice.user_id, over([room.create.eventId]));
	const mallory = memberOf(peers[1]!, room, alice.user_id, over([invite.eventId]));
	t.is((await peers[1]!.send('t1', [toFederationEvent(blind), toFederationEvent(mallory)].slice(0, 1))).status, 200);
	t.is((await peer.send('t1', [toFederationEvent(blind)])).status, 200);
	const {staging} = host.app.application.services.federation.transactions;
	await until(() => staging.waiting === 0, 'nothing staged');
	t.is(await membership(host, room.roomId, alice.user_id), 'invite');
	const retraction = memberOf(peer, room, alice.user_id, over([room.create.eventId, invite.eventId]));
	const unsigned = {...toFederationEvent(retraction), signatures: {}};
	await peer.send('t2', [unsigned]);
	await until(() => staging.waiting === 0, 'nothing staged');
	t.is(await membership(host, room.roomId, alice.user_id), 'invite');
	await peer.send('t3', [toFederationEvent(retraction)]);
	await until(async () => (await membership(host, room.roomId, alice.user_id)) === 'leave', 'the end of the invite');
	const synced = await call<{rooms?: {invite?: object}}>(host.app, 'GET', '/_matrix/client/v3/sync', {
		token: alice.access_token,
	});
	t.deepEqual(Object.keys(synced.rooms?.invite ?? {}), []);
});

test('row 17: that somebody takes no invites is told to servers that may know them, and to no other', async (t) => {
	const host = await startHost(t, 2);
	const {app, alice, peer, peers} = host;
	await peer.join(await host.createRoom(), peer.userId('bob'));
	const permission = `/_matrix/client/v3/user/${path(alice.user_id)}/account_data/m.invite_permission_config`;
	const allow = (content: object) => call(app, 'PUT', permission, {token: alice.access_token, body: content});
	await allow({default_action: 'block'});
	const invited = async () => {
		const answer = await call<{rooms?: {invite?: object}}>(app, 'GET', '/_matrix/client/v3/sync', {
			token: alice.access_token,
		});
		return Object.keys(answer.rooms?.invite ?? {});
	};
	const room = foreignRoom(peer);
	const {status, body} = await sendInvite(peer, room, memberOf(peer, room, alice.user_id));
	t.deepEqual([status, body['errcode']], [403, 'M_INVITE_BLOCKED']);
	const old = foreignRoom(peer, '2');
	const answer = await sendOldInvite(peer, old, memberOf(peer, old, alice.user_id));
	t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_INVITE_BLOCKED']);
	t.is(await membership(host, room.roomId, alice.user_id), undefined);
	const stranger = peers[1]!;
	const strange = foreignRoom(stranger);
	t.is((await sendInvite(stranger, strange, memberOf(stranger, strange, alice.user_id))).status, 200);
	t.deepEqual(await invited(), []);
	await allow({});
	t.deepEqual(await invited(), [strange.roomId]);
	t.is((await sendInvite(peer, room, memberOf(peer, room, alice.user_id))).status, 200);
});

for (const version of ['1', '2'] as const) {
	test(`B3: an invite into a room of version ${version} comes by the older endpoint as well, and nothing else does`, async (t) => {
		const host = await startHost(t);
		const {peer, alice} = host;
		const room = foreignRoom(peer, version);
		const invite = memberOf(peer, room, alice.user_id);
		const refused = await sendOldInvite(peer, room, memberOf(peer, room, peer.userId('carol')));
		t.deepEqual([refused.status, refused.body['errcode']], [400, 'M_INVALID_PARAM']);
		for (const lie of [
			{content: {membership: 'join'}},
			{content: {membership: 'leave'}},
			{type: 'm.room.power_levels'},
			{stateKey: undefined},
			{sender: '@carol:other.example'},
			{sender: '@carol:news.example'},
		]) {
			const {status, body, text} = await sendOldInvite(peer, room, memberOf(peer, room, alice.user_id, lie));
			t.deepEqual([status, body['errcode']], [400, 'M_INVALID_PARAM'], `${JSON.stringify(lie)} ${text}`);
		}
		t.is(await membership(host, room.roomId, alice.user_id), undefined);
		const {status, body} = await sendOldInvite(peer, room, invite);
		t.is(status, 200);
		const [code, {event}] = body as unknown as [number, {event: {signatures: object}}];
		t.is(code, 200);
		t.deepEqual(Object.keys(event.signatures).toSorted(), [peer.name, 'news.example'].toSorted());
		t.is(await membership(host, room.roomId, alice.user_id), 'invite');
		const row = await host.app.application.storage.memberships.find(room.roomId, alice.user_id as UserId);
		t.is(row?.strippedState?.[0]?.['type'], 'm.room.create');
	});
}

test('D6: who is invited into a room whose state is huge is shown what fits, and hears what is said there', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	const bob = peer.userId('bob');
	const huge = 'x'.repeat(60_000);
	const roomId = await host.createRoom({
		initialState: ['m.room.topic', 'm.room.avatar', 'm.room.encryption', 'm.room.canonical_alias'].map((type) => ({
			type,
			state_key: '',
			content: {'org.example.huge': huge, ...(type === 'm.room.encryption' && {algorithm: 'm.megolm.v1.aes-sha2'})},
		})),
	});
	peer.answer = ({method, url, body}) => {
		if (method !== 'PUT' || !url.includes('/v2/invite/')) return undefined;
		const {event} = JSON.parse(body.toString()) as {event: JsonObject};
		return {body: {event: peer.countersign(event, '11')}};
	};
	await call(app, 'POST', `/_matrix/client/v3/rooms/${path(roomId)}/invite`, {
		token: alice.access_token,
		body: {user_id: bob},
	});
	const asked = peer.requests.find(({url}) => url.includes('/v2/invite/'))!;
	t.true(asked.body.length < 4 * 65_536, `${asked.body.length} bytes`);
	const {invite_room_state: shown} = JSON.parse(asked.body.toString()) as {invite_room_state: JsonObject[]};
	t.true(shown.some(({type}) => type === 'm.room.create'));
	await peer.join(roomId, bob);
	const text = {msgtype: 'm.text', body: 'hello'};
	await call(app, 'PUT', `/_matrix/client/v3/rooms/${path(roomId)}/send/m.room.message/1`, {
		token: alice.access_token,
		body: text,
	});
	await until(
		() => peer.requests.some(({url, body}) => url.includes('/send/') && body.includes('hello')),
		'the message',
	);
	t.pass();
});
