import test from 'ava';
import {errorOf, newsroom, noRoom, room} from './newsroom.ts';

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
		const {replacement_room: next} = await alice.do<Upgraded>('POST', `${room(old)}/upgrade`, {new_version: to});
		t.is((await alice.state(old, 'm.room.tombstone'))['replacement_room'], next, alias);
		const create = await alice.state(next, 'm.room.create');
		t.deepEqual(
			[create['room_version'], create['type'], create['predecessor']],
			[to, 'm.space', {room_id: old}],
			alias,
		);
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
