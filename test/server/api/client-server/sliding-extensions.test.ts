/** What a connection tells beside rooms: messages to the device, keys, account data, receipts, typing. */
import test from 'ava';
import {createTestDevice} from '../../../harness/index.ts';
import {newsroom, type Person, room} from './newsroom.ts';
import {allRooms, bodiesOf, slide, type SlidingAnswer} from './sliding-answers.ts';

const send = (from: Person, to: Person, number: number) =>
	from.do('PUT', `/sendToDevice/org.example.type/t${number}`, {messages: {[to.id]: {'*': {number}}}});

const read = (person: Person, roomId: string, eventId: string, type = 'm.read', body = {}) =>
	person.do('POST', `${room(roomId)}/receipt/${type}/${encodeURIComponent(eventId)}`, body);

const typing = (person: Person, roomId: string, isTyping: boolean) =>
	person.do('PUT', `${room(roomId)}/typing/${encodeURIComponent(person.id)}`, {typing: isTyping, timeout: 30_000});

const withExtensions = (extensions: object, more: object = {}) => ({...allRooms(more), extensions});

test('messages to a device come until they are acknowledged, by a position of their own', async (t) => {
	const {alice, bob, app} = await newsroom(t);
	await bob.join(await alice.create({preset: 'public_chat'}));
	const ask = (pos: string | undefined, since?: string, limit = 100, timeout = 0) =>
		slide(bob, pos, {
			conn_id: 'encryption',
			timeout,
			extensions: {to_device: {enabled: true, limit, ...(since !== undefined && {since})}},
		});
	const numbersOf = ({extensions}: SlidingAnswer) => extensions.to_device?.events.map(({content}) => content['number']);
	const first = await ask(undefined);
	t.deepEqual(first.extensions.to_device?.events, []);
	t.deepEqual(Object.keys(first.extensions), ['to_device']);
	const waiting = ask(first.pos, first.extensions.to_device?.next_batch, 2, 30_000);
	await send(alice, bob, 0);
	t.deepEqual((await waiting).extensions.to_device?.events, [
		{sender: alice.id, type: 'org.example.type', content: {number: 0}},
	]);
	for (const number of [1, 2, 3]) await send(alice, bob, number);
	const since = first.extensions.to_device?.next_batch;
	const lost = await ask((await waiting).pos, since, 2);
	t.deepEqual(numbersOf(lost), [0, 1]);
	const anew = await ask(undefined, since, 3);
	t.deepEqual(numbersOf(anew), [0, 1, 2], 'a connection that begins anew loses none');
	const next = await ask(anew.pos, lost.extensions.to_device?.next_batch);
	t.deepEqual(numbersOf(next), [2, 3]);
	const done = await ask(next.pos, next.extensions.to_device?.next_batch);
	t.deepEqual(numbersOf(done), []);
	t.truthy(done.extensions.to_device?.next_batch);
	const {storage} = app.application;
	const page = {after: 0, upto: storage.stream.head(), limit: 9};
	t.deepEqual(await storage.toDevice.list(bob.id as never, bob.session.device_id as never, page), []);
	t.deepEqual(numbersOf(await ask(done.pos, '0')), [], 'what was acknowledged is gone');
	for (const odd of ['x', '-1', '99999999999999', '1.5']) t.deepEqual(numbersOf(await ask(done.pos, odd)), []);
});

test('keys are counted in every answer; a claim, and a change of somebody’s devices, is news', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const device = createTestDevice(alice.session);
	await alice.do('POST', '/keys/upload', {
		device_keys: device.deviceKeys,
		one_time_keys: device.oneTimeKeys('AAAA', 'AAAB'),
		fallback_keys: device.fallbackKeys('AAAF'),
	});
	const wish = {extensions: {e2ee: {enabled: true}}};
	const first = await slide(alice, undefined, wish);
	t.deepEqual(first.extensions.e2ee, {
		device_one_time_keys_count: {signed_curve25519: 2},
		device_unused_fallback_key_types: ['signed_curve25519'],
	});
	const claimed = slide(alice, first.pos, {...wish, timeout: 30_000});
	const claim = {one_time_keys: {[alice.id]: {[alice.session.device_id]: 'signed_curve25519'}}};
	await bob.do('POST', '/keys/claim', claim);
	t.is((await claimed).extensions.e2ee?.device_one_time_keys_count['signed_curve25519'], 1);
	const his = createTestDevice(bob.session);
	const waiting = slide(alice, (await claimed).pos, {...wish, timeout: 30_000});
	await bob.do('POST', '/keys/upload', {device_keys: his.deviceKeys});
	t.deepEqual((await waiting).extensions.e2ee?.device_lists, {changed: [bob.id], left: []});
	const after = await slide(alice, (await waiting).pos, wish);
	t.is(after.extensions.e2ee?.device_lists, undefined);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	const left = await slide(alice, after.pos, wish);
	t.deepEqual(left.extensions.e2ee?.device_lists?.left, [bob.id]);
});

test('account data is told whole at first, then as it changes; of rooms with the rooms', async (t) => {
	const {alice} = await newsroom(t);
	const old = await alice.create();
	const fresh = await alice.create();
	const path = `/user/${alice.id}`;
	await alice.do('PUT', `${path}/account_data/org.example.own`, {a: 1});
	await alice.do('PUT', `${path}${room(old)}/tags/u.old`, {});
	await alice.do('PUT', `${path}${room(fresh)}/account_data/org.example.mine`, {b: 1});
	const wish = withExtensions({account_data: {enabled: true}}, {ranges: [[0, 0]]});
	const first = await slide(alice, undefined, wish);
	const {global, rooms} = first.extensions.account_data ?? {};
	t.deepEqual(global?.map(({type}) => type).toSorted(), ['m.push_rules', 'org.example.own']);
	t.true(Object.hasOwn(global?.find(({type}) => type === 'm.push_rules')?.content['global'] as object, 'override'));
	t.deepEqual(rooms, {[fresh]: [{type: 'org.example.mine', content: {b: 1}}]});
	t.is((await slide(alice, first.pos, wish)).extensions.account_data, undefined);
	const waiting = slide(alice, first.pos, {...wish, timeout: 30_000});
	await alice.do('PUT', `${path}${room(fresh)}/tags/u.fresh`, {order: 0.5});
	const tagged = await waiting;
	t.deepEqual(tagged.rooms, {});
	t.deepEqual(tagged.extensions.account_data, {
		rooms: {[fresh]: [{type: 'm.tag', content: {tags: {'u.fresh': {order: 0.5}}}}]},
	});
	await alice.do('PUT', `${path}/account_data/org.example.own`, {a: 2});
	await alice.do('PUT', `${path}${room(old)}/tags/u.older`, {});
	const changed = await slide(alice, tagged.pos, wish);
	t.deepEqual(changed.extensions.account_data, {global: [{type: 'org.example.own', content: {a: 2}}]});
	const wide = await slide(alice, changed.pos, withExtensions({account_data: {enabled: true}}));
	t.deepEqual(wide.extensions.account_data?.rooms, {
		[old]: [{type: 'm.tag', content: {tags: {'u.old': {}, 'u.older': {}}}}],
	});
	// What happened while a room was out of sight is told when it comes back.
	await alice.say(fresh, 'on top');
	const narrow = await slide(alice, wide.pos, wish);
	await alice.do('DELETE', `${path}${room(old)}/tags/u.old`);
	const unseen = await slide(alice, narrow.pos, wish);
	t.is(unseen.extensions.account_data, undefined);
	const back = await slide(alice, unseen.pos, withExtensions({account_data: {enabled: true}}));
	t.deepEqual(back.extensions.account_data?.rooms, {[old]: [{type: 'm.tag', content: {tags: {'u.older': {}}}}]});
	// Asked for late, it is told whole.
	const without = await slide(alice, undefined, allRooms());
	const late = await slide(alice, without.pos, withExtensions({account_data: {enabled: true}}));
	t.is(late.extensions.account_data?.global?.length, 2);
	t.is(Object.keys(late.extensions.account_data?.rooms ?? {}).length, 2);
});

test('receipts come with the events that are shown, one’s own always, and then as they move', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	const old = await alice.say(roomId, 'old');
	await read(carol, roomId, old);
	await read(alice, roomId, old, 'm.read.private');
	const fresh = await alice.say(roomId, 'fresh');
	await read(bob, roomId, fresh);
	const wish = withExtensions({receipts: {enabled: true}});
	const receiptsOf = ({extensions}: SlidingAnswer) => {
		const content = extensions.receipts?.rooms[roomId]?.content as Record<string, Record<string, object>> | undefined;
		return Object.entries(content ?? {})
			.flatMap(([id, types]) =>
				Object.entries(types).map(
					([type, users]) => `${id === old ? 'old' : 'fresh'} ${type} ${Object.keys(users).join()}`,
				),
			)
			.toSorted();
	};
	const first = await slide(alice, undefined, wish);
	t.deepEqual(receiptsOf(first), [`fresh m.read ${bob.id}`, `old m.read.private ${alice.id}`]);
	t.is(first.extensions.receipts?.rooms[roomId]?.type, 'm.receipt');
	const his = await slide(bob, undefined, wish);
	t.deepEqual(receiptsOf(his), [`fresh m.read ${bob.id}`]);
	const waiting = slide(alice, first.pos, {...wish, timeout: 30_000});
	await read(carol, roomId, fresh);
	t.deepEqual(receiptsOf(await waiting), [`fresh m.read ${carol.id}`]);
	t.deepEqual((await waiting).rooms, {});
	await read(alice, roomId, fresh, 'm.read.private');
	const own = await slide(alice, (await waiting).pos, wish);
	t.deepEqual(receiptsOf(own), [`fresh m.read.private ${alice.id}`]);
	const others = await slide(bob, his.pos, wish);
	t.deepEqual(receiptsOf(others), [`fresh m.read ${carol.id}`]);
	t.deepEqual(receiptsOf(await slide(alice, own.pos, wish)), []);
	const more = await slide(alice, own.pos, {...wish, ...allRooms({timeline_limit: 2})});
	t.deepEqual(bodiesOf(more.rooms[roomId]), ['old', 'fresh']);
	t.deepEqual(receiptsOf(more), [`fresh m.read ${carol.id},${bob.id}`, `fresh m.read.private ${alice.id}`]);
});

test('who types is told as it changes, and of a room that comes into sight', async (t) => {
	const {alice, bob} = await newsroom(t);
	const other = await alice.create({preset: 'public_chat'});
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(other);
	await bob.join(roomId);
	await alice.say(roomId, 'on top');
	const wish = withExtensions({typing: {enabled: true}}, {ranges: [[0, 0]]});
	const typingIn = ({extensions}: SlidingAnswer, id: string) => extensions.typing?.rooms[id]?.content['user_ids'];
	const first = await slide(alice, undefined, wish);
	t.is(first.extensions.typing, undefined);
	const waiting = slide(alice, first.pos, {...wish, timeout: 30_000});
	await typing(bob, roomId, true);
	const begun = await waiting;
	t.deepEqual(begun.extensions.typing, {rooms: {[roomId]: {type: 'm.typing', content: {user_ids: [bob.id]}}}});
	t.is((await slide(alice, begun.pos, wish)).extensions.typing, undefined);
	await typing(bob, other, true);
	t.is((await slide(alice, begun.pos, wish)).extensions.typing, undefined, 'out of sight');
	const wide = await slide(alice, begun.pos, withExtensions({typing: {enabled: true}}));
	t.deepEqual(typingIn(wide, other), [bob.id]);
	const narrow = await slide(alice, wide.pos, wish);
	await typing(bob, other, false);
	const still = await slide(alice, narrow.pos, wish);
	t.is(typingIn(still, other), undefined);
	const back = await slide(alice, still.pos, withExtensions({typing: {enabled: true}}));
	t.deepEqual(typingIn(back, other), [], 'who was told of somebody is told that nobody types');
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await typing(alice, roomId, true);
	const left = await slide(bob, undefined, {
		room_subscriptions: {[roomId]: {timeline_limit: 1}},
		extensions: {typing: {enabled: true}, receipts: {enabled: true}},
	});
	t.true(left.rooms[roomId]?.initial);
	t.deepEqual(left.extensions, {}, 'who has left is not told who types');
});

test('an extension tells of the lists and subscriptions that it names, by default of all', async (t) => {
	const {alice, bob} = await newsroom(t);
	const a = await alice.create({preset: 'public_chat'});
	const b = await alice.create({preset: 'public_chat'});
	const c = await alice.create({preset: 'public_chat'});
	for (const roomId of [a, b, c]) {
		await bob.join(roomId);
		await typing(bob, roomId, true);
	}
	await alice.do('PUT', `/user/${alice.id}${room(b)}/tags/u.b`, {});
	const told = async (scope: object) => {
		const {extensions} = await slide(alice, undefined, {
			lists: {
				tagged: {timeline_limit: 1, filters: {tags: ['u.b']}},
				top: {timeline_limit: 1, ranges: [[0, 0]]},
			},
			room_subscriptions: {[a]: {timeline_limit: 1}},
			extensions: {typing: {enabled: true, ...scope}},
		});
		const names = new Map([
			[a, 'a'],
			[b, 'b'],
			[c, 'c'],
		]);
		return Object.keys(extensions.typing?.rooms ?? {})
			.map((roomId) => names.get(roomId) ?? '?')
			.toSorted()
			.join('');
	};
	t.is(await told({}), 'abc');
	t.is(await told({lists: ['*'], rooms: ['*']}), 'abc');
	t.is(await told({lists: null, rooms: null}), 'abc');
	t.is(await told({lists: []}), 'a');
	t.is(await told({rooms: []}), 'bc');
	t.is(await told({lists: [], rooms: []}), '');
	t.is(await told({lists: ['tagged', 'none'], rooms: []}), 'b');
	t.is(await told({lists: ['tagged'], rooms: [a, '!none:x']}), 'ab');
	t.is(await told({lists: [], rooms: [b]}), 'b', 'clients name rooms of lists too');
	t.is(await told({enabled: false}), '');
});
