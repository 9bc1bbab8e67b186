/** What must not keep anybody from their messages: odd events, ends of sessions and of the server. */
import test from 'ava';
import type {EventId, JsonObject, RoomId, UserId} from '../../../../crypto/index.ts';
import type {App} from '../../../harness/index.ts';
import {newsroom, room} from './newsroom.ts';
import {sync, syncPath} from './sync-answers.ts';

/** Waits until somebody's request waits: what is asked after it is answered after it has begun to. */
const letWait = async (app: App): Promise<void> => {
	for (let turn = 0; turn < 5; turn += 1) await fetch(`${app.url}/_matrix/client/versions`);
};

test('A11: odd contents of members, names and the create event cost nobody an answer', async (t) => {
	const {alice, bob, app} = await newsroom(t);
	const roomId = (await alice.create({
		room_version: '9',
		preset: 'public_chat',
		creation_content: {predecessor: 'not an object'},
	})) as RoomId;
	const {engine} = app.application.services.federation.inbound;
	const say = (type: string, content: JsonObject, stateKey?: string) =>
		engine.send({
			roomId,
			event: {type, sender: alice.id as UserId, content, ...(stateKey !== undefined && {stateKey})},
		});
	await bob.join(roomId);
	const {next_batch: since} = await sync(bob);
	await say('m.room.member', {membership: 'join', displayname: 5, avatar_url: [null]}, alice.id);
	await say('m.room.name', {name: {a: 1}}, '');
	await say('m.room.topic', {topic: []}, '');
	await say('m.room.canonical_alias', {alias: 7, alt_aliases: 'x'}, '');
	await say('m.room.encryption', {algorithm: null}, '');
	await say('m.room.pinned_events', {pinned: {}}, '');
	await say('m.room.message', {body: 7, msgtype: [], 'm.relates_to': 'x', url: {}});
	await say('m.room.message', {'m.relates_to': {rel_type: 'm.thread', event_id: {}}, 'm.mentions': {user_ids: 3}});
	await say('m.room.message', JSON.parse('{"__proto__": {"a": 1}, "constructor": 5}') as JsonObject);
	for (const answer of [await sync(bob, since), await sync(bob), await sync(alice)]) {
		const shown = answer.rooms?.join?.[roomId];
		t.true((shown?.timeline.events.length ?? 0) >= 9);
		t.is(shown?.summary?.['m.joined_member_count'] ?? 2, 2);
	}
	const threads = {room: {timeline: {unread_thread_notifications: true, limit: 100}, state: {lazy_load_members: true}}};
	t.is((await sync(bob, since, {filter: threads})).rooms?.join?.[roomId]?.unread_notifications?.notification_count, 3);
});

test('A12: an invite with broken state, as CVE-2024-52815 had it, is shown without what is broken', async (t) => {
	const {alice, app} = await newsroom(t);
	const {engine} = app.application.services.federation.inbound;
	const {next_batch: since} = await sync(alice);
	const roomId = '!elsewhere:remote.example' as RoomId;
	const pdu = engine.signFromProto({
		version: '10',
		roomId,
		event: {
			type: 'm.room.member',
			stateKey: alice.id,
			sender: alice.id as UserId,
			content: {membership: 'invite', displayname: 7},
		},
		prevEvents: [`$${'a'.repeat(43)}` as EventId],
		authEvents: [],
		depth: 5,
	});
	const good = {type: 'm.room.create', state_key: '', sender: '@a:remote.example', content: {}};
	const broken = [{}, {type: 5}, {...good, content: 'x'}, {...good, state_key: null}, {...good, sender: []}];
	await engine.setOutsideMembership({pdu, strippedState: [good, ...broken] as JsonObject[]});
	const answer = await sync(alice, since);
	const shown = answer.rooms?.invite?.[roomId]?.invite_state.events ?? [];
	t.deepEqual(
		shown.map(({type}) => type),
		['m.room.create', 'm.room.member'],
	);
	t.deepEqual((await sync(alice)).rooms?.invite?.[roomId]?.invite_state.events, shown);
	await alice.do('POST', `${room(roomId)}/leave`, {});
	t.truthy((await sync(alice, answer.next_batch)).rooms?.leave?.[roomId]);
});

test('E3: a wait of who is locked ends, and the next request is refused', async (t) => {
	const {alice, app} = await newsroom(t);
	const {next_batch: since} = await sync(alice);
	const waiting = alice.ask('GET', syncPath(since, {timeout: 60_000}));
	await letWait(app);
	const {storage} = app.application;
	const batch = storage.batch();
	storage.accounts.setStates(batch, alice.id as UserId, {isLocked: true});
	batch.announce({kind: 'account', subject: alice.id});
	await storage.commit(batch);
	t.is((await waiting).status, 200);
	const refused = await alice.ask('GET', syncPath(since));
	t.is(refused.status, 401);
	t.is(refused.body['errcode'], 'M_USER_LOCKED');
});

test('E3: logging in anew on a device ends the wait of its earlier session, and no other’s', async (t) => {
	const {alice, bob, app} = await newsroom(t);
	const [{next_batch: since}, {next_batch: bobSince}] = [await sync(alice), await sync(bob)];
	const waiting = alice.ask('GET', syncPath(since, {timeout: 60_000}));
	const other = bob.ask('GET', syncPath(bobSince, {timeout: 1_500}));
	await letWait(app);
	await fetch(`${app.url}/_matrix/client/v3/login`, {
		method: 'POST',
		body: JSON.stringify({
			type: 'm.login.password',
			identifier: {type: 'm.id.user', user: 'alice'},
			password: 'pw-alice-Zq7!',
			device_id: alice.session.device_id,
		}),
	});
	t.is((await waiting).body['errcode'], 'M_UNKNOWN_TOKEN');
	t.is((await other).status, 200);
});

test('who waits while the server stops is answered', async (t) => {
	const {alice, app} = await newsroom(t);
	const {next_batch: since} = await sync(alice);
	const waiting = alice.ask('GET', syncPath(since, {timeout: 60_000}));
	await letWait(app);
	await app.application.http.stop();
	const answer = await waiting;
	t.is(answer.status, 200);
	t.is(answer.body['next_batch'], since);
});

test('who goes away leaves nothing behind that waits', async (t) => {
	const {alice, app} = await newsroom(t);
	const {next_batch: since} = await sync(alice);
	const going = new AbortController();
	const url = `${app.url}/_matrix/client/v3${syncPath(since, {timeout: 60_000})}`;
	const headers = {authorization: `Bearer ${alice.session.access_token}`};
	const waiting = fetch(url, {signal: going.signal, headers});
	await letWait(app);
	going.abort();
	await t.throwsAsync(waiting, {any: true});
	t.false(app.readLog().includes('A request failed unexpectedly'));
	const roomId = await alice.create();
	t.truthy((await sync(alice, since)).rooms?.join?.[roomId]);
});
