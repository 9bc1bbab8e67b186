import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {call, until} from '../../harness/index.ts';
import {newsroom, room} from '../api/client-server/newsroom.ts';
import {read} from '../api/client-server/sync-answers.ts';
import {pusherTo, startGateway} from './gateway.ts';

const cursorsOf = async (app: Awaited<ReturnType<typeof newsroom>>['app']) =>
	app.application.storage.cursors.list('push:', {limit: 10});

test('F10: a gateway is told by ids alone of what notifies somebody, of whom it mentions, and of what was read', async (t) => {
	const gateway = await startGateway(t);
	const {alice, bob, carol} = await newsroom(t, {config: gateway.config});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await alice.say(roomId, 'before');
	await bob.do('POST', '/pushers/set', pusherTo(gateway.url));
	await alice.do('PUT', `${room(roomId)}/send/m.room.message/n`, {msgtype: 'm.notice', body: 'nothing'});
	await bob.say(roomId, 'own');
	const first = await alice.say(roomId, 'secret');
	await carol.do('PUT', `${room(roomId)}/send/m.reaction/r`, {
		'm.relates_to': {rel_type: 'm.annotation', event_id: first, key: '+'},
	});
	const {event_id: second} = await carol.do<{event_id: string}>('PUT', `${room(roomId)}/send/m.room.message/m`, {
		msgtype: 'm.text',
		body: 'secret',
		'm.mentions': {user_ids: [bob.id]},
	});
	const told = await gateway.told(2);
	const [plain, mention] = told;
	t.deepEqual(
		told.map(({event_id: id, room_id: of, prio, counts}) => [id, of, prio, counts]),
		[
			[first, roomId, 'low', {unread: 1}],
			[second, roomId, 'high', {unread: 2}],
		],
	);
	t.false(gateway.bodies.join().includes('secret'));
	const [device] = plain!.devices;
	t.true(Number.isInteger(device?.['pushkey_ts']));
	t.like(device, {app_id: 'org.example.paper', pushkey: 'key', data: {brand: 'ours'}, tweaks: {}});
	t.deepEqual(mention!.devices[0]?.['tweaks'], {sound: 'default', highlight: true});
	await read(bob, roomId, second);
	const badge = (await gateway.told(3))[2]!;
	t.deepEqual([badge.event_id, badge.counts, badge.prio], [undefined, {}, 'low']);
	t.is(gateway.bodies.length, 3);
});

test('nobody is told of whom they ignore; an invite is told of; a pusher that is off tells nothing', async (t) => {
	const gateway = await startGateway(t);
	const {alice, bob, carol} = await newsroom(t, {config: gateway.config});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await bob.do('POST', '/pushers/set', pusherTo(gateway.url, {'org.matrix.msc4076.disable_badge_count': true}));
	await carol.do('POST', '/pushers/set', {
		...pusherTo(gateway.url),
		pushkey: 'off',
		'org.matrix.msc3881.enabled': false,
	});
	await bob.do('PUT', `/user/${encodeURIComponent(bob.id)}/account_data/m.ignored_user_list`, {
		ignored_users: {[carol.id]: {}},
	});
	await carol.say(roomId, 'unheard');
	const other = await alice.create({invite: [bob.id]});
	const [invite] = await gateway.told(1);
	t.deepEqual([invite!.room_id, invite!.prio, invite!.counts], [other, 'high', undefined]);
	const heard = await alice.say(roomId, 'heard');
	await read(bob, roomId, heard);
	await bob.join(other);
	const last = await alice.say(other, 'last');
	t.deepEqual((await gateway.told(3)).map(({event_id: id}) => id).slice(1), [heard, last]);
});

test('while an account is locked its devices are told nothing', async (t) => {
	const gateway = await startGateway(t);
	const {app, alice, bob, carol} = await newsroom(t, {config: gateway.config});
	const {storage} = app.application;
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await bob.do('POST', '/pushers/set', pusherTo(gateway.url));
	await carol.do('POST', '/pushers/set', {...pusherTo(gateway.url), pushkey: 'of another'});
	const setLocked = async (isLocked: boolean) => {
		const batch = storage.batch();
		storage.accounts.setStates(batch, bob.id as UserId, {isLocked});
		batch.announce({kind: 'account', subject: bob.id});
		await storage.commit(batch);
	};
	const before = await alice.say(roomId, 'before');
	await gateway.told(2);
	// What is on its way when the lock comes is sent again as it was, once that is over: its answer comes first.
	await until(async () => (await cursorsOf(app)).every(({inFlight}) => inFlight === null), 'both to be taken');
	await setLocked(true);
	await alice.say(roomId, 'meanwhile');
	// Who has pushers is told in the order of events: once another is, the lock has been seen.
	await gateway.told(3);
	await setLocked(false);
	const after = await alice.say(roomId, 'after');
	const told = (await gateway.told(5)).filter(({devices}) => devices[0]?.['pushkey'] === 'key');
	t.deepEqual(
		told.map(({event_id: id}) => id),
		[before, after],
	);
});

test('what a gateway did not take is sent again byte for byte, across a restart, and given up after a day', async (t) => {
	const gateway = await startGateway(t);
	const {app, alice, bob} = await newsroom(t, {config: gateway.config});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await bob.do('POST', '/pushers/set', pusherTo(gateway.url));
	gateway.answer = {status: 502};
	const first = await alice.say(roomId, 'one');
	t.is((await gateway.told(1))[0]!.event_id, first);
	await until(async () => (await cursorsOf(app))[0]?.failure, 'the failure to be noted');
	const second = await alice.say(roomId, 'two');
	await app.application.stop();
	gateway.answer = {};
	app.advance(3_600_000);
	const again = await app.restart();
	const told = await gateway.told(3);
	t.deepEqual(
		told.map(({event_id: id}) => id),
		[first, first, second],
	);
	t.is(gateway.bodies[1], gateway.bodies[0]);
	await until(async () => (await cursorsOf(again))[0]?.inFlight === null, 'the cursor to move');
	t.is((await cursorsOf(again))[0]?.failure, null);
	await again.application.stop();
	const third = await again.restart();
	gateway.answer = {status: 500};
	await call(third, 'PUT', `/_matrix/client/v3${room(roomId)}/send/m.room.message/three`, {
		token: alice.session.access_token,
		body: {msgtype: 'm.text', body: 'three'},
	});
	await gateway.told(4);
	await until(async () => (await cursorsOf(third))[0]?.failure, 'the failure to be noted');
	await third.application.stop();
	gateway.answer = {};
	app.advance(25 * 3_600_000);
	const fourth = await third.restart();
	await until(async () => (await cursorsOf(fourth))[0]?.inFlight === null, 'the event to be given up');
	t.is(gateway.bodies.length, 4);
	t.is((await fourth.application.services.pushers.list(bob.id as never)).length, 1);
});

test('a pushkey that the gateway rejects is removed, and so is the cursor of a session that ended', async (t) => {
	const gateway = await startGateway(t);
	const {app, alice, bob, carol} = await newsroom(t, {config: gateway.config});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await carol.do('POST', '/pushers/set', pusherTo(gateway.url));
	t.is((await cursorsOf(app)).length, 1);
	await carol.do('POST', '/logout', {});
	await until(async () => (await cursorsOf(app)).length === 0, 'the cursor to be removed');
	await bob.do('POST', '/pushers/set', pusherTo(gateway.url));
	gateway.answer = {rejected: ['key', 'nobody’s']};
	await alice.say(roomId, 'one');
	await gateway.told(1);
	await until(async () => (await cursorsOf(app)).length === 0, 'the pusher to be removed');
	t.deepEqual(await bob.do('GET', '/pushers'), {pushers: []});
	await alice.say(roomId, 'two');
	t.is(gateway.bodies.length, 1);
});

test('F10: a pusher that leads to an address of the server’s own network is never connected to', async (t) => {
	const gateway = await startGateway(t);
	const {allow_private_addresses: _, ...federation} = gateway.config.federation;
	const {app, alice, bob} = await newsroom(t, {config: {federation}});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await bob.do('POST', '/pushers/set', pusherTo(gateway.url));
	await alice.say(roomId, 'one');
	await until(async () => (await cursorsOf(app))[0]?.failure, 'the refusal to be noted');
	t.deepEqual(gateway.bodies, []);
});
