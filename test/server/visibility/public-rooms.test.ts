/** The least that the specification lets people here know of others: members of rooms that anybody may join or read. */
import test from 'ava';
import {systemClock} from '../../../federation/engine/index.ts';
import {createVisibility} from '../../../server/visibility/index.ts';
import type {ServerName, UserId} from '../../../crypto/index.ts';
import {APP_SERVER_NAME, discretionOf, path, register, request} from '../../harness/index.ts';
import {newsroom, Person, room} from '../api/client-server/newsroom.ts';
import {startHost} from '../api/server-server/world.ts';

const profile = async (asker: Person, target: string) => (await asker.ask('GET', `/profile/${path(target)}`)).status;

test('members of rooms that anybody may join or read are known to all people here, others are not', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	t.is(await profile(carol, alice.id), 403);
	await alice.create({preset: 'private_chat', name: 'a private room'});
	t.is(await profile(carol, alice.id), 403);
	const open = await alice.create({preset: 'public_chat'});
	t.is(await profile(carol, alice.id), 200);
	t.is(await profile(carol, bob.id), 403, 'who is in none');
	await bob.join(open);
	t.is(await profile(carol, bob.id), 200);
	await bob.do('POST', `${room(open)}/leave`, {});
	t.is(await profile(carol, bob.id), 403, 'who is there no more');
	// The room is closed: its members are nobody's business any more.
	await alice.setState(open, 'm.room.join_rules', {join_rule: 'invite'});
	t.is(await profile(carol, alice.id), 403);
	await alice.setState(open, 'm.room.history_visibility', {history_visibility: 'world_readable'});
	t.is(await profile(carol, alice.id), 200);
	await alice.setState(open, 'm.room.history_visibility', {history_visibility: 'shared'});
	t.is(await profile(carol, alice.id), 403);
});

test('a room that only looks open opens nobody', async (t) => {
	const {alice, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'private_chat'});
	const odd = [
		{join_rule: 'invite', more: {join_rule: 'public'}},
		{join_rule: 'knock', text: '"join_rule":"public"'},
		{join_rule: ['public']},
		{'join_rule":"public"': 1, join_rule: 'invite'},
	];
	for (const content of odd) {
		await alice.setState(roomId, 'm.room.join_rules', content);
		t.is(await profile(carol, alice.id), 403, JSON.stringify(content));
	}
	await alice.setState(roomId, 'org.example.rules', {join_rule: 'public'});
	await alice.setState(roomId, 'm.room.join_rules', {join_rule: 'public'}, 'with a key');
	t.is(await profile(carol, alice.id), 403);
});

test('the right reaches people of other servers too, and no other server, nobody without an account, and no alias', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	const carol = new Person(app, await register(app, 'carol'));
	const bob = peer.userId('bob');
	peer.answer = ({url}) => (url.includes('query/profile') ? {body: {displayname: 'Bob'}} : undefined);
	t.is(await profile(carol, bob), 403);
	const roomId = await host.createRoom();
	await peer.join(roomId, bob);
	t.is(await profile(carol, bob), 200);
	t.is(await profile(carol, alice.user_id), 200);
	t.is(
		(await request(app, 'GET', `/_matrix/client/v3/profile/${path(alice.user_id)}`)).status,
		401,
		'without an account',
	);
	// A stranger server learns nothing from the room's being open.
	const {storage} = app.application;
	const visibility = createVisibility({
		storage,
		serverName: APP_SERVER_NAME as ServerName,
		...discretionOf(storage, APP_SERVER_NAME as ServerName),
		scopes: {profiles: 'shared', directory: 'shared', keys: 'shared'},
		isPartner: () => false,
		clock: systemClock,
	});
	t.false(await visibility.mayServerKnow('stranger.example' as ServerName, alice.user_id as UserId, 'profiles'));
	// Who made an alias of a closed room is known; what the alias names is not.
	await new Person(app, alice).create({room_alias_name: 'secret', preset: 'private_chat'});
	t.is((await carol.ask('GET', `/directory/room/${path('#secret:news.example')}`)).status, 404);
	t.is(await profile(carol, alice.user_id), 200);
});

test('who is refused waits for the same tick, whoever it is that they ask about', async (t) => {
	const {app, alice, carol} = await newsroom(t);
	for (let index = 0; index < 30; index += 1) await alice.create({preset: 'private_chat'});
	const {storage} = app.application;
	let nowMs = 0;
	const delays: number[] = [];
	const visibility = createVisibility({
		storage,
		serverName: APP_SERVER_NAME as ServerName,
		...discretionOf(storage, APP_SERVER_NAME as ServerName),
		scopes: {profiles: 'shared', directory: 'shared', keys: 'shared'},
		isPartner: () => false,
		clock: {
			// Each look at the clock takes three milliseconds.
			monotonic: () => (nowMs += 3),
			setTimer(delayMs, run) {
				delays.push(delayMs);
				nowMs += delayMs;
				setImmediate(run);
				return {cancel: () => undefined};
			},
		},
	});
	const asker = {userId: carol.id as UserId, isAdmin: false, isGuest: false};
	const names = [alice.id, '@nobody:news.example'] as UserId[];
	for (const name of names) t.false(await visibility.mayKnow(asker, name, 'profiles'));
	t.deepEqual(delays, [16, 16], 'the last bit is waited for awake');
	t.deepEqual(
		await visibility.filterKnown(asker, [...names, carol.id as UserId], 'keys'),
		new Set([carol.id as UserId]),
	);
	t.is(delays.length, 3, 'one wait for all of them');
	t.true(await visibility.mayKnow(asker, carol.id as UserId, 'keys'));
	t.is(delays.length, 3, 'none for who is let in');
});
