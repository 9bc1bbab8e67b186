import test from 'ava';
import {until} from '../../../harness/index.ts';
import {errorOf, newsroom, room} from './newsroom.ts';
import {bodiesOf, keysOf, sync, syncPath} from './sync-answers.ts';

test('a first answer shows each room with its newest events, the state they start from, and what belongs to it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	await bob.join(roomId);
	for (let index = 0; index < 12; index += 1) await alice.say(roomId, `m${index}`);
	const answer = await sync(bob);
	const shown = answer.rooms?.join?.[roomId];
	t.deepEqual(bodiesOf(shown), ['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11']);
	t.true(shown?.timeline.limited);
	t.deepEqual(
		keysOf(shown?.state?.events),
		[
			'm.room.create ',
			'm.room.guest_access ',
			'm.room.history_visibility ',
			'm.room.join_rules ',
			`m.room.member ${alice.id}`,
			`m.room.member ${bob.id}`,
			'm.room.name ',
			'm.room.power_levels ',
		].toSorted(),
	);
	t.deepEqual(shown?.summary, {'m.joined_member_count': 2, 'm.invited_member_count': 0});
	t.deepEqual(shown?.unread_notifications, {notification_count: 12, highlight_count: 0});
	t.true(answer.account_data?.events.some(({type}) => type === 'm.push_rules'));
	t.deepEqual(answer.device_one_time_keys_count, {signed_curve25519: 0});
	t.deepEqual(answer.device_unused_fallback_key_types, []);
	const before = await alice.do<{chunk: {content: {body?: string}}[]}>(
		'GET',
		`${room(roomId)}/messages?dir=b&limit=2&from=${encodeURIComponent(shown?.timeline.prev_batch ?? '')}`,
	);
	t.deepEqual(
		before.chunk.map(({content}) => content.body),
		['m1', 'm0'],
	);
});

test('the next answer shows only what is new, and nothing where nothing is', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const other = await alice.create();
	await bob.join(roomId);
	const first = await sync(alice);
	t.deepEqual(Object.keys(first.rooms?.join ?? {}).toSorted(), [roomId, other].toSorted());
	const nothing = await sync(alice, first.next_batch);
	t.is(nothing.rooms, undefined);
	t.is(nothing.account_data, undefined);
	await bob.say(roomId, 'hello');
	const second = await sync(alice, nothing.next_batch);
	t.deepEqual(Object.keys(second.rooms?.join ?? {}), [roomId]);
	const shown = second.rooms?.join?.[roomId];
	t.deepEqual(bodiesOf(shown), ['hello']);
	t.false(shown?.timeline.limited);
	t.deepEqual(shown?.state?.events, []);
	t.is(shown?.summary, undefined);
	t.deepEqual(shown?.unread_notifications, {notification_count: 1, highlight_count: 0});
	t.is(shown?.timeline.events[0]?.room_id, undefined);
	t.is(shown?.timeline.events[0]?.unsigned?.['membership'], 'join');
});

test('a gap is told with the state that changed in it, and /messages closes it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {next_batch: since} = await sync(bob);
	await alice.setState(roomId, 'm.room.topic', {topic: 'in the gap'});
	await alice.setState(roomId, 'm.room.name', {name: 'old'});
	for (let index = 0; index < 12; index += 1) await alice.say(roomId, `m${index}`);
	await alice.setState(roomId, 'm.room.name', {name: 'new'});
	const answer = await sync(bob, since, {filter: {room: {timeline: {limit: 5}}}});
	const shown = answer.rooms?.join?.[roomId];
	t.true(shown?.timeline.limited);
	t.is(shown?.timeline.events.length, 5);
	t.deepEqual(shown?.state?.events.map(({type, content}) => [type, content]).toSorted(), [
		['m.room.name', {name: 'old'}],
		['m.room.topic', {topic: 'in the gap'}],
	]);
	const query = new URLSearchParams({dir: 'f', from: since, to: shown?.timeline.prev_batch ?? '', limit: '100'});
	const gap = await bob.do<{chunk: {event_id: string; content: {body?: string}}[]}>(
		'GET',
		`${room(roomId)}/messages?${query.toString()}`,
	);
	t.deepEqual(
		gap.chunk.map(({content}) => content.body).filter((body) => body !== undefined),
		['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'],
	);
	const after = await sync(bob, since, {use_state_after: true, filter: {room: {timeline: {limit: 5}}}});
	const late = after.rooms?.join?.[roomId];
	t.is(late?.state, undefined);
	t.deepEqual(
		late?.state_after?.events
			.map(({content}) => content)
			.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
		[{name: 'new'}, {topic: 'in the gap'}],
	);
	const whole = await sync(bob, answer.next_batch, {full_state: true, timeout: 30_000});
	t.true((whole.rooms?.join?.[roomId]?.state?.events.length ?? 0) > 5);
	t.deepEqual(whole.rooms?.join?.[roomId]?.timeline.events, []);
});

test('who waits is answered when something happens, and with nothing when the time is up', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {next_batch: since} = await sync(bob);
	const waiting = sync(bob, since, {timeout: 30_000});
	await alice.say(roomId, 'wake up');
	t.deepEqual(bodiesOf((await waiting).rooms?.join?.[roomId]), ['wake up']);
	const {next_batch: later} = await waiting;
	t.is((await sync(bob, later, {timeout: 50})).rooms, undefined);
	const invited = sync(bob, later, {timeout: 30_000});
	const second = await alice.create({invite: [bob.id]});
	t.truthy((await invited).rooms?.invite?.[second]);
});

test('a wait ends with its session, and at once', async (t) => {
	const {alice, app} = await newsroom(t);
	const {next_batch: since} = await sync(alice);
	const waitMs = 60_000;
	const begunMs = performance.now();
	const waiting = alice.ask('GET', syncPath(since, {timeout: waitMs}));
	await until(() => app.readLog() !== undefined, 'the log');
	await alice.do('POST', '/logout', {});
	const answer = await waiting;
	t.is(answer.status, 401);
	t.is(answer.body['errcode'], 'M_UNKNOWN_TOKEN');
	t.true(performance.now() - begunMs < waitMs, 'and not because its time was up');
});

test('an invite shows what the room is and who invites, and its end is shown too', async (t) => {
	const {alice, bob} = await newsroom(t);
	const {next_batch: start} = await sync(bob);
	const roomId = await alice.create({name: 'Desk', topic: 'News', invite: [bob.id]});
	await alice.say(roomId, 'secret');
	const answer = await sync(bob, start);
	const events = answer.rooms?.invite?.[roomId]?.invite_state.events ?? [];
	const types = events.map(({type}) => type);
	t.true(types.includes('m.room.create'));
	t.true(types.includes('m.room.name'));
	t.deepEqual(events.filter(({type}) => type === 'm.room.member').length, 2);
	t.false(JSON.stringify(answer).includes('secret'));
	t.is(answer.rooms?.join, undefined);
	t.is((await sync(bob, answer.next_batch)).rooms, undefined);
	t.truthy((await sync(bob)).rooms?.invite?.[roomId]);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	const left = await sync(bob, answer.next_batch);
	const shown = left.rooms?.leave?.[roomId];
	t.deepEqual(keysOf(shown?.timeline.events), [`m.room.member ${bob.id}`]);
	t.deepEqual(shown?.state?.events, []);
	t.false(JSON.stringify(left).includes('secret'));
	t.is((await sync(bob)).rooms, undefined);
});

test('a room that was joined since the token is shown as if it were the first time', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	await alice.say(roomId, 'before');
	const {next_batch: since} = await sync(bob);
	await bob.join(roomId);
	const shown = (await sync(bob, since)).rooms?.join?.[roomId];
	t.true(bodiesOf(shown).includes('before'));
	const known = [...keysOf(shown?.state?.events), ...keysOf(shown?.timeline.events)];
	t.true(known.includes('m.room.name '));
	t.true(known.includes(`m.room.member ${bob.id}`));
	t.deepEqual(shown?.unread_notifications, {notification_count: 0, highlight_count: 0});
});

test('E2: who was put out is told so, and nothing of what came after', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {next_batch: since} = await sync(bob);
	await alice.say(roomId, 'before');
	const waiting = sync(bob, (await sync(bob, since)).next_batch, {timeout: 30_000});
	await alice.do('POST', `${room(roomId)}/kick`, {user_id: bob.id, reason: 'enough'});
	t.truthy((await waiting).rooms?.leave?.[roomId]);
	await alice.say(roomId, 'after');
	await alice.setState(roomId, 'm.room.topic', {topic: 'after'});
	const answer = await sync(bob, since);
	t.is(answer.rooms?.join, undefined);
	const shown = answer.rooms?.leave?.[roomId];
	t.deepEqual(bodiesOf(shown), ['before']);
	t.is(shown?.timeline.events.at(-1)?.content['membership'], 'leave');
	t.false(JSON.stringify(answer).includes('after'));
	t.is((await sync(bob, (await waiting).next_batch)).rooms, undefined);
	t.is((await sync(bob)).rooms, undefined);
	const all = await sync(bob, undefined, {filter: {room: {include_leave: true}}});
	t.false(JSON.stringify(all).includes('after'));
	t.deepEqual(bodiesOf(all.rooms?.leave?.[roomId]), ['before']);
	await bob.do('POST', `${room(roomId)}/forget`, {});
	const forgotten = await sync(bob, undefined, {filter: {room: {include_leave: true}}});
	t.is(forgotten.rooms, undefined);
	t.deepEqual(Object.keys((await sync(bob, since)).rooms?.leave ?? {}), [roomId], 'another device must learn of it');
	t.is((await sync(bob, forgotten.next_batch)).rooms, undefined);
});

test('a room that was entered since the token shows its newest events, and says that there may be more', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await alice.say(roomId, 'before');
	const {next_batch: since} = await sync(bob);
	await bob.join(roomId);
	await alice.say(roomId, 'after');
	const filter = {room: {timeline: {types: ['m.room.message']}}};
	const shown = (await sync(bob, since, {filter})).rooms?.join?.[roomId];
	t.deepEqual(bodiesOf(shown), ['before', 'after']);
	t.true(shown?.timeline.limited);
});

test('E14: tokens and filters that nobody gave out are refused', async (t) => {
	const {alice} = await newsroom(t);
	const {next_batch: since} = await sync(alice);
	const [version, pos, epoch, seq] = since.split('.');
	const bad = [
		'garbage',
		'-1',
		's1',
		's1.-1.x.0',
		's1.9223372036854775808.x.0',
		`s2.${pos}.${epoch}.${seq}`,
		`${version}.${Number(pos) + 1000}.${epoch}.${seq}`,
		`${version}.${pos}.${epoch}.${Number(seq) + 1000}`,
		`${since}.99999999`,
		't1_0',
	];
	for (const token of bad) {
		t.deepEqual(errorOf(await alice.ask('GET', syncPath(token))).errcode, 'M_INVALID_PARAM', token);
	}
	t.is((await alice.ask('GET', syncPath(undefined, {filter: 'unknown'}))).status, 400);
	t.is((await alice.ask('GET', syncPath(undefined, {filter: '{"room":5}'}))).status, 400);
	t.is((await alice.ask('GET', syncPath(undefined, {filter: '{'}))).status, 400);
	t.is((await alice.ask('GET', '/sync?timeout=abc')).status, 400);
	t.is((await alice.ask('GET', '/sync?set_presence=abc')).status, 400);
	t.is((await alice.ask('GET', `/sync?since=${encodeURIComponent(since)}&timeout=-5`)).status, 200);
});

test('members are loaded lazily: those who speak, oneself, and whom the room is called after', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	await bob.join(roomId);
	await carol.join(roomId);
	for (let index = 0; index < 12; index += 1) await bob.say(roomId, `m${index}`);
	const filter = {room: {state: {lazy_load_members: true}}};
	const first = await sync(alice, undefined, {filter});
	const members = (events: Parameters<typeof keysOf>[0]) =>
		keysOf(events).filter((key) => key.startsWith('m.room.member'));
	t.deepEqual(
		members(first.rooms?.join?.[roomId]?.state?.events),
		[alice, bob].map(({id}) => `m.room.member ${id}`).toSorted(),
	);
	await bob.say(roomId, 'again');
	const second = await sync(alice, first.next_batch, {filter});
	t.deepEqual(members(second.rooms?.join?.[roomId]?.state?.events), []);
	await carol.say(roomId, 'me too');
	const third = await sync(alice, second.next_batch, {filter});
	t.deepEqual(members(third.rooms?.join?.[roomId]?.state?.events), [`m.room.member ${carol.id}`]);
	const again = await sync(alice, second.next_batch, {filter});
	t.deepEqual(
		members(again.rooms?.join?.[roomId]?.state?.events),
		[`m.room.member ${carol.id}`],
		'the answer got lost',
	);
	await carol.say(roomId, 'once more');
	const fourth = await sync(alice, third.next_batch, {filter});
	t.deepEqual(members(fourth.rooms?.join?.[roomId]?.state?.events), []);
	const redundant = {room: {state: {lazy_load_members: true, include_redundant_members: true}}};
	const fifth = await sync(alice, third.next_batch, {filter: redundant});
	t.deepEqual(members(fifth.rooms?.join?.[roomId]?.state?.events), [`m.room.member ${carol.id}`]);
});

test('a room without a name tells whom to call it after', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', invite: [carol.id]});
	await bob.join(roomId);
	const {next_batch: since, rooms} = await sync(alice);
	t.deepEqual(rooms?.join?.[roomId]?.summary, {
		'm.heroes': [bob.id, carol.id],
		'm.joined_member_count': 2,
		'm.invited_member_count': 1,
	});
	await carol.join(roomId);
	const joined = (await sync(alice, since)).rooms?.join?.[roomId]?.summary;
	t.is(joined?.['m.joined_member_count'], 3);
	t.is(joined?.['m.invited_member_count'], 0);
});

test('filters choose rooms, types, senders and fields', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	const other = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await bob.say(roomId, 'by bob');
	await alice.say(roomId, 'by alice');
	const one = async (filter: object) => (await sync(alice, undefined, {filter})).rooms?.join ?? {};
	t.deepEqual(Object.keys(await one({room: {rooms: [other]}})), [other]);
	t.deepEqual(Object.keys(await one({room: {rooms: [roomId, other], not_rooms: [other]}})), [roomId]);
	const only = await one({room: {timeline: {types: ['m.room.mess*']}, state: {types: []}}});
	t.deepEqual(bodiesOf(only[roomId]), ['by bob', 'by alice']);
	t.is(only[roomId]?.timeline.events.length, 2);
	t.deepEqual(only[roomId]?.state?.events, []);
	const notBob = await one({room: {timeline: {types: ['m.room.message'], not_senders: [bob.id]}}});
	t.deepEqual(bodiesOf(notBob[roomId]), ['by alice']);
	const {filter_id: filterId} = await alice.do<{filter_id: string}>(
		'POST',
		`/user/${encodeURIComponent(alice.id)}/filter`,
		{
			event_fields: ['content.body', 'type', 'event_id', 'sender', 'origin_server_ts'],
			room: {rooms: [roomId], timeline: {types: ['m.room.message'], limit: 1}, state: {types: ['m.room.name']}},
		},
	);
	const stored = await alice.do<{rooms: {join: Record<string, {timeline: {events: {content: unknown}[]}}>}}>(
		'GET',
		`/sync?set_presence=offline&filter=${filterId}`,
	);
	const [event] = stored.rooms.join[roomId]?.timeline.events ?? [];
	t.deepEqual(Object.keys(event ?? {}).toSorted(), ['content', 'event_id', 'origin_server_ts', 'sender', 'type']);
	t.deepEqual(event?.content, {body: 'by alice'});
	await bob.setState(roomId, 'm.room.member', {membership: 'join', displayname: 'B.'}, bob.id);
	const {next_batch: since} = await sync(alice, undefined, {filter: filterId});
	await bob.setState(roomId, 'm.room.member', {membership: 'join', displayname: 'Bob'}, bob.id);
	t.is(
		(await sync(alice, since, {filter: {room: {timeline: {types: []}, state: {types: []}}}})).rooms?.join?.[roomId]
			?.timeline.events.length,
		0,
	);
});

test('those whom one ignores are not heard, and their invites not shown', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {next_batch: since} = await sync(alice);
	await alice.do('PUT', `/user/${encodeURIComponent(alice.id)}/account_data/m.ignored_user_list`, {
		ignored_users: {[bob.id]: {}},
	});
	await bob.say(roomId, 'noise');
	await bob.setState(roomId, 'm.room.member', {membership: 'join', displayname: 'Bob'}, bob.id);
	const other = await bob.create({invite: [alice.id]});
	const answer = await sync(alice, since);
	t.deepEqual(bodiesOf(answer.rooms?.join?.[roomId]), []);
	t.deepEqual(keysOf(answer.rooms?.join?.[roomId]?.timeline.events), [`m.room.member ${bob.id}`]);
	t.is(answer.rooms?.invite?.[other], undefined);
	t.deepEqual(
		answer.account_data?.events.map(({type}) => type),
		['m.ignored_user_list'],
	);
});

test('the state after a timeline is told whole by the name that it is asked by, also where nothing changed', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', topic: 'old'});
	await bob.join(roomId);
	const names = [
		['use_state_after', 'state_after'],
		['org.matrix.msc4222.use_state_after', 'org.matrix.msc4222.state_after'],
	] as const;
	for (const [asked, name] of names) {
		const ask = async (since?: string) => {
			const answer = await sync(bob, since, {[asked]: true});
			type Rooms = Record<string, Record<string, {events: readonly {content: object}[]}>>;
			const {join = {}, leave = {}} = answer.rooms ?? {};
			return {since: answer.next_batch, shown: {...(join as unknown as Rooms), ...(leave as unknown as Rooms)}[roomId]};
		};
		const first = await ask();
		t.true((first.shown?.[name]?.events.length ?? 0) > 5);
		t.is(first.shown?.['state'], undefined);
		await alice.say(roomId, asked);
		const said = await ask(first.since);
		t.deepEqual(said.shown?.[name], {events: []});
		await alice.setState(roomId, 'm.room.topic', {topic: asked});
		const changed = await ask(said.since);
		t.deepEqual(
			changed.shown?.[name]?.events.map(({content}) => content),
			[{topic: asked}],
		);
		await bob.do('POST', `${room(roomId)}/leave`, {});
		const left = await ask(changed.since);
		t.truthy(left.shown?.[name]);
		t.is(left.shown?.['state'], undefined);
		await bob.join(roomId);
	}
});
