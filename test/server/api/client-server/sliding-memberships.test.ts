/** What a connection tells of rooms that its user is not inside of, or not any more; and what it keeps to itself. */
import test from 'ava';
import {newsroom, type Person, room} from './newsroom.ts';
import {allRooms, bodiesOf, keysOf, slide, type SlidingRoom} from './sliding-answers.ts';

const everything = allRooms({timeline_limit: 20, required_state: [['*', '*']]});

const membershipOf = (shown: SlidingRoom | undefined, person: Person): unknown =>
	shown?.required_state?.find(({type, state_key: key}) => type === 'm.room.member' && key === person.id)?.content[
		'membership'
	];

test('an invite shows what the room is and who invites, and nothing of what is in it; joining shows it whole', async (t) => {
	const {alice, bob} = await newsroom(t);
	const {pos} = await slide(bob, undefined, everything);
	const waiting = slide(bob, pos, {...everything, timeout: 30_000});
	const roomId = await alice.create({name: 'Desk', topic: 'News', invite: [bob.id]});
	await alice.say(roomId, 'secret');
	const invited = await waiting;
	const shown = invited.rooms[roomId];
	t.true(shown?.initial);
	t.is(shown?.membership, 'invite');
	t.deepEqual(shown?.invite_state, shown?.stripped_state);
	const keys = keysOf(shown?.invite_state);
	t.true(keys.includes('m.room.name ') && keys.includes(`m.room.member ${alice.id}`));
	t.true(keys.includes(`m.room.member ${bob.id}`));
	t.deepEqual(
		[shown?.timeline, shown?.required_state, shown?.joined_count, shown?.heroes, shown?.name, shown?.prev_batch],
		[undefined, undefined, undefined, undefined, undefined, undefined],
	);
	const later = await slide(bob, invited.pos, everything);
	t.deepEqual(later.rooms, {});
	t.false(JSON.stringify([invited, later]).includes('secret'));
	await bob.join(roomId);
	const joined = await slide(bob, later.pos, everything);
	t.true(joined.rooms[roomId]?.initial);
	t.is(joined.rooms[roomId]?.membership, 'join');
	t.is(joined.rooms[roomId]?.name, 'Desk');
	t.is(joined.rooms[roomId]?.invite_state, undefined);
	t.deepEqual(bodiesOf(joined.rooms[roomId]), ['secret']);
});

test('an invite that is turned down, or taken back, ends on the connection that showed it, and is on no new one', async (t) => {
	const {alice, bob} = await newsroom(t);
	const declined = await alice.create({invite: [bob.id]});
	const revoked = await alice.create({invite: [bob.id], name: 'Secret'});
	const {pos, rooms} = await slide(bob, undefined, everything);
	t.deepEqual(Object.keys(rooms), [revoked, declined]);
	await bob.do('POST', `${room(declined)}/leave`, {});
	await alice.do('POST', `${room(revoked)}/kick`, {user_id: bob.id});
	await alice.say(revoked, 'unheard');
	const ended = await slide(bob, pos, everything);
	for (const roomId of [declined, revoked]) {
		const shown = ended.rooms[roomId];
		t.is(shown?.membership, 'leave');
		t.deepEqual(keysOf(shown?.required_state), [`m.room.member ${bob.id}`]);
		t.is(membershipOf(shown, bob), 'leave');
		t.deepEqual(keysOf(shown?.timeline), [`m.room.member ${bob.id}`]);
		t.deepEqual(keysOf(shown?.stripped_state), [`m.room.member ${bob.id}`]);
		t.deepEqual([shown?.invite_state, shown?.name, shown?.joined_count], [undefined, undefined, undefined]);
	}
	t.deepEqual((await slide(bob, ended.pos, everything)).rooms, {});
	t.deepEqual((await slide(bob, undefined, everything)).rooms, {});
	const subscribed = {room_subscriptions: {[revoked]: {timeline_limit: 9, required_state: [['*', '*']]}}};
	t.deepEqual((await slide(bob, undefined, subscribed)).rooms, {});
});

test('a knock shows what the room is, until it is answered', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		name: 'Desk',
		initial_state: [{type: 'm.room.join_rules', state_key: '', content: {join_rule: 'knock'}}],
	});
	await bob.do('POST', `/knock/${encodeURIComponent(roomId)}`, {});
	const knocked = await slide(bob, undefined, everything);
	t.is(knocked.rooms[roomId]?.membership, 'knock');
	const own = knocked.rooms[roomId]?.invite_state?.find(({state_key: key}) => key === bob.id);
	t.is(own?.content['membership'], 'knock');
	await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id});
	const invited = await slide(bob, knocked.pos, everything);
	t.is(invited.rooms[roomId]?.membership, 'invite');
});

test('E2: who leaves, is put out or banned is told so, and nothing of what comes after', async (t) => {
	for (const how of ['leave', 'kick', 'ban'] as const) {
		const {alice, bob} = await newsroom(t);
		const roomId = await alice.create({preset: 'public_chat', name: 'Desk'});
		await bob.join(roomId);
		await alice.say(roomId, 'before');
		const {pos} = await slide(bob, undefined, everything);
		await alice.say(roomId, 'last');
		if (how === 'leave') await bob.do('POST', `${room(roomId)}/leave`, {});
		else await alice.do('POST', `${room(roomId)}/${how}`, {user_id: bob.id});
		await alice.say(roomId, 'unheard');
		await alice.setState(roomId, 'm.room.name', {name: 'Unheard'});
		await alice.setState(roomId, 'org.example.unheard', {});
		const left = await slide(bob, pos, everything);
		const shown = left.rooms[roomId];
		t.deepEqual(bodiesOf(shown), ['last'], how);
		t.is(shown?.membership, how === 'ban' ? 'ban' : 'leave');
		t.is(membershipOf(shown, bob), shown?.membership);
		t.deepEqual(keysOf(shown?.required_state), [`m.room.member ${bob.id}`]);
		t.is(shown?.initial, undefined);
		await alice.say(roomId, 'still unheard');
		await alice.do('PUT', `/profile/${alice.id}/displayname`, {displayname: 'Unheard'});
		const later = await slide(bob, left.pos, everything);
		t.deepEqual(later.rooms, {});
		const wide = {
			...everything,
			lists: {all: {timeline_limit: 50, required_state: [['*', '*']]}},
			room_subscriptions: {[roomId]: {timeline_limit: 50, required_state: [['*', '*']]}},
			extensions: {
				receipts: {enabled: true},
				typing: {enabled: true},
				account_data: {enabled: true},
				e2ee: {enabled: true},
			},
		};
		const anew = await slide(bob, undefined, wide);
		const again = anew.rooms[roomId];
		t.true(again?.initial);
		t.is(again?.name, 'Desk');
		t.deepEqual([again?.joined_count, again?.heroes, again?.notification_count], [undefined, undefined, undefined]);
		const listed = await slide(bob, undefined, everything);
		t.is(listed.rooms[roomId] === undefined, how === 'leave', 'who was put out may not know it yet');
		t.false(/unheard/i.test(JSON.stringify([left, later, anew, listed])), how);
	}
});

test('who comes back is shown the room anew, as far as its history may be seen', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		initial_state: [{type: 'm.room.history_visibility', state_key: '', content: {history_visibility: 'joined'}}],
	});
	await alice.say(roomId, 'too early');
	await bob.join(roomId);
	await alice.say(roomId, 'heard');
	const first = await slide(bob, undefined, everything);
	t.deepEqual(bodiesOf(first.rooms[roomId]), ['heard']);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	const left = await slide(bob, first.pos, everything);
	await alice.say(roomId, 'missed');
	await bob.join(roomId);
	await alice.say(roomId, 'heard again');
	const back = await slide(bob, left.pos, everything);
	t.true(back.rooms[roomId]?.initial);
	t.deepEqual(bodiesOf(back.rooms[roomId]), ['heard', 'heard again']);
	t.is(membershipOf(back.rooms[roomId], bob), 'join');
	t.false(JSON.stringify([first, left, back]).includes('missed'));
	t.false(JSON.stringify([first, left, back]).includes('too early'));
});

test('who leaves and comes back between two requests has a gap, and no more', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		initial_state: [{type: 'm.room.history_visibility', state_key: '', content: {history_visibility: 'joined'}}],
	});
	await bob.join(roomId);
	const {pos} = await slide(bob, undefined, everything);
	await alice.say(roomId, 'heard');
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await alice.say(roomId, 'missed');
	await bob.join(roomId);
	const back = await slide(bob, pos, everything);
	t.deepEqual(bodiesOf(back.rooms[roomId]), ['heard']);
	t.is(membershipOf(back.rooms[roomId], bob), 'join');
	t.is(back.rooms[roomId]?.membership, 'join');
});

test('people who are ignored write nothing and invite to nothing', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await bob.do('PUT', `/user/${bob.id}/account_data/m.ignored_user_list`, {ignored_users: {[carol.id]: {}}});
	const {pos} = await slide(bob, undefined, everything);
	await carol.say(roomId, 'spam');
	const spam = await carol.create({invite: [bob.id], name: 'Spam'});
	await alice.say(roomId, 'hello');
	const answer = await slide(bob, pos, everything);
	t.deepEqual(bodiesOf(answer.rooms[roomId]), ['hello']);
	t.is(answer.rooms[spam], undefined);
	t.deepEqual(answer.lists, {all: {count: 1}});
	const subscribed = await slide(bob, undefined, {room_subscriptions: {[spam]: {timeline_limit: 1}}});
	t.deepEqual(subscribed.rooms, {});
	const stamp = answer.rooms[roomId]?.bump_stamp;
	await carol.say(roomId, 'more spam');
	const quiet = await slide(bob, answer.pos, everything);
	t.deepEqual(quiet.rooms, {});
	t.is((await slide(bob, undefined, everything)).rooms[roomId]?.bump_stamp, stamp);
});

test('rooms of others are not there for who subscribes to them, nor are forgotten ones', async (t) => {
	const {alice, bob} = await newsroom(t);
	const hers = await alice.create({preset: 'public_chat', name: 'Hers'});
	const his = await bob.create({name: 'His'});
	await bob.do('POST', `${room(his)}/leave`, {});
	const wish = {timeline_limit: 9, required_state: [['*', '*']]};
	const subscribed = {room_subscriptions: {[hers]: wish, [his]: wish, '!none:news.example': wish}};
	const left = await slide(bob, undefined, subscribed);
	t.deepEqual(Object.keys(left.rooms), [his]);
	await bob.do('POST', `${room(his)}/forget`, {});
	t.deepEqual((await slide(bob, undefined, subscribed)).rooms, {});
});

test('lists are filtered by what rooms are, and counted so', async (t) => {
	const {alice, bob} = await newsroom(t);
	const plain = await alice.create({name: 'Plain'});
	const encrypted = await alice.create({
		initial_state: [{type: 'm.room.encryption', state_key: '', content: {algorithm: 'm.megolm.v1.aes-sha2'}}],
	});
	const space = await alice.create({creation_content: {type: 'm.space'}});
	const direct = await alice.create();
	const invited = await bob.create({invite: [alice.id], creation_content: {type: 'org.example'}});
	await alice.do('PUT', `/user/${alice.id}/account_data/m.direct`, {[bob.id]: [direct]});
	await alice.do('PUT', `/user/${alice.id}${room(plain)}/tags/m.favourite`, {order: 0.1});
	await alice.do('PUT', `/user/${alice.id}${room(direct)}/tags/u.work`, {});
	await alice.do('PUT', `/user/${alice.id}${room(direct)}/tags/m.favourite`, {});
	await alice.setState(space, 'm.space.child', {via: ['news.example']}, plain);
	await alice.setState(space, 'm.space.child', {via: ['news.example']}, direct);
	await alice.setState(space, 'm.space.child', {}, direct);
	const names = new Map([plain, encrypted, space, direct, invited].map((id, index) => [id, 'PESDI'[index]!]));
	const told = async (filters: object) => {
		const {rooms, lists} = await slide(alice, undefined, allRooms({filters}));
		const found = Object.keys(rooms).map((id) => names.get(id) ?? '?');
		t.is(lists['all']?.count, found.length);
		return found.toSorted().join('');
	};
	t.is(await told({}), 'DEIPS');
	t.is(await told({is_dm: true}), 'D');
	t.is(await told({is_dm: false}), 'EIPS');
	t.is(await told({is_encrypted: true}), 'E');
	t.is(await told({is_encrypted: false, is_invite: false}), 'DPS');
	t.is(await told({is_invite: true}), 'I');
	t.is(await told({is_invited: true}), 'I');
	t.is(await told({is_invited: false}), 'DEPS');
	t.is(await told({room_types: ['m.space']}), 'S');
	t.is(await told({room_types: [null]}), 'DEP');
	t.is(await told({room_types: ['m.space', null]}), 'DEPS');
	t.is(await told({not_room_types: ['m.space']}), 'DEIP');
	t.is(await told({not_room_types: [null]}), 'IS');
	t.is(await told({room_types: ['m.space'], not_room_types: ['m.space']}), '');
	t.is(await told({room_types: ['org.example']}), 'I');
	t.is(await told({tags: ['m.favourite']}), 'DP');
	t.is(await told({not_tags: ['u.work']}), 'EIPS');
	t.is(await told({tags: ['m.favourite'], not_tags: ['u.work']}), 'P');
	t.is(await told({spaces: [space]}), 'P');
	t.is(await told({spaces: [plain, '!none:news.example']}), '');
	t.is(await told({spaces: []}), '');
	await bob.join(await alice.create({preset: 'public_chat'}));
	const {rooms} = await slide(bob, undefined, allRooms({filters: {spaces: [space]}}));
	t.deepEqual(rooms, {}, 'a space that one is not in tells nothing');
});

test('that a room is direct is told when it becomes so, and when it is not any more', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({invite: [bob.id]});
	const path = `/user/${alice.id}/account_data/m.direct`;
	const {pos, rooms} = await slide(alice);
	t.is(rooms[roomId]?.is_dm, undefined);
	await alice.do('PUT', path, {[bob.id]: [roomId]});
	const direct = await slide(alice, pos);
	t.deepEqual([direct.rooms[roomId]?.is_dm, direct.rooms[roomId]?.initial], [true, undefined]);
	t.deepEqual((await slide(alice, direct.pos)).rooms, {});
	t.true((await slide(alice)).rooms[roomId]?.is_dm);
	await alice.do('PUT', path, {[bob.id]: 'nonsense', '@x:y': [1, null]});
	t.false((await slide(alice, direct.pos)).rooms[roomId]?.is_dm);
});
