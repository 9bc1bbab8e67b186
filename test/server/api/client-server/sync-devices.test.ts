import test from 'ava';
import {createTestDevice} from '../../../harness/index.ts';
import {newsroom, type Person, room} from './newsroom.ts';
import {sync} from './sync-answers.ts';

const send = (from: Person, to: Person, txnId: string, content: object = {txnId}) =>
	from.do('PUT', `/sendToDevice/org.example.type/${txnId}`, {messages: {[to.id]: {'*': content}}});

const numbersOf = (events: readonly {content: Readonly<Record<string, unknown>>}[] | undefined) =>
	(events ?? []).map(({content}) => content['number']);

test('messages to a device come in order, a hundred at a time, until they are acknowledged', async (t) => {
	const {alice, bob, app} = await newsroom(t);
	await bob.join(await alice.create({preset: 'public_chat'}));
	const {next_batch: since} = await sync(bob);
	for (let number = 0; number < 120; number += 1) await send(alice, bob, `t${number}`, {number});
	const first = await sync(bob, since);
	t.deepEqual(
		numbersOf(first.to_device?.events),
		Array.from({length: 100}, (_, number) => number),
	);
	t.deepEqual(first.to_device?.events[0], {
		sender: alice.id,
		type: 'org.example.type',
		content: {number: 0},
	});
	const again = await sync(bob, since);
	t.is(again.to_device?.events.length, 100, 'the answer got lost');
	const second = await sync(bob, first.next_batch);
	t.deepEqual(
		numbersOf(second.to_device?.events),
		Array.from({length: 20}, (_, number) => number + 100),
	);
	const third = await sync(bob, second.next_batch);
	t.is(third.to_device, undefined);
	const {storage} = app.application;
	const left = await storage.toDevice.list(bob.id as never, bob.session.device_id as never, {
		after: 0,
		upto: storage.stream.head(),
		limit: 1_000,
	});
	t.deepEqual(left, []);
	t.is((await sync(bob)).to_device, undefined);
});

test('a message wakes its device and no other', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	await bob.join(await alice.create({preset: 'public_chat'}));
	const [{next_batch: bobSince}, {next_batch: carolSince}] = [await sync(bob), await sync(carol)];
	const waiting = sync(bob, bobSince, {timeout: 10_000});
	await send(alice, bob, 'one');
	t.is((await waiting).to_device?.events.length, 1);
	t.is((await sync(carol, carolSince)).to_device, undefined);
});

test('keys are counted in every answer, and a claim is news', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const device = createTestDevice(alice.session);
	const {next_batch: since} = await sync(alice);
	await alice.do('POST', '/keys/upload', {
		device_keys: device.deviceKeys,
		one_time_keys: device.oneTimeKeys('a', 'b', 'c'),
	});
	const uploaded = await sync(alice, since, {timeout: 10_000});
	t.deepEqual(uploaded.device_one_time_keys_count, {signed_curve25519: 3});
	const waiting = sync(alice, uploaded.next_batch, {timeout: 10_000});
	await bob.do('POST', '/keys/claim', {
		one_time_keys: {[alice.id]: {[alice.session.device_id]: 'signed_curve25519'}},
	});
	t.deepEqual((await waiting).device_one_time_keys_count, {signed_curve25519: 2});
});

test('who shares an encrypted room is told of new devices and of who is gone', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		initial_state: [{type: 'm.room.encryption', state_key: '', content: {algorithm: 'm.megolm.v1.aes-sha2'}}],
	});
	await bob.join(roomId);
	const [{next_batch: aliceSince}, {next_batch: carolSince}] = [await sync(alice), await sync(carol)];
	const waiting = sync(alice, aliceSince, {timeout: 10_000});
	const device = createTestDevice(bob.session);
	await bob.do('POST', '/keys/upload', {device_keys: device.deviceKeys});
	const told = await waiting;
	t.deepEqual(told.device_lists?.changed, [bob.id]);
	t.is((await sync(carol, carolSince)).device_lists, undefined);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	t.deepEqual((await sync(alice, told.next_batch)).device_lists?.left, [bob.id]);
});
