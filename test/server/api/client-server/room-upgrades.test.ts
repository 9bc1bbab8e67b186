import test from 'ava';
import {errorOf, newsroom, noRoom, type Person, room} from './newsroom.ts';

interface Upgraded {
	readonly replacement_room: string;
}

test('a room is replaced by one of another version, with its state, levels and names', async (t) => {
	const {alice, bob} = await newsroom(t, {config: {privacy: 'server'}});
	for (const [from, to] of [
		['1', '12'],
		['11', '12'],
		['12', '11'],
		['6', '9'],
		['12', '12'],
	] as const) {
		const alias = `r${from}-${to}`;
		const old = await alice.create({
			room_version: from,
			visibility: 'public',
			name: 'Desk',
			topic: 'Deadlines',
			room_alias_name: alias,
			creation_content: {type: 'm.space'},
			power_level_content_override: {users: {...(from === '12' ? {} : {[alice.id]: 100}), [bob.id]: 60}},
		});
		await bob.join(old);
		const lastEvent = await alice.say(old, 'the last word');
		const {replacement_room: next} = await alice.do<Upgraded>('POST', `${room(old)}/upgrade`, {new_version: to});
		t.is((await alice.state(old, 'm.room.tombstone'))['replacement_room'], next, alias);
		const create = await alice.state(next, 'm.room.create');
		t.deepEqual(
			[create['room_version'], create['type'], create['predecessor']],
			[to, 'm.space', {room_id: old, event_id: lastEvent}],
			alias,
		);
		t.deepEqual(await alice.state(next, 'm.room.canonical_alias'), {alias: `#${alias}:news.example`}, alias);
		t.deepEqual(await alice.state(old, 'm.room.canonical_alias'), {}, alias);
		t.is((await alice.state(next, 'm.room.name'))['name'], 'Desk');
		t.is((await alice.state(next, 'm.room.topic'))['topic'], 'Deadlines');
		t.is((await alice.state(next, 'm.room.join_rules'))['join_rule'], 'public');
		const levels = await alice.state(next, 'm.room.power_levels');
		t.deepEqual(levels['users'], to === '12' ? {[bob.id]: 60} : {[alice.id]: 100, [bob.id]: 60}, alias);
		t.is((levels['events'] as Record<string, number>)['m.room.tombstone'], to === '12' ? 150 : 100, alias);
		const found = await alice.do('GET', `/directory/room/${encodeURIComponent(`#${alias}:news.example`)}`);
		t.is(found['room_id'], next);
		t.deepEqual(await alice.do('GET', `/directory/list/room/${encodeURIComponent(next)}`), {visibility: 'public'});
		// The old room is silent for who has no power there.
		t.is((await alice.state(old, 'm.room.power_levels'))['events_default'], 50);
		await bob.join(next);
	}
});

test('from version 12 on creators are named anew with every upgrade', async (t) => {
	const {alice, bob} = await newsroom(t);
	const old = await alice.create({preset: 'trusted_private_chat', invite: [bob.id]});
	const upgrade = (body: object) => alice.do<Upgraded>('POST', `${room(old)}/upgrade`, body);
	const {replacement_room: alone} = await upgrade({new_version: '12'});
	t.is((await alice.state(alone, 'm.room.create'))['additional_creators'], undefined);
	const second = await alice.create();
	const {replacement_room: both} = await alice.do<Upgraded>('POST', `${room(second)}/upgrade`, {
		new_version: '12',
		additional_creators: [bob.id],
	});
	t.deepEqual((await alice.state(both, 'm.room.create'))['additional_creators'], [bob.id]);
});

test('what was redacted in the old room does not come back in the new one', async (t) => {
	const {alice} = await newsroom(t);
	const old = await alice.create({name: 'Operation Canary'});
	const {event_id: name} = await alice.do<{event_id: string}>('GET', `${room(old)}/state/m.room.name?format=event`);
	await alice.do('PUT', `${room(old)}/redact/${encodeURIComponent(name)}/1`, {});
	const {replacement_room: next} = await alice.do<Upgraded>('POST', `${room(old)}/upgrade`, {new_version: '12'});
	t.false((await alice.ask('GET', `${room(next)}/state`)).text.includes('Canary'));
});

test('who may not end a room does not replace it, and unknown versions are none', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const ask = (id: string, body: unknown = {new_version: '12'}) => bob.ask('POST', `${room(id)}/upgrade`, body);
	const [real, unreal] = [await ask(roomId), await ask(noRoom(roomId))];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.is(real.status, 403);
	await bob.join(roomId);
	t.is((await ask(roomId)).body['errcode'], 'M_FORBIDDEN');
	t.is((await ask(roomId, {new_version: '99'})).body['errcode'], 'M_UNSUPPORTED_ROOM_VERSION');
	t.is((await ask(roomId, {})).body['errcode'], 'M_BAD_JSON');
	t.is((await ask(roomId, {new_version: 12})).body['errcode'], 'M_BAD_JSON');
	t.is((await alice.ask('GET', `${room(roomId)}/state/m.room.tombstone`)).status, 404);
});

const rulesOf = async (person: Person, kind: string) =>
	(
		await person.do<{
			global: Record<string, {rule_id: string; default: boolean; conditions?: object[]; enabled: boolean}[]>;
		}>('GET', '/pushrules/')
	).global[kind]!.filter((rule) => !rule.default);

test('who enters the new room finds their tags, push rules and direct chats there', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const old = await alice.create({preset: 'public_chat'});
	const another = await alice.create();
	await bob.join(old);
	const at = (person: Person) => `/user/${encodeURIComponent(person.id)}`;
	const inRoom = (person: Person, roomId: string) => `${at(person)}/rooms/${encodeURIComponent(roomId)}`;
	const isHere = (roomId: string) => ({kind: 'event_match', key: 'room_id', pattern: roomId});
	for (const person of [alice, bob]) {
		await person.do('PUT', `${inRoom(person, old)}/tags/u.desk`, {order: 0.5});
		await person.do('PUT', `/pushrules/global/room/${encodeURIComponent(old)}`, {actions: []});
		await person.do('PUT', `/pushrules/global/override/${encodeURIComponent(old)}`, {
			actions: [],
			conditions: [isHere(old)],
		});
		await person.do('PUT', '/pushrules/global/underride/mine', {actions: ['notify'], conditions: [isHere(old)]});
		await person.do('PUT', '/pushrules/global/override/else', {actions: [], conditions: [isHere(another)]});
		await person.do('PUT', `/pushrules/global/room/${encodeURIComponent(old)}/enabled`, {enabled: false});
		await person.do('PUT', `${at(person)}/account_data/m.direct`, {[carol.id]: [old], '@x:y': [another], odd: 5});
	}
	const {replacement_room: next} = await alice.do<Upgraded>('POST', `${room(old)}/upgrade`, {new_version: '12'});
	t.deepEqual(await bob.do('GET', `${at(bob)}/account_data/m.direct`), {[carol.id]: [old], '@x:y': [another], odd: 5});
	await bob.join(next);
	for (const person of [alice, bob]) {
		t.deepEqual(await person.do('GET', `${inRoom(person, next)}/tags`), {tags: {'u.desk': {order: 0.5}}});
		t.deepEqual(await person.do('GET', `${inRoom(person, old)}/tags`), {tags: {'u.desk': {order: 0.5}}});
		const ids = async (kind: string) => (await rulesOf(person, kind)).map(({rule_id: id}) => id);
		t.deepEqual((await ids('room')).toSorted(), [old, next].toSorted());
		t.deepEqual((await ids('override')).toSorted(), ['else', old, next].toSorted());
		t.deepEqual((await ids('underride')).toSorted(), ['mine', `mine ${next}`]);
		const copied = (await rulesOf(person, 'override')).find(({rule_id: id}) => id === next);
		t.deepEqual(copied?.conditions, [isHere(next)]);
		t.false((await rulesOf(person, 'room')).find(({rule_id: id}) => id === next)?.enabled, 'off as the other one');
		t.deepEqual(await person.do('GET', `${at(person)}/account_data/m.direct`), {
			[carol.id]: [old, next],
			'@x:y': [another],
			odd: 5,
		});
	}
	// Once is enough: what they change afterwards is theirs.
	await bob.do('DELETE', `${inRoom(bob, next)}/tags/u.desk`);
	await bob.do('DELETE', `/pushrules/global/room/${encodeURIComponent(next)}`);
	await bob.join(next);
	await bob.do('POST', `${room(next)}/leave`, {});
	await bob.join(next);
	t.deepEqual(await bob.do('GET', `${inRoom(bob, next)}/tags`), {tags: {}});
	t.is((await rulesOf(bob, 'room')).length, 1);
	// Carol had nothing to do with the old room.
	await carol.join(next);
	t.deepEqual(await carol.do('GET', `${inRoom(carol, next)}/tags`), {tags: {}});
});

test('who replaces a room by hand keeps what they had there, once both rooms say so', async (t) => {
	const {alice} = await newsroom(t);
	const old = await alice.create({preset: 'public_chat'});
	const tags = (roomId: string) => `/user/${encodeURIComponent(alice.id)}/rooms/${encodeURIComponent(roomId)}/tags`;
	await alice.do('PUT', `${tags(old)}/u.desk`, {});
	await alice.do('PUT', `/pushrules/global/room/${encodeURIComponent(old)}`, {actions: []});
	const next = await alice.create({creation_content: {predecessor: {room_id: old}}});
	const other = await alice.create();
	t.deepEqual(await alice.do('GET', tags(next)), {tags: {}});
	await alice.setState(old, 'm.room.tombstone', {body: 'Gone on', replacement_room: other});
	t.deepEqual(await alice.do('GET', tags(other)), {tags: {}}, 'that room knows of no other');
	await alice.setState(old, 'm.room.tombstone', {body: 'Gone on', replacement_room: next});
	t.deepEqual(await alice.do('GET', tags(next)), {tags: {'u.desk': {}}});
	t.deepEqual((await rulesOf(alice, 'room')).map(({rule_id: id}) => id).toSorted(), [old, next].toSorted());
});

test('F12: a room that only says to replace another gets nothing that was kept for it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const old = await alice.create({preset: 'public_chat'});
	await bob.join(old);
	const tags = (roomId: string) => `/user/${encodeURIComponent(bob.id)}/rooms/${encodeURIComponent(roomId)}/tags`;
	await bob.do('PUT', `${tags(old)}/u.desk`, {});
	for (const predecessor of [{room_id: old}, {room_id: 5}, 'text', {room_id: '!nosuchroom:news.example'}]) {
		const impostor = await alice.create({preset: 'public_chat', room_version: '11', creation_content: {predecessor}});
		await bob.join(impostor);
		t.deepEqual(await bob.do('GET', tags(impostor)), {tags: {}}, JSON.stringify(predecessor));
	}
});

test('F12: rooms that replace each other in a circle are rooms like others', async (t) => {
	const {alice, bob} = await newsroom(t);
	const first = await alice.create({preset: 'public_chat'});
	const own = (roomId: string) => `/user/${encodeURIComponent(bob.id)}/rooms/${encodeURIComponent(roomId)}/tags`;
	await bob.join(first);
	await bob.do('PUT', `${own(first)}/u.desk`, {});
	const second = await alice.create({
		preset: 'public_chat',
		creation_content: {predecessor: {room_id: first, event_id: '$nothing'}},
	});
	for (const [roomId, replacement] of [
		[first, second],
		[second, first],
		[second, second],
	] as const) {
		await alice.setState(roomId, 'm.room.tombstone', {body: 'Gone on', replacement_room: replacement});
	}
	await bob.join(second);
	for (const roomId of [first, second]) {
		t.is((await bob.ask('GET', `/rooms/${encodeURIComponent(roomId)}/state`)).status, 200);
		t.is((await bob.ask('GET', own(roomId))).status, 200);
	}
	// Each can still be replaced by a new one.
	for (const roomId of [first, second]) {
		const answer = await alice.ask<{replacement_room: string}>('POST', `/rooms/${encodeURIComponent(roomId)}/upgrade`, {
			new_version: '12',
		});
		t.is(answer.status, 200);
		const create = await alice.state(answer.body.replacement_room, 'm.room.create');
		t.is((create['predecessor'] as {room_id: string}).room_id, roomId);
	}
});
