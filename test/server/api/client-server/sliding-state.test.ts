/** Which state and which events a connection is told, as what is asked for changes. */
import test from 'ava';
import {newsroom} from './newsroom.ts';
import {allRooms, bodiesOf, elementState, keysOf, slide} from './sliding-answers.ts';

const listOf = (requiredState: unknown, timelineLimit = 1) => ({
	lists: {all: {timeline_limit: timelineLimit, required_state: requiredState}},
});

test('state is asked for by type and key, by either alone, all of it, or all but some', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	await bob.join(roomId);
	await alice.setState(roomId, 'org.example.a', {}, 'x');
	await alice.setState(roomId, 'org.example.a', {}, 'y');
	await alice.setState(roomId, 'org.example.b', {}, 'x');
	const told = async (requiredState: unknown) => {
		const {rooms} = await slide(alice, undefined, listOf(requiredState));
		return keysOf(rooms[roomId]?.required_state);
	};
	const everything = [
		'm.room.create ',
		'm.room.guest_access ',
		'm.room.history_visibility ',
		'm.room.join_rules ',
		`m.room.member ${alice.id}`,
		`m.room.member ${bob.id}`,
		'm.room.name ',
		'm.room.power_levels ',
		'org.example.a x',
		'org.example.a y',
		'org.example.b x',
	];
	const others = everything.filter((key) => !key.startsWith('m.room.member'));
	t.deepEqual(await told([['m.room.name', '']]), ['m.room.name ']);
	t.deepEqual(await told([['org.example.a', '*']]), ['org.example.a x', 'org.example.a y']);
	t.deepEqual(await told([['*', 'x']]), ['org.example.a x', 'org.example.b x']);
	t.deepEqual(await told([['*', '*']]), everything);
	t.deepEqual(await told([['m.room.member', '$ME']]), [`m.room.member ${alice.id}`]);
	t.deepEqual(await told([['m.room.member', '*']]), [`m.room.member ${alice.id}`, `m.room.member ${bob.id}`]);
	t.deepEqual(
		await told([
			['*', '*'],
			['m.room.member', '$LAZY'],
		]),
		[...others, `m.room.member ${alice.id}`].toSorted(),
	);
	t.deepEqual(
		await told([
			['m.room.member', '$LAZY'],
			['m.room.member', bob.id],
		]),
		[`m.room.member ${alice.id}`, `m.room.member ${bob.id}`],
	);
	t.deepEqual(await told(undefined), []);
	t.deepEqual(await told({include: [{}]}), everything);
	t.deepEqual(await told({include: [{type: 'org.example.a'}, {state_key: 'x'}]}), [
		'org.example.a x',
		'org.example.a y',
		'org.example.b x',
	]);
	t.deepEqual(
		await told({include: [{}], exclude: [{type: 'org.example.a'}, {type: 'm.room.member'}]}),
		others.filter((key) => !key.startsWith('org.example.a')),
	);
	t.deepEqual(await told({include: [{}], lazy_members: true}), [...others, `m.room.member ${alice.id}`].toSorted());
});

test('later only state that changed is told, whether the timeline shows it or not', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create({name: 'Desk', topic: 'old'});
	const wish = listOf([
		['m.room.topic', ''],
		['m.room.name', ''],
		['m.room.avatar', ''],
	]);
	const {pos} = await slide(alice, undefined, wish);
	await alice.setState(roomId, 'm.room.topic', {topic: 'new'});
	await alice.setState(roomId, 'org.example.other', {});
	await alice.say(roomId, 'hello');
	const answer = await slide(alice, pos, wish);
	const told = answer.rooms[roomId];
	t.deepEqual(
		told?.required_state?.map(({type, content}) => [type, content['topic']]),
		[['m.room.topic', 'new']],
	);
	t.deepEqual(bodiesOf(told), ['hello']);
	t.true(told?.limited);
	t.is(told?.name, undefined);
	await alice.setState(roomId, 'm.room.name', {name: ''});
	await alice.setState(roomId, 'm.room.avatar', {url: 'mxc://news.example/a'});
	const named = await slide(alice, answer.pos, wish);
	t.is(named.rooms[roomId]?.name, null);
	t.is(named.rooms[roomId]?.avatar, 'mxc://news.example/a');
	await alice.setState(roomId, 'm.room.avatar', {});
	t.is((await slide(alice, named.pos, wish)).rooms[roomId]?.avatar, null);
});

test('a room without a name is called after its people, and counts them', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Bob'});
	await bob.do('PUT', `/profile/${bob.id}/avatar_url`, {avatar_url: 'mxc://news.example/bob'});
	const roomId = await alice.create({preset: 'public_chat', invite: [carol.id]});
	await bob.join(roomId);
	const answer = await slide(alice);
	const told = answer.rooms[roomId];
	t.is(told?.name, undefined);
	t.deepEqual(told?.heroes, [
		{user_id: bob.id, displayname: 'Bob', avatar_url: 'mxc://news.example/bob'},
		{user_id: carol.id},
	]);
	t.deepEqual([told?.joined_count, told?.invited_count], [2, 1]);
	await carol.join(roomId);
	const joined = await slide(alice, answer.pos);
	t.deepEqual([joined.rooms[roomId]?.joined_count, joined.rooms[roomId]?.invited_count], [3, 0]);
	t.is(joined.rooms[roomId]?.heroes?.length, 2);
	await alice.setState(roomId, 'm.room.name', {name: 'Desk'});
	const named = await slide(alice, joined.pos);
	t.is(named.rooms[roomId]?.name, 'Desk');
	t.is(named.rooms[roomId]?.heroes, undefined);
	t.is(named.rooms[roomId]?.joined_count, undefined);
});

test('members who are loaded lazily come with the first event that needs them, and again when they change', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await alice.say(roomId, 'one');
	const wish = listOf([['m.room.member', '$LAZY']], 2);
	const first = await slide(alice, undefined, wish);
	t.deepEqual(keysOf(first.rooms[roomId]?.required_state), [`m.room.member ${alice.id}`, `m.room.member ${carol.id}`]);
	await bob.say(roomId, 'two');
	await carol.say(roomId, 'three');
	const second = await slide(alice, first.pos, wish);
	t.deepEqual(keysOf(second.rooms[roomId]?.required_state), [`m.room.member ${bob.id}`]);
	t.deepEqual(keysOf((await slide(alice, first.pos, wish)).rooms[roomId]?.required_state), [`m.room.member ${bob.id}`]);
	await bob.do('PUT', `/profile/${bob.id}/displayname`, {displayname: 'Bob'});
	const third = await slide(alice, second.pos, wish);
	t.deepEqual(keysOf(third.rooms[roomId]?.required_state), [`m.room.member ${bob.id}`]);
	await carol.do('PUT', `/profile/${carol.id}/displayname`, {displayname: 'Carol'});
	for (const body of ['four', 'five', 'six']) await bob.say(roomId, body);
	const gap = await slide(alice, third.pos, wish);
	t.true(gap.rooms[roomId]?.limited);
	t.is(gap.rooms[roomId]?.required_state, undefined);
	await carol.say(roomId, 'seven');
	const after = await slide(alice, gap.pos, wish);
	t.deepEqual(
		after.rooms[roomId]?.required_state?.map(({content}) => content['displayname']),
		['Carol'],
	);
});

test('a subscription shows a room that no list has, and adds to what a list asks for', async (t) => {
	const {alice} = await newsroom(t);
	const old = await alice.create({name: 'Old', topic: 'a'});
	const fresh = await alice.create({name: 'Fresh'});
	for (const body of ['one', 'two', 'three']) await alice.say(fresh, body);
	const list = {ranges: [[0, 0]], timeline_limit: 1, required_state: [['m.room.name', '']]};
	const first = await slide(alice, undefined, {lists: {top: list}});
	t.deepEqual(Object.keys(first.rooms), [fresh]);
	const subscription = {timeline_limit: 3, required_state: [['m.room.topic', '']]};
	const wish = {lists: {top: list}, room_subscriptions: {[old]: subscription}};
	const second = await slide(alice, first.pos, wish);
	t.deepEqual(Object.keys(second.rooms), [old]);
	t.true(second.rooms[old]?.initial);
	t.is(second.rooms[old]?.lists, undefined);
	t.deepEqual(keysOf(second.rooms[old]?.required_state), ['m.room.topic ']);
	t.is(second.rooms[old]?.timeline?.length, 3);
	await alice.say(old, 'bump');
	const third = await slide(alice, second.pos, wish);
	t.deepEqual(third.rooms[old]?.lists, ['top']);
	t.deepEqual(keysOf(third.rooms[old]?.required_state), ['m.room.name ']);
	await alice.say(old, 'again');
	const fourth = await slide(alice, third.pos, {lists: {top: list}});
	t.deepEqual(bodiesOf(fourth.rooms[old]), ['again']);
	t.is(fourth.rooms[old]?.initial, undefined);
});

test('who asks for more of the past than before is given it at once, and told so', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	for (const body of ['one', 'two', 'three', 'four']) await alice.say(roomId, body);
	const {pos} = await slide(alice, undefined, listOf([], 1));
	const open = {...listOf([], 1), room_subscriptions: {[roomId]: {timeline_limit: 3, required_state: []}}};
	const more = await slide(alice, pos, {...open, timeout: 30_000});
	const told = more.rooms[roomId];
	t.deepEqual(bodiesOf(told), ['two', 'three', 'four']);
	t.true(told?.unstable_expanded_timeline);
	t.true(told?.expanded_timeline);
	t.is(told?.initial, undefined);
	t.true(told?.limited);
	t.is(told?.num_live, 0);
	t.deepEqual((await slide(alice, more.pos, open)).rooms, {});
	// What the client has it keeps when it asks for less, as long as there is no gap.
	await alice.say(roomId, 'five');
	const less = await slide(alice, more.pos, listOf([], 1));
	t.deepEqual(bodiesOf(less.rooms[roomId]), ['five']);
	t.deepEqual((await slide(alice, less.pos, open)).rooms, {});
	for (const body of ['six', 'seven']) await alice.say(roomId, body);
	const gap = await slide(alice, less.pos, listOf([], 1));
	t.deepEqual(bodiesOf(gap.rooms[roomId]), ['seven']);
	const again = await slide(alice, gap.pos, open);
	t.deepEqual(bodiesOf(again.rooms[roomId]), ['five', 'six', 'seven']);
	await alice.say(roomId, 'eight');
	const live = await slide(alice, gap.pos, open);
	t.deepEqual(bodiesOf(live.rooms[roomId]), ['six', 'seven', 'eight']);
	t.is(live.rooms[roomId]?.num_live, 1);
	t.true(live.rooms[roomId]?.expanded_timeline);
});

test('who asks for more state than before is given what it lacks at once, and no more', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create({name: 'Desk', topic: 'News'});
	const name = ['m.room.name', ''];
	const topic = ['m.room.topic', ''];
	const {pos} = await slide(alice, undefined, listOf([name]));
	const more = await slide(alice, pos, {...listOf([topic, name]), timeout: 30_000});
	t.deepEqual(keysOf(more.rooms[roomId]?.required_state), ['m.room.topic ']);
	t.is(more.rooms[roomId]?.timeline, undefined);
	const less = await slide(alice, more.pos, listOf([name]));
	t.deepEqual(less.rooms, {});
	t.deepEqual((await slide(alice, less.pos, listOf([name, topic]))).rooms, {});
	await alice.setState(roomId, 'm.room.topic', {topic: 'changed'});
	const unasked = await slide(alice, less.pos, listOf([name]));
	t.is(unasked.rooms[roomId]?.required_state, undefined);
	const again = await slide(alice, unasked.pos, listOf([name, topic]));
	t.deepEqual(
		again.rooms[roomId]?.required_state?.map(({content}) => content['topic']),
		['changed'],
	);
	const all = await slide(alice, again.pos, listOf([['*', '*']]));
	t.false(keysOf(all.rooms[roomId]?.required_state).includes('m.room.topic '));
	t.true(keysOf(all.rooms[roomId]?.required_state).includes('m.room.create '));
});

test('without a timeline the room is told all the same, and whose it is is said', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
	await bob.join(roomId);
	const wish = listOf([['m.room.name', '']], 0);
	const first = await slide(bob, undefined, wish);
	t.is(first.rooms[roomId]?.timeline, undefined);
	t.is(first.rooms[roomId]?.name, 'Desk');
	await alice.say(roomId, 'hello');
	const second = await slide(bob, first.pos, wish);
	t.is(second.rooms[roomId]?.timeline, undefined);
	t.is(second.rooms[roomId]?.notification_count, 1);
	t.deepEqual(bodiesOf((await slide(bob, second.pos, listOf([], 1))).rooms[roomId]), ['hello']);
});

test('the requests of several lists and subscriptions are united', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create({name: 'Desk', topic: 'News'});
	for (const body of ['one', 'two', 'three']) await alice.say(roomId, body);
	const {rooms, lists} = await slide(alice, undefined, {
		lists: {
			a: {timeline_limit: 1, required_state: [['m.room.name', '']]},
			b: {timeline_limit: 2, required_state: {include: [{type: 'm.room.topic'}]}},
			c: {timeline_limit: 1, required_state: elementState, range: [7, 9]},
		},
		room_subscriptions: {[roomId]: {timeline_limit: 3, required_state: [['m.room.create', '']]}},
	});
	t.deepEqual(keysOf(rooms[roomId]?.required_state), ['m.room.create ', 'm.room.name ', 'm.room.topic ']);
	t.deepEqual(bodiesOf(rooms[roomId]), ['one', 'two', 'three']);
	t.deepEqual(rooms[roomId]?.lists, ['a', 'b']);
	t.deepEqual(lists, {a: {count: 1}, b: {count: 1}, c: {count: 1}});
});

test('reading on takes the unread count away, and writing raises the stamp that rooms are sorted by', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await alice.say(roomId, 'hello');
	const first = await slide(bob);
	t.is(first.rooms[roomId]?.notification_count, 1);
	await bob.do('POST', `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
	const read = await slide(bob, first.pos);
	t.is(read.rooms[roomId]?.notification_count, 0);
	t.is(read.rooms[roomId]?.bump_stamp, undefined);
	await alice.setState(roomId, 'm.room.topic', {topic: 'no news'});
	const topic = await slide(bob, read.pos);
	t.is(topic.rooms[roomId]?.bump_stamp, undefined);
	await alice.say(roomId, 'news');
	const said = await slide(bob, topic.pos, allRooms());
	t.true(said.rooms[roomId]!.bump_stamp! > first.rooms[roomId]!.bump_stamp!);
});
